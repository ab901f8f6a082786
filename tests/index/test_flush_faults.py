"""What goes wrong with flushed rows and their codes costs no photo, and keeps none that is gone."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.index import vectors
from photosd.index.codes import SCALES, Codes
from photosd.index.dropping import drop_from_tables
from photosd.index.filters import Filter, traits
from photosd.index.flushed import GONE, STATE, FlushedTable
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore

DIMENSION = 64
FULL = OSError(errno.ENOSPC, "No space left on device")


def embedding(number: int, name: str = "") -> Embedding:
    row = np.random.default_rng(number).normal(size=(1, DIMENSION)).astype(np.float32)
    row /= np.linalg.norm(row)
    return Embedding(name or f"{number}-x", row, {}, (b"/old/%d.jpg" % number,))


PHOTOS = [embedding(number) for number in range(40)]


def opened(directory: Path) -> VectorStore:
    store = VectorStore(directory, "test", DIMENSION)
    store.open()
    return store


def flush(store: VectorStore, monkeypatch: pytest.MonkeyPatch, photos: list[Embedding]) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(vectors, "RAM_BYTES", 0)
        store.commit(photos)
        assert store.wait_idle(60)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VectorStore:
    """Forty photos that were flushed."""
    found = opened(tmp_path)
    flush(found, monkeypatch, PHOTOS)
    return found


def found_by(store: VectorStore, number: int, where: Filter | None = None) -> list[str]:
    return [content for content, _ in store.nearest(PHOTOS[number].vectors[0], 99, where)]


def codes_in(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(directory.rglob("*.i8")))


def high_of(directory: Path, number: int) -> bytes:
    """The high bytes of a photo, as codes have them."""
    apart = directory / "apart"
    apart.mkdir()
    Codes.write(apart, DIMENSION, [PHOTOS[number].vectors])
    found = (apart / "high.i8").read_bytes()
    shutil.rmtree(apart)
    return found


def rot(directory: Path, number: int, value: float) -> None:
    """Make every number of a photo's vector this one, in the files of LanceDB."""
    sound = PHOTOS[number].vectors.tobytes()
    rotten = np.full(DIMENSION, value, np.float32).tobytes()
    files = [file for file in directory.rglob("*.lance") if file.is_file()]
    found = [file for file in files if sound in file.read_bytes()]
    assert found
    for file in found:
        file.write_bytes(file.read_bytes().replace(sound, rotten))


# -- removing ---------------------------------------------------------------------------------


def test_a_removal_that_failed_is_made_good_by_the_next(
    store: VectorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The codes could not be written over the first time."""
    code = high_of(tmp_path, 7)
    assert code in codes_in(tmp_path)

    def refuse(*_: Any) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(Codes, "wipe", refuse)
        with pytest.raises(StorageError):
            store.remove(["7-x"])
    assert "7-x" not in found_by(store, 7)
    store.remove(["7-x"])
    assert code not in codes_in(tmp_path)


def test_codes_of_a_model_that_is_not_at_work_lose_what_is_removed(
    store: VectorStore, tmp_path: Path
) -> None:
    """They are not in RAM; they are made again when the model is in use."""
    del store
    code = high_of(tmp_path, 7)
    assert code in codes_in(tmp_path)
    drop_from_tables(tmp_path, ["7-x"], [])
    assert code not in codes_in(tmp_path)
    assert sorted(found_by(opened(tmp_path), 7)) == sorted(f"{n}-x" for n in range(40) if n != 7)


def test_codes_left_by_a_kill_are_deleted(store: VectorStore, tmp_path: Path) -> None:
    """Codes of an earlier generation and incomplete ones: no removal would reach them."""
    (codes,) = tmp_path.glob("*/_codes/*")
    shutil.copytree(codes, codes.with_name("00000000"))
    shutil.copytree(codes, codes.with_name("00000009"))
    (codes.with_name("00000009") / "state.json").unlink()
    code = high_of(tmp_path, 7)
    again = opened(tmp_path)
    again.remove(["7-x"])
    assert code not in codes_in(tmp_path)
    assert "7-x" not in found_by(opened(tmp_path), 7)


def test_photos_can_be_removed_without_the_files_of_codes(
    store: VectorStore, tmp_path: Path
) -> None:
    """The user deleted the files under the daemon: they are made again."""
    shutil.rmtree(next(tmp_path.glob("*/_codes")))
    store.remove(["7-x"])
    assert "7-x" not in found_by(store, 7)
    store.compact()
    assert store.wait_idle(60)
    assert list(tmp_path.glob("*/_codes/*/state.json"))
    store.remove(["8-x"])
    assert len(found_by(store, 7)) == len(found_by(opened(tmp_path), 7)) == 38


def test_all_photos_can_be_removed(store: VectorStore, tmp_path: Path) -> None:
    """And others come."""
    store.remove([photo.content for photo in PHOTOS])
    for _ in range(3):
        store.compact()
        assert store.wait_idle(60)
    assert found_by(store, 1) == found_by(opened(tmp_path), 1) == []
    store.commit(PHOTOS[:3])
    assert len(found_by(store, 1)) == 3


def test_labels_of_deleted_contents_match_nothing(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contents without rows may be told where they lie."""
    store.remove([photo.content for photo in PHOTOS])
    monkeypatch.setattr(vectors, "MOVED_AT_ONCE", 0)
    store.relabel({"1-x": traits({}, [b"/new/1.jpg"], None)})
    assert found_by(store, 1) == []


# -- flushing ---------------------------------------------------------------------------------


def test_a_photo_removed_after_a_failed_flush_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of an attempt stays on the disk, where no removal would reach it."""
    store = opened(tmp_path)

    def refuse(_place: FlushedTable) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr("photosd.index.maintenance.RETRY_SECONDS", 0.0)
        patch.setattr(FlushedTable, "compact", refuse)
        flush(store, patch, PHOTOS)
    store.remove(["7-x"])
    files = (file for file in tmp_path.glob("*_settled.lance/**/*") if file.is_file())
    assert not any(PHOTOS[7].vectors.tobytes() in file.read_bytes() for file in files)
    flush(store, monkeypatch, [embedding(99)])
    assert list(tmp_path.glob("*/_codes/*/state.json"))
    assert "7-x" not in store.contents() and len(store.contents()) == 40


def test_a_photo_removed_during_a_failed_flush_does_not_come_back(
    store: VectorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read before, and written to what was flushed afterwards."""
    append = FlushedTable.append

    def appending(place: FlushedTable, rows: Any) -> None:
        monkeypatch.setattr(FlushedTable, "append", append)
        store.remove(["99-x"])
        place.append(rows)
        raise FULL

    monkeypatch.setattr("photosd.index.maintenance.RETRY_SECONDS", 0.0)
    monkeypatch.setattr(FlushedTable, "append", appending)
    flush(store, monkeypatch, [embedding(98), embedding(99)])
    flush(store, monkeypatch, [embedding(97)])
    for place in (store, opened(tmp_path)):
        assert {"97-x", "98-x"} <= place.contents() and "99-x" not in place.contents()


@pytest.mark.parametrize("done", [False, True])
def test_a_store_that_was_closed_lets_go_of_nothing(
    tmp_path: Path, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was still flushing, or done but for the last step, when another took its place."""
    first, compact = opened(tmp_path), FlushedTable.compact
    others = list[VectorStore]()

    def compacting(place: FlushedTable) -> None:
        monkeypatch.setattr(FlushedTable, "compact", compact)
        if done:
            place.compact()
        closing = threading.Thread(target=first.close, args=(Deadline.after(0.0),))
        closing.start()
        closing.join()
        others.append(opened(tmp_path))
        assert others[0].wait_idle(60)
        monkeypatch.setattr(vectors, "RAM_BYTES", 1 << 20)
        others[0].commit([embedding(98)])
        if not done:
            place.compact()

    monkeypatch.setattr(FlushedTable, "compact", compacting)
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    first.commit(PHOTOS)
    assert first.wait_idle(60)
    (second,) = others
    second.commit([embedding(99)])
    for place in (second, opened(tmp_path)):
        assert len(place.contents()) == len(found_by(place, 1)) == 42


def test_codes_that_could_not_be_said_whole_are_not_taken(
    store: VectorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full at the last step: the earlier codes stay in use."""
    replace, refused = Path.replace, list[Path]()

    def refuse(file: Path, target: Path) -> Path:
        if target.name == STATE and target.parent.name != "00000001" and not refused:
            refused.append(file)
            raise FULL
        return replace(file, target)

    monkeypatch.setattr(Path, "replace", refuse)
    flush(store, monkeypatch, [embedding(99)])
    assert refused
    store.remove(["7-x"])
    for place in (store, opened(tmp_path)):
        found = found_by(place, 7)
        assert "7-x" not in found and "99-x" in found and len(found) == 40


def test_labels_written_while_codes_are_made_count_at_once(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only once the codes are made the next time."""
    write = Codes.write
    moved = {photo.content: traits({}, [b"/new/p.jpg"], None) for photo in PHOTOS[:20]}

    def writing(*given: Any) -> Codes:
        written = write(*given)
        monkeypatch.setattr(Codes, "write", write)
        store.relabel(moved)
        return written

    monkeypatch.setattr(vectors, "MOVED_AT_ONCE", 0)
    monkeypatch.setattr(Codes, "write", staticmethod(writing))
    flush(store, monkeypatch, [embedding(99)])
    assert sorted(found_by(store, 1, Filter(below=(b"/new",)))) == sorted(moved)


# -- damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 1e30])
def test_a_vector_that_rotted_hides_no_other(
    store: VectorStore, tmp_path: Path, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it found: it is missing, and made again."""
    del store
    rot(tmp_path, 7, value)
    shutil.rmtree(next(tmp_path.glob("*/_codes")))
    place = opened(tmp_path)
    for count in (5, 99):
        found = place.nearest(PHOTOS[3].vectors[0], count)
        assert found[0][0] == "3-x" and len(found) == min(count, 39)
        assert np.isfinite([cosine for _, cosine in found]).all()
    for again in (place, opened(tmp_path)):
        assert sorted(again.contents()) == sorted(f"{n}-x" for n in range(40) if n != 7)
        assert not again.vectors_of(["7-x"])
    place.commit([PHOTOS[7]])
    flush(place, monkeypatch, [PHOTOS[8]])
    for again in (place, opened(tmp_path)):
        assert found_by(again, 7)[0] == "7-x" and len(found_by(again, 7)) == 40


@pytest.mark.parametrize("value", [np.nan, 1e30])
def test_a_damaged_vector_delays_no_other(
    tmp_path: Path, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recent is flushed without it."""
    store = opened(tmp_path)
    store.commit(PHOTOS)
    rot(tmp_path, 7, value)
    flush(store, monkeypatch, [PHOTOS[8]])
    assert list(tmp_path.glob("*/_codes/*/state.json"))
    for again in (store, opened(tmp_path)):
        assert sorted(again.contents()) == sorted(f"{n}-x" for n in range(40) if n != 7)
        assert len(found_by(again, 8)) == 39


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0, 1e30])
def test_scales_that_make_no_sense_are_made_again(
    store: VectorStore, tmp_path: Path, value: float
) -> None:
    """One of them would hide all photos."""
    del store
    (file,) = tmp_path.glob(f"*/_codes/*/{SCALES}")
    scales = np.fromfile(file, np.float32)
    scales[3] = value
    scales.tofile(file)
    assert len(found_by(opened(tmp_path), 3)) == 40


def test_rows_that_are_gone_but_never_were_are_made_again(
    store: VectorStore, tmp_path: Path
) -> None:
    """The list of what is gone was of another generation."""
    del store
    (file,) = tmp_path.glob(f"*/_codes/*/{GONE}")
    np.save(file, np.array([40]))
    assert len(found_by(opened(tmp_path), 3)) == 40


@pytest.mark.parametrize("what", ["rows", "labels"])
@pytest.mark.parametrize("how", ["gone", "half", "empty"])
def test_a_flushed_table_that_cannot_be_read_is_repaired_by_a_restart(
    store: VectorStore, tmp_path: Path, how: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its codes are whole, but rows cannot move, nor codes be made again."""
    moved = {photo.content: traits({}, [b"/new/p.jpg"], None) for photo in PHOTOS[:20]}
    if what == "labels":  # in a file of their own
        monkeypatch.setattr(vectors, "MOVED_AT_ONCE", 0)
        store.relabel(moved)
        monkeypatch.undo()
        del store
        opened(tmp_path)
    else:
        flush(store, monkeypatch, [embedding(99)])
    (table,) = tmp_path.glob("*_settled.lance")
    file = max((table / "data").iterdir(), key=lambda one: one.stat().st_mtime_ns)
    content = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2 if how == "half" else 0])
    again = opened(tmp_path)
    assert again.rolled_back or not again.contents()
    again.relabel({content: moved["1-x"] for content in again.contents()})
    assert len(found_by(again, 1, Filter(below=(b"/new",)))) == len(again.contents())


@pytest.mark.parametrize("name", [".DS_Store", "._00000001", "lost+found"])
def test_what_others_leave_beside_codes_is_left_alone(
    store: VectorStore, tmp_path: Path, name: str
) -> None:
    """Codes are made beside it."""
    del store
    (codes,) = tmp_path.glob("*/_codes/*")
    codes.with_name(name).write_bytes(b"")
    assert len(found_by(opened(tmp_path), 3)) == 40
    shutil.rmtree(codes)
    assert len(found_by(opened(tmp_path), 3)) == 40
    assert codes.with_name(name).exists()


def test_the_size_is_reported_while_codes_are_deleted(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Directories vanish while it looks."""
    scandir = os.scandir

    def vanished(path: Any = ".") -> Any:
        if Path(path).name.isdecimal():
            raise FileNotFoundError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanished)
    assert store.bytes_on_disk() > 0
