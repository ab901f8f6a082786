"""``ctypes.CDLL(None)``: functions that macOS alone has, and none that glibc alone has."""

from __future__ import annotations

import posix
import posixpath
import struct
from collections.abc import Callable
from typing import Any

from tests.darwin.pretend.patches import Patches, words

GLIBC = words("""
prctl mallopt malloc_trim mallinfo mallinfo2 inotify_init inotify_init1 inotify_add_watch
inotify_rm_watch sched_setaffinity syncfs statx renameat2 name_to_handle_at gettid syscall
""")
SYSTEM = (None, "libSystem.dylib", "/usr/lib/libSystem.dylib", "/usr/lib/libSystem.B.dylib",
          "libc.dylib", "/usr/lib/libc.dylib", "/usr/lib/libproc.dylib")  # fmt: skip
DATALESS_POLICY, OFF = 3, 1  # IOPOL_TYPE_VFS_MATERIALIZE_DATALESS_FILES, its value for "refuse"
policies: dict[int, int] = {}


def setiopolicy_np(kind: Any, _scope: Any, policy: Any) -> int:
    """Remember the policy of this process: see getiopolicy_np(3)."""
    policies[int(getattr(kind, "value", kind))] = int(getattr(policy, "value", policy))
    return 0


def getiopolicy_np(kind: Any, _scope: Any) -> int:
    """The policy set before, else 0: the default."""
    return policies.get(int(getattr(kind, "value", kind)), 0)


def proc_pid_rusage(pid: int, _kind: int, info: Any) -> int:
    """Resident memory, and as footprint the part of it, swapped or not, that no file holds."""
    try:
        descriptor = posix.open(f"/proc/{pid}/status", posix.O_RDONLY)
    except OSError:
        return -1
    rows = [line.split() for line in posix.read(descriptor, 1 << 14).decode().splitlines()]
    posix.close(descriptor)
    found = {row[0]: int(row[1]) * 1024 for row in rows if row[-1:] == ["kB"]}
    if "VmRSS:" not in found:  # it has ended and is not reaped
        return -1
    footprint = found["RssAnon:"] + found["RssShmem:"] + found["VmSwap:"]
    import ctypes

    numbers = struct.pack("16x10Q", 0, 0, 0, 0, 0, 0, found["VmRSS:"], footprint, 0, 0)
    ctypes.memmove(info, numbers, len(numbers))
    return 0


def statfs(path: bytes, found: Any) -> int:
    """Only where the file system is mounted: see statfs(2)."""
    import ctypes

    try:
        device, point = posix.stat(path).st_dev, posixpath.realpath(path)
        while point != b"/" and posix.stat(posixpath.dirname(point)).st_dev == device:
            point = posixpath.dirname(point)
    except OSError as error:
        ctypes.set_errno(error.errno or 0)
        return -1
    numbers = bytes(88) + point
    ctypes.memmove(found, numbers, len(numbers))
    return 0


def getattrlist(_path: bytes, _wanted: Any, _answer: Any, _room: int, _options: int) -> int:
    """No file system here tells its UUID."""
    return -1


# Add to these what other tests need.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "setiopolicy_np": setiopolicy_np,
    "getiopolicy_np": getiopolicy_np,
    "proc_pid_rusage": proc_pid_rusage,
    "statfs": statfs,
    "getattrlist": getattrlist,
}


class Function:
    """A Python function that takes ``argtypes`` and ``restype`` as ctypes' do."""

    argtypes: Any = None
    restype: Any = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)


def apply(ctypes: Any, patches: Patches) -> None:
    """Replace ``ctypes.CDLL``."""
    real = ctypes.CDLL

    def begin(self: Any, name: Any = None, *arguments: Any, **named: Any) -> None:
        self._is_system = name in SYSTEM
        if str(name).endswith(".dylib"):  # of torch, which is Linux's own
            name = str(name).removesuffix(".dylib") + ".so"
        real.__init__(self, None if self._is_system else name, *arguments, **named)

    def find(self: Any, name: str) -> Any:
        if self.__dict__.get("_is_system"):
            if name in FUNCTIONS:
                return Function(FUNCTIONS[name])
            if name in GLIBC:
                raise AttributeError(f"dlsym(RTLD_DEFAULT, {name}): symbol not found")
        return real.__getattr__(self, name)

    members = {"__init__": begin, "__getattr__": find}
    patches.replace(ctypes, "CDLL", type("CDLL", (real,), members))
