"""A file is read once, whole, and nothing odd on the disk can hold a decoder up."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import xxhash

from photosd.decode import reading
from photosd.decode.decode_errors import DecodeFailed, FileGone
from photosd.decode.limits import DecodeLimits
from tests.decode.pictures import write

MOST = DecodeLimits(memory=3 << 20)  # files of 1 MiB


def code_of(path: bytes, most: DecodeLimits = MOST) -> str:
    """The code with which reading this path fails, by both ways of reading."""
    codes = []
    for read in (lambda: reading.read(path, most), lambda: reading.identify(path)):
        with pytest.raises(DecodeFailed) as failed:
            read()
        codes.append(failed.value.code)
        assert failed.value.reason and failed.value.remedy
    assert codes[0] == codes[1]
    return codes[0]


def test_the_content_id_is_size_and_digest_of_the_whole_bytes(tmp_path: Path) -> None:
    """Equal bytes, equal id, whichever way they are read; and the stat is that of the file."""
    data = os.urandom(300_001)
    path = write(tmp_path / "a.jpg", data)
    read, identity = reading.read(path, MOST)
    state = (tmp_path / "a.jpg").stat()
    assert read == data
    assert identity == reading.identify(path)
    assert identity.content_id == f"{len(data):x}-{xxhash.xxh3_128_hexdigest(data)}"
    assert (identity.size, identity.mtime_ns) == (state.st_size, state.st_mtime_ns)
    assert (identity.inode, identity.device) == (state.st_ino, state.st_dev)


def test_an_empty_file_has_an_identity_too(tmp_path: Path) -> None:
    """Zero bytes are read; that they are no photo is decided later."""
    data, identity = reading.read(write(tmp_path / "a.jpg", b""), MOST)
    assert data == b"" and identity.content_id.startswith("0-")


def test_a_link_to_a_photo_is_the_photo(tmp_path: Path) -> None:
    """Symbolic links are followed to regular files, and to nothing else."""
    target = write(tmp_path / "a.jpg", b"photo")
    (tmp_path / "link.jpg").symlink_to("a.jpg")
    assert reading.identify(bytes(tmp_path / "link.jpg")) == reading.identify(target)
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    assert code_of(bytes(tmp_path / "circle.jpg")) == "link_loop"
    (tmp_path / "nowhere.jpg").symlink_to("missing")
    assert code_of(bytes(tmp_path / "nowhere.jpg")) == "gone"
    (tmp_path / "device.jpg").symlink_to("/dev/zero")
    assert code_of(bytes(tmp_path / "device.jpg")) == "not_a_file"


@pytest.mark.timeout(10)
def test_what_is_not_a_file_is_refused_without_waiting(tmp_path: Path) -> None:
    """A pipe without a writer would block an ordinary open without limit."""
    os.mkfifo(tmp_path / "pipe.jpg")
    assert code_of(bytes(tmp_path / "pipe.jpg")) == "not_a_file"
    (tmp_path / "folder.jpg").mkdir()
    assert code_of(bytes(tmp_path / "folder.jpg")) == "not_a_file"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.jpg"))
        assert code_of(bytes(tmp_path / "s.jpg")) == "not_a_file"


@pytest.mark.timeout(10)
def test_a_pipe_that_takes_the_files_place_does_not_hold_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and opening there is a moment; the open itself must not wait."""
    os.mkfifo(tmp_path / "pipe.jpg")
    regular = write(tmp_path / "a.jpg", b"photo")
    real = os.stat
    monkeypatch.setattr(
        os, "stat", lambda path, **k: real(regular if path != regular else path, **k)
    )
    with pytest.raises(DecodeFailed) as failed:
        reading.identify(bytes(tmp_path / "pipe.jpg"))
    assert failed.value.code == "not_a_file"


def test_a_deleted_file_has_its_own_error(tmp_path: Path) -> None:
    """So that its row can go instead of failing."""
    with pytest.raises(FileGone):
        reading.identify(bytes(tmp_path / "missing.jpg"))
    write(tmp_path / "a.jpg", b"photo")
    with pytest.raises(FileGone):
        reading.identify(bytes(tmp_path / "a.jpg" / "below.jpg"))


def test_names_of_any_bytes_are_read(tmp_path: Path) -> None:
    """Not UTF-8, newlines, quotes, and a name too long to exist."""
    odd = os.path.join(bytes(tmp_path), b"\xff\n\"'.jpg")  # noqa: PTH118
    Path(os.fsdecode(odd)).write_bytes(b"photo")
    assert reading.identify(odd).size == 5
    assert code_of(bytes(tmp_path) + b"/" + b"x" * 300 + b".jpg") == "name"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_file_that_is_longer_than_its_size_is_refused() -> None:
    """Files made up by the kernel say 0 bytes and hold more; so do some network file systems."""
    assert code_of(b"/proc/self/status") == "changing"


def once_opened(monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
    """Have this happen between looking at an open file and reading it."""
    looks, refuse = itertools.count(), reading.refuse

    def look(state: os.stat_result) -> None:
        refuse(state)
        if next(looks) == 1:  # first by name, then as opened
            change()

    monkeypatch.setattr(reading, "refuse", look)


def change_by(kind: str, file: Path) -> Callable[[], None]:
    """A change of a file."""

    def change() -> None:
        if kind == "grown":
            with file.open("ab") as more:
                more.write(b"more")
        elif kind == "cut":
            os.truncate(file, 3)
        else:
            file.write_bytes(b"other")
            os.utime(file, (1, 1))

    return change


@pytest.mark.parametrize("kind", ["grown", "cut", "rewritten"])
def test_a_file_that_changes_while_it_is_read_is_tried_again_later(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of one photo and half of another must never be indexed."""
    for read in (lambda path: reading.read(path, MOST), reading.identify):
        path = write(tmp_path / "a.jpg", b"photo")
        with monkeypatch.context() as patch, pytest.raises(DecodeFailed) as failed:
            once_opened(patch, change_by(kind, tmp_path / "a.jpg"))
            read(path)
        assert (failed.value.code, failed.value.transient) == ("changing", True)


def test_a_replaced_file_is_still_read_consistently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The descriptor holds the old file: its bytes and its stat belong together."""
    file = tmp_path / "a.jpg"
    path = write(file, b"photo")
    inode = file.stat().st_ino

    def replace() -> None:
        write(tmp_path / "new", b"another")
        (tmp_path / "new").replace(file)

    once_opened(monkeypatch, replace)
    data, identity = reading.read(path, MOST)
    assert (data, identity.inode) == (b"photo", inode)


def test_a_file_too_large_to_be_read_whole_is_refused_by_its_size(tmp_path: Path) -> None:
    """Before a byte of it is read, with both numbers; its identity can still be had."""
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(50 << 20)
    with pytest.raises(DecodeFailed, match=r"too large: 50 MiB, the limit .* is 1 MiB"):
        reading.read(bytes(tmp_path / "a.jpg"), MOST)
    assert reading.identify(bytes(tmp_path / "a.jpg")).size == 50 << 20


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody without rights")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    """As an unprivileged user: root may read everything."""
    write(tmp_path / "a.jpg", b"photo")
    (tmp_path / "a.jpg").chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    script = (
        "import os, sys; from photosd.decode import decode_errors, limits, reading\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: reading.read(os.fsencode(sys.argv[1]), limits.DecodeLimits(memory=300))\n"
        "except decode_errors.DecodeFailed as e: print(e.code, e.transient, e.reason, e.remedy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.jpg")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith(
        "permission True photosd has no permission to read the file make"
    ), done
