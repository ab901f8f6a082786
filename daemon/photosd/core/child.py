"""A worker process from its parent's side: spawn, wait, stack dump, kill, exit report."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

MEANINGFUL = 0.2  # share of a time limit; shorter waits for a core do not extend it
USED_SECONDS = 0.01  # of a core: less is used by threads that only look at the time
DUMP_SECONDS = 0.3
REAP_SECONDS = 5.0
STDERR_BYTES = 16 << 10


class HasDescriptor(Protocol):
    """A socket, a pipe, a file."""

    def fileno(self) -> int:
        """The number of its descriptor."""


def readable(source: int | HasDescriptor, seconds: float) -> bool:
    """Whether reading would not block, within this many seconds; end of file counts."""
    poll = select.poll()
    poll.register(source, select.POLLIN | select.POLLPRI)
    return bool(poll.poll(math.ceil(1000 * max(0.0, seconds))))


def seconds_without_core(pid: int) -> float:
    """Total seconds for which the most delayed thread of a process was ready to run without a core.

    The second number of Linux's ``/proc/PID/task/TID/schedstat``; 0 if unknown. A stopped, sleeping
    or deadlocked thread does not wait for a core; a spinning one does, so excuses are limited.
    """
    longest = 0
    try:
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            longest = max(longest, int(file.read_text().split()[1]))
    except (OSError, IndexError, ValueError):
        pass
    return longest / 1e9


class Activity:
    """Whether a process works or waits; for one thread."""

    def __init__(self, pid: int) -> None:
        self._pid, self._used = pid, 0.0
        self._used = self._seconds_used()

    def works(self) -> bool:
        """Whether it has work to do, even if it waits for a core.

        macOS calls each process running that is not stopped: there, whether it has used a core
        since the last question.
        """
        import psutil  # an import of 10 ms that the command does not need

        if sys.platform != "darwin":
            try:
                return bool(psutil.Process(self._pid).status() == psutil.STATUS_RUNNING)
            except psutil.Error:
                return False
            except OSError:  # out of descriptors: it may work
                return True
        before, self._used = self._used, self._seconds_used()
        return self._used - before > USED_SECONDS

    def _seconds_used(self) -> float:
        """Seconds of cores that it has used; as before if it has ended."""
        if sys.platform != "darwin":
            return 0.0
        import psutil

        try:
            used = psutil.Process(self._pid).cpu_times()
        except (psutil.Error, OSError):
            return self._used
        return float(used.user + used.system)


class Effort:
    """What a process has done since the first `look`; for one thread.

    ``used``: seconds of cores; ``idle``: seconds in which it used no core and, where the system
    tells, waited for none.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._first: tuple[float, float, float] | None = None
        self.used = self.idle = 0.0

    def look(self) -> None:
        """Update; a process that has ended has used what it had used before. Nothing changes while
        the system cannot tell, as without free descriptors.
        """
        try:
            now = time.monotonic(), self._cores(), seconds_without_core(self._pid)
        except OSError:
            return
        self._first = self._first or now
        seconds, cores, waited = (n - first for n, first in zip(now, self._first, strict=True))
        self.used = max(self.used, cores)
        self.idle = max(0.0, seconds - self.used - max(0.0, waited))

    def _cores(self) -> float:
        import psutil  # an import of 10 ms that the command does not need

        try:
            used = psutil.Process(self._pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(used.user + used.system)


@dataclass(frozen=True)
class Death:
    """How a worker ended: reason, stack if available, whether it was reaped."""

    reason: str
    stack: str
    exit_code: int | None
    reaped: bool

    @property
    def by_others(self) -> bool:
        """Whether it was killed from outside: by the kernel, low on memory, or an administrator."""
        return self.reason in (describe_exit(-signal.SIGKILL), describe_exit(-signal.SIGTERM))


class Child:
    """One worker process (``python -m MODULE FD PARENT_PID …``) and our end of its socketpair.

    It runs in its own session, so that the whole group can be killed, and ends with the *thread*
    that spawned it (see core.worker_setup): spawn from a thread that outlives it.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        kind: socket.SocketKind = socket.SOCK_STREAM,
    ) -> None:
        self.sock, theirs = socket.socketpair(type=kind)
        self._stderr = _messages()
        try:
            self._begin(module, arguments, environment or {}, theirs)
        except OSError:
            self.close()
            raise
        finally:
            theirs.close()

    def _begin(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        theirs: socket.socket,
    ) -> None:
        """Start the process; raises OSError if the system refuses.

        -P: it imports nothing from the current directory, which is the home under systemd.
        """
        connection = [str(theirs.fileno()), str(os.getpid())]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *connection, *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._stderr,
            stderr=self._stderr,
            start_new_session=True,
            env={**os.environ, **environment},
        )

    @property
    def pid(self) -> int:
        """Its process id, which is also its process group's."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs (including stopped and hung processes)."""
        return self._process.poll() is None

    def stderr_tail(self) -> str:
        """The end of its stderr: warnings, tracebacks, stack dumps."""
        with contextlib.suppress(OSError, ValueError):
            size = self._stderr.seek(0, os.SEEK_END)
            self._stderr.seek(max(0, size - STDERR_BYTES))
            return self._stderr.read().decode("utf-8", "backslashreplace").strip()
        return ""

    def kill(self, reason: str, *, dump: bool = True, reap_seconds: float = REAP_SECONDS) -> Death:
        """End it reliably: request its stack, SIGKILL its group, reap within a limited time.

        A process in uninterruptible sleep cannot be reaped; it is left behind (``reaped`` is
        False).
        """
        if dump and self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGUSR1)
                os.kill(self.pid, signal.SIGCONT)  # a stopped process cannot dump
                self._wait(DUMP_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        reaped = self._wait(reap_seconds)
        death = Death(reason, self.stderr_tail(), self._exit_code(), reaped)
        self.close()
        return death

    def exit_report(self) -> Death:
        """How it ended on its own; closes our end. Call when ``alive`` is False."""
        return self.kill(describe_exit(self._exit_code()), dump=False)

    def close(self) -> None:
        """Close our end; a healthy worker exits when it notices."""
        self.sock.close()
        self._stderr.close()

    def _exit_code(self) -> int | None:
        return self._process.returncode

    def _wait(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def _messages() -> IO[bytes]:
    """A file without a name for a worker's output, in memory or nowhere if ``$TMPDIR`` cannot be
    written: it may be full, or deleted with the shell that the daemon was started from.
    """
    try:
        return tempfile.TemporaryFile(prefix="photosd-")
    except OSError:
        memory = getattr(os, "memfd_create", None)  # Linux
        made = os.open(os.devnull, os.O_RDWR) if memory is None else memory("photosd")
        return os.fdopen(made, "w+b")


def describe_exit(code: int | None) -> str:
    """An exit code as text: ``killed by SIGSEGV``, ``exited with code 1``."""
    if code is None:
        return "closed its connection"
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
