"""Files: no /proc, flags and times of birth, F_GETPATH, contents that are only in iCloud."""

from __future__ import annotations

import builtins
import errno
import fcntl
import functools
import io
import os
import posix
import stat
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from tests.darwin.pretend.patches import Patches

F_NOCACHE, F_GETPATH, F_FULLFSYNC = 48, 50, 51
SF_DATALESS = 0x40000000
ATTRIBUTE = "user.darwin.flags"
HIDDEN = ("/proc", "/sys")
# These ask Linux about Linux; on a Mac they would ask the kernel in other ways.
TOLD_THE_TRUTH = frozenset(("psutil", "torch", "pyarrow", "lancedb", "numpy", "ctypes", "_pytest"))
GETXATTR: Any = vars(posix)["getxattr"]
SETXATTR: Any = vars(posix)["setxattr"]
REMOVEXATTR: Any = vars(posix)["removexattr"]


def flags_of(target: Any, follow: bool = True) -> int:
    """``st_flags`` of a path or descriptor."""
    try:
        return int(GETXATTR(target, ATTRIBUTE, follow_symlinks=follow))
    except (OSError, ValueError):
        return 0


def set_flags(path: str | bytes | os.PathLike[str], flags: int) -> None:
    """Set ``st_flags`` (UF_HIDDEN, SF_DATALESS, …). Raises OSError without user attributes."""
    if flags:
        SETXATTR(path, ATTRIBUTE, str(flags).encode())
    elif flags_of(path):
        REMOVEXATTR(path, ATTRIBUTE)


class StatResult:
    """An ``os.stat_result`` with the two fields that macOS adds."""

    def __init__(self, real: os.stat_result, flags: int) -> None:
        self._real, self.st_flags = real, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real, name)

    @property
    def st_birthtime(self) -> float:
        """Linux does not tell Python; at the latest when it was changed."""
        return min(self._real.st_mtime, self._real.st_ctime)

    def __getitem__(self, index: Any) -> Any:
        return self._real[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._real)

    def __len__(self) -> int:
        return len(self._real)

    def __eq__(self, other: object) -> bool:
        return self._real == (other._real if isinstance(other, StatResult) else other)

    def __hash__(self) -> int:
        return hash(self._real)

    def __repr__(self) -> str:
        return repr(self._real)


class Entry:
    """An ``os.DirEntry`` whose ``stat`` has the two fields."""

    def __init__(self, real: os.DirEntry[Any]) -> None:
        self._real, self.name, self.path = real, real.name, real.path
        self.is_dir, self.is_file = real.is_dir, real.is_file
        self.is_symlink, self.inode = real.is_symlink, real.inode

    def stat(self, *, follow_symlinks: bool = True) -> StatResult:
        """As os.DirEntry.stat."""
        found = self._real.stat(follow_symlinks=follow_symlinks)
        return StatResult(found, flags_of(self.path, follow_symlinks))

    def __fspath__(self) -> Any:
        return self.path


class Entries:
    """What ``os.scandir`` returns."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __iter__(self) -> Entries:
        return self

    def __next__(self) -> Entry:
        return Entry(next(self._real))

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *_: object) -> None:
        self._real.close()

    def close(self) -> None:
        """Close the directory."""
        self._real.close()


def _refuse(path: Any) -> None:
    """Raises FileNotFoundError below /proc and /sys, unless a library looks that has to."""
    if isinstance(path, int):
        return
    name = os.fsdecode(path)
    if name not in HIDDEN and not name.startswith(tuple(f"{one}/" for one in HIDDEN)):
        return
    frame: Any = sys._getframe(2)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in TOLD_THE_TRUTH:
            return
        frame = frame.f_back
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _pull_down(path: Any) -> None:
    """Opening what is only in iCloud: refused, or its path is written down."""
    if isinstance(path, int) or not flags_of(path) & SF_DATALESS:
        return
    from tests.darwin.pretend import PULLED, libsystem

    if libsystem.policies.get(libsystem.DATALESS_POLICY) == libsystem.OFF:
        raise OSError(errno.EDEADLK, os.strerror(errno.EDEADLK), path)
    if record := os.environ.get(PULLED):
        target = posix.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        posix.write(target, os.fsencode(path) + b"\n")
        posix.close(target)


def _guarded(real: Any, *, opens: bool = False) -> Any:
    @functools.wraps(real)
    def guarded(path: Any = ".", *args: Any, **named: Any) -> Any:
        _refuse(path)
        if opens:
            _pull_down(path)
        return real(path, *args, **named)

    return guarded


def _naming(real: Any, position: int = 0, creates: Callable[..., object] | None = None) -> Any:
    """``real``, which refuses to create a name that is not UTF-8, as APFS does."""

    @functools.wraps(real)
    def named(*args: Any, **more: Any) -> Any:
        given = args[position] if len(args) > position else 0
        if not isinstance(given, int) and (creates is None or creates(*args[1:], **more)):
            path = os.fsencode(given)
            if path.decode("utf-8", "ignore").encode() != path:
                raise OSError(errno.EILSEQ, os.strerror(errno.EILSEQ), given)
        return real(*args, **more)

    return named


def _with_flags(real: Any) -> Any:
    @functools.wraps(real)
    def found(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> StatResult:
        _refuse(path)
        result = real(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        if dir_fd is not None and not os.fspath(path).startswith(
            b"/" if isinstance(path, bytes) else "/"
        ):
            path = f"/proc/self/fd/{dir_fd}/{os.fsdecode(path)}"
        return StatResult(result, flags_of(path, follow_symlinks))

    return found


def apply(patches: Patches) -> None:
    """Pretend all of it."""
    real_stat = os.stat
    look = _with_flags(real_stat)

    def lstat(path: Any, *, dir_fd: int | None = None) -> StatResult:
        found: StatResult = look(path, dir_fd=dir_fd, follow_symlinks=False)
        return found

    replaced = {
        "stat": look,
        "lstat": lstat,
        "fstat": lambda fd: StatResult(posix.fstat(fd), flags_of(fd)),
        "open": _naming(
            _guarded(os.open, opens=True), creates=lambda flags, *_, **__: flags & os.O_CREAT
        ),
        "mkdir": _naming(os.mkdir),
        **{
            name: _naming(getattr(os, name), 1) for name in ("link", "rename", "replace", "symlink")
        },
        "listdir": _guarded(os.listdir, opens=True),
        "access": _guarded(os.access),
        "readlink": _guarded(os.readlink),
        "chdir": _guarded(os.chdir),
        "scandir": _entries(os.scandir),
    }
    for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
        for name, function in replaced.items():
            if getattr(os, name) in supported:
                supported.add(function)
    for name, function in replaced.items():
        patches.replace(os, name, function)
    opened = _naming(
        _guarded(io.open, opens=True), creates=lambda mode="r", *_, **__: set(mode) & set("awx")
    )
    patches.replace(io, "open", opened)
    patches.replace(builtins, "open", opened)
    for name in ("chflags", "lchflags"):
        patches.replace(os, name, lambda path, flags, **_: set_flags(path, flags))
    patches.replace(fcntl, "fcntl", _fcntl(fcntl.fcntl))
    for name, number in (("F_NOCACHE", 48), ("F_GETPATH", 50), ("F_FULLFSYNC", 51)):
        patches.replace(fcntl, name, number)
    for name in ("SF_DATALESS",):
        patches.replace(stat, name, SF_DATALESS)


def _entries(real: Any) -> Any:
    guarded = _guarded(real, opens=True)

    @functools.wraps(real)
    def scandir(path: Any = ".") -> Entries:
        return Entries(guarded(path))

    return scandir


def _fcntl(real: Any) -> Any:
    def pretended(target: Any, command: int, argument: Any = 0) -> Any:
        if command == F_GETPATH:
            descriptor = target if isinstance(target, int) else target.fileno()
            name = as_stored(posix.readlink(os.fsencode(f"/proc/self/fd/{descriptor}")))
            return (name + bytes(len(argument)))[: len(argument)]
        if command == F_FULLFSYNC:
            os.fsync(target)
            return 0
        return 0 if command == F_NOCACHE else real(target, command, argument)

    return pretended


def as_stored(path: bytes) -> bytes:
    """``path`` with each component spelt as its directory spells it."""
    found = b""
    for part in path.split(b"/")[1:]:
        try:
            names = posix.listdir(found or b"/")
        except OSError:
            names = []
        if part not in names:
            equal = [name for name in names if _folded(name) == _folded(part)]
            part = equal[0] if equal else part
        found += b"/" + part
    return found or b"/"


def _folded(name: bytes) -> str:
    return unicodedata.normalize("NFD", os.fsdecode(name)).casefold()
