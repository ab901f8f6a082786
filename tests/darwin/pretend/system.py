"""The platform's name, limits, clocks and configuration; names of Linux alone are removed."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import sys
import time
from typing import Any

from tests.darwin.pretend.patches import Patches, words

OPEN_FILES = 61440  # kern.maxfilesperproc
UNLIMITED = (1 << 63) - 1
LINUX_OS = words("""
copy_file_range eventfd eventfd_read eventfd_write fdatasync fgetxattr getrandom getresgid getresuid
getxattr listxattr memfd_create pidfd_open pipe2 posix_fadvise posix_fallocate removexattr
sched_getaffinity sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
sched_setparam sched_setscheduler setns setresgid setresuid setxattr splice unshare waitid
timerfd_create timerfd_gettime timerfd_settime
O_DIRECT O_LARGEFILE O_NOATIME O_PATH O_RSYNC O_TMPFILE P_PIDFD RTLD_DEEPBIND
""")
LINUX_OS_PREFIXES = (
    "CLONE_",
    "EFD_",
    "GRND_",
    "MFD_",
    "POSIX_FADV_",
    "RWF_",
    "SPLICE_",
    "TFD_",
    "XATTR_",
)
LINUX_ERRNO = words("""
EADV EBADE EBADFD EBADR EBADRQC EBADSLT EBFONT ECHRNG ECOMM EDEADLOCK EDOTDOT EISNAM EKEYEXPIRED
EKEYREJECTED EKEYREVOKED EL2HLT EL2NSYNC EL3HLT EL3RST ELIBACC ELIBBAD ELIBEXEC ELIBMAX ELIBSCN
ELNRNG EMEDIUMTYPE ENAVAIL ENOANO ENOCSI ENOKEY ENOMEDIUM ENONET ENOPKG ENOTNAM ENOTUNIQ EREMCHG
EREMOTEIO ERESTART ERFKILL ESRMNT ESTRPIPE EUCLEAN EUNATCH EXFULL EHWPOISON
""")
LINUX_SIGNAL = words("""
SIGCLD SIGPOLL SIGPWR SIGRTMAX SIGRTMIN SIGSTKFLT sigtimedwait sigwaitinfo pidfd_send_signal
""")
LINUX_RESOURCE = words("""
prlimit RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_OFILE RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING
RUSAGE_THREAD
""")
LINUX_TIME = ["CLOCK_BOOTTIME", "CLOCK_TAI", "pthread_getcpuclockid"]
LINUX_FCNTL_PREFIXES = ("F_OFD_", "F_SEAL_", "DN_")
LINUX_FCNTL = words("""
F_ADD_SEALS F_GET_SEALS F_GETLEASE F_SETLEASE F_GETPIPE_SZ F_SETPIPE_SZ F_GETSIG F_SETSIG F_NOTIFY
""")
CONFSTR = {65536: "0/", 65537: "T/", 65538: "C/"}  # CS_DARWIN_USER_DIR, _TEMP_DIR, _CACHE_DIR


def apply(patches: Patches) -> None:
    """Pretend all of it."""
    patches.replace(sys, "platform", "darwin")
    _names(patches)
    _resource(patches)
    node = os.uname().nodename
    version = "Darwin Kernel Version 24.6.0: RELEASE_ARM64_T8103"
    found = os.uname_result(("Darwin", node, "24.6.0", version, "arm64"))
    patches.replace(os, "uname", lambda: found)
    confstr = os.confstr
    patches.replace(os, "confstr", lambda name: _confstr(name) or confstr(name))
    patches.replace(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC_RAW)


def _names(patches: Patches) -> None:
    prefixed = [name for name in vars(os) if name.startswith(LINUX_OS_PREFIXES)]
    patches.remove(os, *LINUX_OS, *prefixed)
    patches.remove(errno, *LINUX_ERRNO)
    patches.remove(signal, *LINUX_SIGNAL)
    patches.remove(resource, *LINUX_RESOURCE)
    patches.remove(time, *LINUX_TIME)
    prefixed = [name for name in vars(fcntl) if name.startswith(LINUX_FCNTL_PREFIXES)]
    patches.remove(fcntl, *LINUX_FCNTL, *prefixed)


def temporary() -> str:
    """The user's temporary directory, as launchd makes it: private, with a slash at the end."""
    from tests.darwin.pretend import TEMPORARY

    place = os.environ.get(TEMPORARY) or f"/tmp/pretended-{os.getuid()}/T/"
    os.makedirs(place, mode=0o700, exist_ok=True)  # noqa: PTH103 (pathlib costs the command 5 ms)
    return place


def _confstr(name: Any) -> str | None:
    if name == 65537:
        return temporary()
    return temporary().removesuffix("T/") + CONFSTR[name] if name in CONFSTR else None


def _resource(patches: Patches) -> None:
    setrlimit, getrlimit, getrusage = (
        resource.setrlimit,
        resource.getrlimit,
        resource.getrusage,
    )

    def refused(what: int, limits: tuple[int, int]) -> None:
        if what in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
            raise ValueError("current limit exceeds maximum limit")
        if what == resource.RLIMIT_NOFILE:
            soft, hard = limits
            if not 0 <= soft <= OPEN_FILES:
                raise ValueError("current limit exceeds maximum limit")
            most = getrlimit(what)[1]
            limits = (soft, most if hard in (UNLIMITED, -1) else hard)
        setrlimit(what, limits)

    def unlimited(what: int) -> tuple[int, int]:
        soft, hard = getrlimit(what)
        return (soft, UNLIMITED) if what == resource.RLIMIT_NOFILE else (soft, hard)

    def in_bytes(who: int) -> resource.struct_rusage:
        found = list(getrusage(who))
        found[2] *= 1024
        return resource.struct_rusage(found)

    patches.replace(resource, "setrlimit", refused)
    patches.replace(resource, "getrlimit", unlimited)
    patches.replace(resource, "getrusage", in_bytes)
    patches.replace(resource, "RLIM_INFINITY", UNLIMITED)
