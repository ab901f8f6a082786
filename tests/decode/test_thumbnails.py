"""Thumbnails are kept by content, within their room, and are no loss when they go."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.decode.decode_errors import FileGone, TooSlow
from photosd.decode.pool import Pool, Thumbnail
from photosd.decode.thumbnails import Thumbnails, ThumbnailStore
from tests.decode.pictures import jpeg, scene, write
from tests.decode.waiting import SOON

ROOM = 10_000


def content(number: int) -> str:
    return f"1f-{number:032x}"


def picture(number: int, size: int = 1000) -> Thumbnail:
    return Thumbnail(b"\xff\xd8" + bytes(size - 4) + b"\xff\xd9", 32, 24, content(number))


def refused(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def files(directory: Path) -> list[Path]:
    return sorted(file for file in directory.rglob("*") if file.is_file())


# -- the store ------------------------------------------------------------------------------------


def test_what_was_kept_is_found_again_also_after_a_restart(tmp_path: Path) -> None:
    """Thumbnails are kept by content and size; other users cannot read them."""
    store = ThumbnailStore(tmp_path / "t", ROOM)
    assert store.get(content(1), 320) is None
    file = store.put(320, picture(1))
    for same in (store, ThumbnailStore(tmp_path / "t", ROOM)):
        assert same.get(content(1), 320) == (picture(1), file)
        assert same.get(content(1), 640) is None
    assert (tmp_path / "t").stat().st_mode & 0o700 == 0o700


def test_the_longest_unused_make_room(tmp_path: Path) -> None:
    """Never more bytes than allowed; what was looked at lately stays."""
    store = ThumbnailStore(tmp_path, ROOM)
    for number in range(10):
        store.put(320, picture(number))
    assert len(files(tmp_path)) == 10
    assert store.get(content(0), 320)
    store.put(320, picture(10))
    assert sum(file.stat().st_size for file in files(tmp_path)) <= ROOM
    assert store.get(content(0), 320)
    assert store.get(content(10), 320)
    assert store.get(content(1), 320) is None
    store.set_room(0)
    assert not files(tmp_path)
    assert store.put(320, picture(1)) is None


def test_use_is_remembered_across_restarts(tmp_path: Path) -> None:
    """By the files' times."""
    store = ThumbnailStore(tmp_path, ROOM)
    for number in range(10):
        file = store.put(320, picture(number))
        assert file is not None
        os.utime(file, (number, number))
    store = ThumbnailStore(tmp_path, ROOM)
    assert store.get(content(0), 320)
    ThumbnailStore(tmp_path, ROOM).put(320, picture(10))
    store = ThumbnailStore(tmp_path, ROOM)
    assert store.get(content(0), 320)
    assert store.get(content(1), 320) is None


@pytest.mark.parametrize("harm", ["delete", "cut", "rot", "directory"])
def test_files_that_vanish_or_rot_are_no_loss(tmp_path: Path, harm: str) -> None:
    """A missing thumbnail is reported as absent, and can be kept again."""
    store = ThumbnailStore(tmp_path / "t", ROOM)
    file = store.put(320, picture(1))
    assert file is not None
    if harm == "delete":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(picture(1).data[:500])
    elif harm == "rot":
        file.write_bytes(bytes(1000))
    else:
        file.unlink()
        file.mkdir()
    assert store.get(content(1), 320) is None
    assert store.put(320, picture(1)) if harm != "directory" else True
    (tmp_path / "t" / "notes").write_text("not ours")
    (file.parent / "half.new").write_text("a draft")
    assert ThumbnailStore(tmp_path / "t", ROOM).get(content(2), 320) is None


def test_photos_are_shown_though_the_cache_cannot_be_written(tmp_path: Path) -> None:
    """Nothing is kept then."""
    (tmp_path / "t").write_text("a file where the directory should be")
    store = ThumbnailStore(tmp_path / "t", ROOM)
    assert store.put(320, picture(1)) is None
    assert store.get(content(1), 320) is None


def test_dropped_contents_lose_every_size(tmp_path: Path) -> None:
    """As `photosd purge` does for deleted photos."""
    store = ThumbnailStore(tmp_path, ROOM)
    for size in (320, 640):
        store.put(size, picture(1))
    store.put(320, picture(2))
    store.drop([content(1)])
    assert len(files(tmp_path)) == 1


def test_a_directory_that_cannot_be_read_delays_no_other_thumbnail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of another user, or on a bad sector: all were listed again for each thumbnail."""
    ThumbnailStore(tmp_path, ROOM).put(320, picture(1))
    file = ThumbnailStore(tmp_path, ROOM).put(320, picture(2))
    assert file is not None
    listed, iterdir = list[Path](), Path.iterdir

    def some(path: Path) -> Iterator[Path]:
        listed.append(path)
        if path == file.parent:
            refused()
        return iter(list(iterdir(path)))

    monkeypatch.setattr(Path, "iterdir", some)
    store = ThumbnailStore(tmp_path, ROOM)
    for _ in range(5):
        assert store.get(content(1), 320) and store.get(content(2), 320) is None
    assert len(listed) == 3
    with pytest.raises(StorageError):
        store.drop([content(1)])
    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert store.contents() == {content(2)}
    assert store.get(content(2), 320)


@pytest.mark.parametrize("call", ["drop", "expire"])
def test_what_cannot_be_deleted_now_is_deleted_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The caller gets an error: the file was forgotten, and stayed."""
    store = ThumbnailStore(tmp_path, ROOM)
    store.put(320, picture(1))
    deed = {"drop": lambda: store.drop([content(1)]), "expire": lambda: store.expire(float("inf"))}
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        with pytest.raises(StorageError, match="Input/output error"):
            deed[call]()
        store.set_room(0)  # without limit it would try
    assert len(files(tmp_path)) == 1
    deed[call]()
    assert not files(tmp_path)


def test_a_directory_that_could_not_be_read_once_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thumbnails were unknown until a restart, and those of deleted photos stayed."""
    ThumbnailStore(tmp_path, ROOM).put(320, picture(1))
    store = ThumbnailStore(tmp_path, ROOM)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", refused)
        assert store.get(content(1), 320) is None
        store.put(320, picture(2))
        for call in (store.contents, lambda: store.drop([content(1)])):
            with pytest.raises(StorageError):
                call()
    assert store.contents() == {content(1), content(2)}
    store.drop([content(1)])
    assert len(files(tmp_path)) == 1


# -- made, kept, made smaller ---------------------------------------------------------------------


@pytest.fixture
def thumbnails(pool: Pool, tmp_path: Path) -> Thumbnails:
    return Thumbnails(pool, ThumbnailStore(tmp_path / "kept", 10_000_000))


def soon() -> Deadline:
    return Deadline.after(SOON)


@pytest.fixture
def large(tmp_path: Path) -> bytes:
    """A photo larger than the smallest kept size."""
    return write(tmp_path / "large.jpg", jpeg(scene(900, 600)))


def test_a_known_photo_is_decoded_once(pool: Pool, thumbnails: Thumbnails, large: bytes) -> None:
    """From then on its file is not even looked at."""
    known = pool.identify(large).result(SOON).content_id
    first = thumbnails.get(large, known, (200, 200), "jpeg", soon())
    assert (first.width, first.height) == (320, 213)
    Path(os.fsdecode(large)).unlink()
    assert thumbnails.get(large, known, (320, 320), "jpeg", soon()) == first
    small = thumbnails.get(large, known, (60, 20), "rgb", soon())
    assert (small.width, small.height, len(small.data)) == (30, 20, 30 * 20 * 3)
    assert small.content_id == known
    # Larger than what is kept: better that than nothing.
    assert thumbnails.get(large, known, (1280, 1280), "jpeg", soon()) == first


def test_an_unknown_file_is_shown_and_not_kept(
    thumbnails: Thumbnails, large: bytes, tmp_path: Path
) -> None:
    """Only the library's photos are worth the room."""
    assert thumbnails.get(large, None, (320, 320), "jpeg", soon()).width == 320
    assert thumbnails.get(large, None, (30, 30), "rgb", soon()).width == 30
    assert not files(tmp_path / "kept")
    Path(os.fsdecode(large)).unlink()
    with pytest.raises(FileGone):
        thumbnails.get(large, None, (320, 320), "jpeg", soon())


def test_rgb_is_exact_and_needs_no_store(pool: Pool, tmp_path: Path, large: bytes) -> None:
    """Where nothing can be kept it comes from the photo itself."""
    thumbnails = Thumbnails(pool, ThumbnailStore(tmp_path / "kept", 0))
    known = pool.identify(large).result(SOON).content_id
    small = thumbnails.get(large, known, (30, 30), "rgb", soon())
    assert (small.width, small.height) == (30, 20)
    pixels = Image.frombytes("RGB", (30, 20), small.data)
    with Image.open(os.fsdecode(large)) as original:
        left, right = (original.convert("RGB").getpixel((x, 300)) for x in (15, 885))
    for x, expected in ((0, left), (29, right)):
        found = pixels.getpixel((x, 10))
        assert isinstance(found, tuple) and isinstance(expected, tuple)
        assert all(abs(a - b) < 60 for a, b in zip(found, expected, strict=True))


def test_a_passed_deadline_is_reported(thumbnails: Thumbnails, large: bytes) -> None:
    """A caller does not wait for a decoder beyond its deadline."""
    with pytest.raises(TooSlow):
        thumbnails.get(large, None, (320, 320), "jpeg", Deadline.after(0))
