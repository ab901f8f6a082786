"""Memory that a process uses, as the system's own tools show it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from collections.abc import Callable

RUSAGE_INFO_V0 = 0  # sys/resource.h of macOS
Ask = Callable[[int, int, "ctypes._Pointer[RusageInfo]"], int]


class RusageInfo(ctypes.Structure):
    """`struct rusage_info_v0` of macOS."""

    _fields_ = (
        ("uuid", ctypes.c_uint8 * 16),
        ("user_time", ctypes.c_uint64),
        ("system_time", ctypes.c_uint64),
        ("pkg_idle_wkups", ctypes.c_uint64),
        ("interrupt_wkups", ctypes.c_uint64),
        ("pageins", ctypes.c_uint64),
        ("wired_size", ctypes.c_uint64),
        ("resident_size", ctypes.c_uint64),
        ("phys_footprint", ctypes.c_uint64),
        ("proc_start_abstime", ctypes.c_uint64),
        ("proc_exit_abstime", ctypes.c_uint64),
    )


def footprint(pid: int) -> int | None:
    """Bytes of memory that process ``pid`` uses; None if it has ended, or if the system cannot
    tell, as without free descriptors.

    On macOS its physical footprint, as in Activity Monitor: it includes what the GPU uses of the
    machine's memory, which resident memory leaves out. Elsewhere its resident memory.
    """
    if sys.platform == "darwin":
        with contextlib.suppress(OSError, AttributeError):  # a system without this library or call
            if found := physical_footprint(pid, _proc_pid_rusage()):
                return found
    import psutil  # an import of 10 ms that the command does not need

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.Error, OSError):
        return None


def used_mb(pid: int) -> float | None:
    """The same in 10^6 bytes."""
    used = footprint(pid)
    return None if used is None else round(used / 1e6, 1)


def physical_footprint(pid: int, ask: Ask) -> int | None:
    """Bytes by ``ask``, the system's `proc_pid_rusage`; None if it refuses."""
    info = RusageInfo()
    refused = ask(pid, RUSAGE_INFO_V0, ctypes.pointer(info))
    return None if refused else int(info.phys_footprint)


@functools.cache
def _proc_pid_rusage() -> Ask:
    call = ctypes.CDLL("/usr/lib/libproc.dylib").proc_pid_rusage
    call.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.POINTER(RusageInfo))
    call.restype = ctypes.c_int
    ask: Ask = call
    return ask
