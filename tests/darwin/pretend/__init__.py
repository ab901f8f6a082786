"""Makes this Python process, and every Python it starts, pretend to be macOS 15 on Apple silicon.

Pretended:

- ``sys.platform``, ``os.uname``, ``platform``. Modules choose by platform when they are imported;
  psutil, ctypes.util and truststore are told the truth meanwhile; psutil then loses what its Mac
  side lacks, calls disks of this machine APFS and sleeping processes running; shutil copies no
  extended attributes.
- Names that Linux alone has are gone: in os (memfd_create, pidfd_open, sched_getaffinity,
  posix_fadvise, eventfd, copy_file_range, getxattr, pipe2, waitid, fdatasync, O_PATH, …), errno,
  fcntl, resource, select (epoll), signal, socket and time.
- ``/proc`` and ``/sys`` do not exist for ``open`` and ``os``, except for psutil, torch and Arrow.
- ``resource``: RLIMIT_AS and RLIMIT_DATA are refused, the hard limit on descriptors is infinite
  and more than 61,440 are refused; ``ru_maxrss`` is in bytes.
- ``select.kqueue``: reading, writing, and ``NOTE_EXIT`` of any process; asyncio runs on it.
- Names that are not UTF-8 cannot be created from Python: EILSEQ.
- ``fcntl``: F_GETPATH (each component spelt as its directory spells it), F_FULLFSYNC, F_NOCACHE.
- ``socket``: LOCAL_PEERCRED and LOCAL_PEERPID instead of SO_PEERCRED; no abstract names, no
  SOCK_SEQPACKET; names of at most 103 bytes; a full backlog refuses connections; 8 KiB of buffer;
  no setsockopt once the other side has closed.
- ``os.confstr``: the user's directories; `TEMPORARY` in the environment moves the temporary one.
- ``st_flags``, ``st_birthtime``, ``os.chflags``: flags are kept in an extended attribute. Opening a
  file or listing a directory with SF_DATALESS is refused with EDEADLK if the process asked for
  that with setiopolicy_np; else its path is added to the file that `PULLED` names.
- ``ctypes.CDLL(None)``: functions of libSystem that photosd calls; nothing that glibc alone has.
- ``_watchdog_fsevents``, so that watchdog chooses FSEvents: recursive streams, fed by inotify.
- Children of ``subprocess`` pretend, whatever their environment; those of ``os.exec*`` and
  ``os.posix_spawn`` do if they inherit it. Another sitecustomize on PYTHONPATH is run, too.

Not pretended: numbers of errno, the case of names, normalisation, /private, volumes, launchd, TCC,
Metal, AppKit, codesigning, and whatever compiled code asks the kernel itself (SQLite, Arrow, torch,
Pillow). Programs other than Python see Linux.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import PurePath

from tests.darwin.pretend.patches import Patches

PRETEND, TEMPORARY, PULLED = "PHOTOSD_PRETEND", "PHOTOSD_PRETEND_TMP", "PHOTOSD_PRETEND_PULLED"
SHIM = str(PurePath(__file__).parent.parent / "shim")
ROOT = str(PurePath(__file__).parent.parent.parent.parent)
PATCHES = Patches()
REAL = sys.platform == "darwin" and PRETEND not in os.environ  # before any patch


def pretend() -> Patches:
    """Pretend in this process; ``undo`` of the result ends it (for modules not imported since)."""
    if sys.platform == "darwin":
        return PATCHES
    from tests.darwin.pretend import kqueue

    kqueue.apply(PATCHES)  # before socket imports selectors
    from tests.darwin.pretend import children, files, modules, network, system

    for part in (system, files, network, children, modules):
        part.apply(PATCHES)
    return PATCHES


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """``given``, or this process's environment, so that a Python in it pretends; on a real Mac it
    need not.
    """
    found = {os.fsdecode(k): v for k, v in (os.environ if given is None else given).items()}
    if REAL:
        return found
    path = [part for part in found.get("PYTHONPATH", "").split(":") if part and part != SHIM]
    return found | {PRETEND: "darwin", "PYTHONPATH": ":".join([SHIM, *path])}
