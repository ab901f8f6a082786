"""A FUSE file system that shows a directory of this machine and hangs, or is slow, as told.

``python -m tests.watch.hangfs SOURCE MOUNT CONTROL KIND`` serves until it is unmounted. CONTROL is
a file of words, looked at all the time: ``lookup``, ``readdir`` and ``read`` (from the middle of a
file on) leave those requests without an answer, ``all`` every request, ``slow`` answers each after
a second. What was not answered is answered when its word is gone, unless ``lost`` was among them.
``fold`` finds names in any case and form of letters, as a Mac's disk does.
"""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH115, PTH116, PTH123, PTH208

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photosd.watch.spelling import folded

ROOT = Path(__file__).parent.parent.parent
# linux/fuse.h
LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 5, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT, BATCH_FORGET = (
    25, 26, 27, 28, 29, 34, 36, 42,
)  # fmt: skip
DIRECT_IO = 1
LAZY = 2  # MNT_DETACH
SLOW_SECONDS = 1.0


class Server:
    """Answers the kernel about one mount."""

    def __init__(self, source: bytes, point: bytes, control: Path, kind: bytes) -> None:
        self._source, self._control = source, control
        self._paths: dict[int, bytes] = {1: b""}
        self._numbers: dict[bytes, int] = {b"": 1}
        self._held: list[bytes] = []
        self._fd = os.open("/dev/fuse", os.O_RDWR)
        options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % self._fd
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"hangfs", point, kind, 1, options):
            raise OSError(ctypes.get_errno(), "mount")

    def serve(self) -> None:
        """Until it is unmounted."""
        while True:
            if select.select([self._fd], [], [], 0.05)[0]:
                try:
                    self._take(os.read(self._fd, 1 << 17))
                except OSError as error:
                    if error.errno == errno.ENODEV:
                        return
            words = self._words()
            held, self._held = self._held, []
            for request in held:
                self._take(request, words)

    def _words(self) -> set[str]:
        with contextlib.suppress(OSError):
            return set(self._control.read_text().split())
        return set()

    def _take(self, request: bytes, words: set[str] | None = None) -> None:
        """Answer a request, or hold it."""
        words = self._words() if words is None else words
        _, operation, unique, node = struct.unpack("<IIQQ", request[:24])
        if operation in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        if operation != INIT and self._hangs(operation, node, request[40:], words):
            if "lost" not in words:
                self._held.append(request)
            return
        if "slow" in words and operation != INIT:
            time.sleep(SLOW_SECONDS)
        try:
            answer, number = self._answer(operation, node, request[40:]), 0
        except OSError as error:
            answer, number = b"", -(error.errno or errno.EIO)
        with contextlib.suppress(OSError):
            os.write(self._fd, struct.pack("<IiQ", 16 + len(answer), number, unique) + answer)

    def _hangs(self, operation: int, node: int, body: bytes, words: set[str]) -> bool:
        if operation == READ and "read" in words:
            _, offset, size = struct.unpack("<QQI", body[:20])
            return bool(offset + size > os.stat(self._path(node)).st_size // 2)
        hung = {LOOKUP: "lookup", READDIR: "readdir"}.get(operation)
        return "all" in words or hung in words

    def _path(self, node: int, name: bytes = b"") -> bytes:
        return self._source + self._paths[node] + (b"/" + name if name else b"")

    def _stored(self, node: int, name: bytes) -> bytes:
        """The name of a directory's entry that is found by ``name``."""
        names = os.listdir(self._path(node)) if "fold" in self._words() else [name]
        same = (other for other in names if folded(other) == folded(name))
        return name if name in names else next(same, name)

    def _number(self, relative: bytes) -> int:
        number = self._numbers.setdefault(relative, len(self._numbers) + 1)
        self._paths[number] = relative
        return number

    def _attributes(self, path: bytes, node: int) -> bytes:
        found = os.lstat(path)
        seconds = [int(found.st_atime), int(found.st_mtime), int(found.st_ctime)]
        parts = [
            t % 1_000_000_000 for t in (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
        ]
        return struct.pack(
            "<QQQQQQIIIIIIIIII", node, found.st_size, 1, *seconds, *parts,
            found.st_mode, 1, 0, 0, 0, 4096, 0,
        )  # fmt: skip

    def _answer(self, operation: int, node: int, body: bytes) -> bytes:
        if operation == INIT:
            start = struct.pack("<IIIIHHII", 7, 23, 65536, 0, 16, 12, 65536, 1)
            return start + bytes(36)
        if operation == LOOKUP:
            name = self._stored(node, body.split(b"\0")[0])
            os.lstat(self._path(node, name))
            child = self._number(self._paths[node] + b"/" + name)
            return struct.pack("<QQQQII", child, 0, 0, 0, 0, 0) + self._attributes(
                self._path(child), child
            )
        if operation == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self._attributes(self._path(node), node)
        if operation == READLINK:
            return os.readlink(self._path(node))
        if operation in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, DIRECT_IO if operation == OPEN else 0, 0)
        if operation == READ:
            _, offset, size = struct.unpack("<QQI", body[:20])
            with open(self._path(node), "rb") as file:
                file.seek(offset)
                return file.read(size)
        if operation == READDIR:
            _, offset, size = struct.unpack("<QQI", body[:20])
            return self._listing(node, offset, size)
        if operation == STATFS:
            return bytes(80)
        if operation in (RELEASE, FLUSH, RELEASEDIR, ACCESS):
            return b""
        raise OSError(errno.ENOSYS, "")

    def _listing(self, node: int, offset: int, room: int) -> bytes:
        data = b""
        for number, name in enumerate(sorted(os.listdir(self._path(node)))[offset:], offset + 1):
            kind = stat.S_IFMT(os.lstat(self._path(node, name)).st_mode) >> 12
            child = self._number(self._paths[node] + b"/" + name)
            entry = struct.pack("<QQII", child, number, len(name), kind) + name
            entry += bytes(-len(entry) % 8)
            if len(data) + len(entry) > room:
                break
            data += entry
        return data


class Share:
    """A mount of the file system, for a test."""

    def __init__(self, point: Path, source: Path, control: Path) -> None:
        self.point, self.source, self._control = point, source, control

    def hang(self, *words: str) -> None:
        """Behave as the words say from now on; none: as a share should."""
        draft = self._control.with_suffix(".new")
        draft.write_text(" ".join(words))
        draft.replace(self._control)


@contextlib.contextmanager
def shared(directory: Path, kind: str = "fuse.sshfs") -> Iterator[Share]:
    """A share in ``directory``; its files are those of ``share.source``. Skips where it cannot."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK) or os.geteuid():
        pytest.skip("mounting a FUSE file system needs /dev/fuse and root")
    source, point = directory / "behind", directory / "share"
    source.mkdir()
    point.mkdir()
    control = directory / "control"
    control.write_text("")
    arguments = [str(source), str(point), str(control), kind]
    server = subprocess.Popen([sys.executable, "-m", "tests.watch.hangfs", *arguments], cwd=ROOT)
    try:
        _until(lambda: os.path.ismount(point) or server.poll() is not None)
        if server.poll() is not None:
            pytest.skip("a FUSE file system cannot be mounted here")
        yield Share(point, source, control)
    finally:
        ctypes.CDLL(None).umount2(os.fsencode(point), LAZY)
        server.kill()  # ends what still waits for it, too: the connection goes with it
        server.wait(10)


def _until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)


if __name__ == "__main__":
    Server(
        os.fsencode(sys.argv[1]),
        os.fsencode(sys.argv[2]),
        Path(sys.argv[3]),
        os.fsencode(sys.argv[4]),
    ).serve()
