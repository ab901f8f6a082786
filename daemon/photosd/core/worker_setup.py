"""First steps of every worker: exit with the daemon, dump the stack on request, limit memory."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import resource
import select
import signal
import socket
import sys
import threading
from pathlib import Path

from photosd.core.macos import never_download_from_icloud

PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Without PDEATHSIG: native code that holds the GIL for so long is taken for hung. Longer than all
# healthy code takes, since the daemon, while it lives, ends hung workers earlier itself.
HUNG_SECONDS = 120.0
NICENESS = 19


def attach(arguments: list[str]) -> socket.socket:
    """Tie this process to its parent and return our end of the socketpair.

    ``arguments`` is ``sys.argv[1:]``: the descriptor of the socket and the parent's pid. SIGTERM
    keeps its default action, because a Python handler never runs while the main thread is in native
    code; Ctrl-C in the daemon's terminal is handled by the daemon.
    """
    sock = socket.socket(fileno=int(arguments[0]))
    never_download_from_icloud()
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tie(int(arguments[1]))
    return sock


def tie(parent: int) -> None:
    """Exit when the thread that started us ends, and at once if ``parent`` has ended already."""
    if sys.platform == "linux":
        _die_with_parent_thread()
    else:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before the tie was set
        os._exit(0)


def lower_priority() -> None:
    """Lower the priority of this process, on the processor and the disk."""
    import psutil

    os.nice(NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # desktops schedule sessions first, then processes
            Path("/proc/self/autogroup").write_text(str(NICENESS))
        with contextlib.suppress(psutil.Error, OSError):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


def _die_with_parent_thread() -> None:
    """Request SIGKILL from the kernel when the spawning thread ends; works with the GIL held."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _die_with(parent: int) -> None:
    """Without PDEATHSIG (macOS): wait for the parent's exit event, then exit.

    This thread needs the GIL for that. faulthandler's timer does not: each turn sets it again, so
    that it ends this process after `HUNG_SECONDS` without one.
    """
    if sys.platform == "linux":  # also tells the type checker where kqueue exists
        return
    queue = select.kqueue()
    event = select.kevent(
        parent,
        filter=select.KQ_FILTER_PROC,
        flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT,
        fflags=select.KQ_NOTE_EXIT,
    )
    with contextlib.suppress(OSError):  # the parent has ended already
        changes = [event]
        faulthandler.dump_traceback_later(HUNG_SECONDS, exit=True)
        while not queue.control(changes, 1, HUNG_SECONDS / 4):
            faulthandler.dump_traceback_later(HUNG_SECONDS, exit=True)
            changes = []
    os._exit(0)
