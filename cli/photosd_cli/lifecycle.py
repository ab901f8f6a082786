"""Starts and stops the daemon, and verifies the result; the locks that tell who serves a home."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from photosd.core.clock import STOP_SECONDS
from photosd.core.daemon_lock import lock_holder, lock_words
from photosd.core.errors import (
    DeadlineExceeded,
    NotRunning,
    PhotosdError,
    StorageError,
    Unreachable,
    Warming,
)
from photosd.core.paths import Home
from photosd.core.socketpath import VARIABLE, expanded
from photosd.protocol.client import Client
from photosd.protocol.connection import HungUp
from photosd.service import selection
from photosd.service.service_spec import NoManager
from photosd_cli import console, logfile
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    import psutil

    from photosd.protocol.reports import StatusResult
    from photosd.service.manager import Service

START_SECONDS = 30.0  # until the socket answers; about one on an idle machine
WARM_SECONDS = 180.0
ENDED_SECONDS = STOP_SECONDS + 2  # the daemon's own limit, plus a margin for a busy machine
SIGNAL_SECONDS = 5.0
ANSWER_SECONDS = 5.0
TURN_SECONDS = 60.0  # until earlier starters are done
SERVICE_SECONDS = 2.0  # between questions about a service whose daemon does not answer yet
POLL_SECONDS = 0.03
LAST_LINES = 10


class StartFailed(PhotosdError):
    """The daemon was started and ended again."""

    code, title = "start_failed", "photosd could not start"


Stopped = Literal["stopped", "killed", "not_running"]
STOPPED_IN_WORDS: dict[Stopped, str] = {
    "stopped": "photosd has stopped",
    "killed": "photosd did not respond and was killed; the index is intact",
    "not_running": "photosd was not running",
}


def start() -> bool:
    """Ensure that a daemon answers on the socket; returns whether one was started.

    Concurrent calls start one daemon, and each returns when it answers.
    """
    home = Home.from_environment()
    if answers(home):
        return False
    with _start_lock(home):
        if answers(home) or _wait_for_other_daemon(home):
            return False
        log_begin = home.log.stat().st_size if home.log.exists() else 0
        service = _start_service()
        wait_for_answer(failure_of(service) if service else spawn(), log_begin)
        return True


def wait_for_answer(ended: Callable[[], str], log_begin: int = 0) -> None:
    """Return when the daemon answers; raises DeadlineExceeded if it does not in time.

    ``ended``: returns how the daemon ended, "" if it may still answer; then StartFailed is raised,
    with its log from byte ``log_begin``.
    """
    home = Home.from_environment()
    until = time.monotonic() + START_SECONDS
    while not answers(home):
        if how := ended():
            raise _death(how, logfile.tail(home.log, LAST_LINES, log_begin))
        if time.monotonic() > until:
            raise DeadlineExceeded(
                f"it was started, but does not answer on {home.socket} after {START_SECONDS:.0f} s",
                remedy="photosd logs",
            )
        time.sleep(POLL_SECONDS)


def status(*, wait: bool = False) -> StatusResult:
    """The daemon's status; with ``wait`` once the model is warm, or Warming is raised."""
    home, until = Home.from_environment(), time.monotonic() + WARM_SECONDS
    timeout = WARM_SECONDS if wait else ANSWER_SECONDS
    with Client(home.socket, timeout=timeout) as client, Bar("warming up") as bar:
        while (status := client.status())["state"] == "warming" and wait:
            if time.monotonic() > until:
                raise Warming(
                    f"the model was not warm after {WARM_SECONDS:.0f} s", remedy="photosd logs"
                )
            eta = status["encoder"]["eta_s"]
            bar.say("" if eta is None else f"about {eta:.0f} s to go")
            time.sleep(POLL_SECONDS)
    return status


def stop() -> Stopped:
    """Stop the daemon and wait until it ends: via its service, by request, SIGTERM, SIGKILL."""
    home = Home.from_environment()
    if _stop_service(home) and lock_holder(home) is None:
        return "stopped"
    process = _process(home)
    if process is None:
        return "not_running"
    if _ask_to_stop() and has_ended(process, ENDED_SECONDS):
        return "stopped"
    for signal_it in (process.terminate, process.kill):
        signal_it()  # psutil verifies that the pid is still this process
        if has_ended(process, SIGNAL_SECONDS):
            return "killed"
    raise PhotosdError(
        f"process {process.pid} cannot be killed; it hangs in the kernel, perhaps on a broken disk",
        remedy="unmount or reconnect the disk, or restart the machine",
    )


def failure_of(service: Service) -> Callable[[], str]:
    """For `wait_for_answer`: asks the service manager now and then."""
    next_time = time.monotonic() + SERVICE_SECONDS

    def ended() -> str:
        nonlocal next_time
        if time.monotonic() < next_time:
            return ""
        next_time = time.monotonic() + SERVICE_SECONDS
        state = service.status().state  # "failed (exit code 78)"
        return state[len("failed (") : -1] if state.startswith("failed") else ""

    return ended


def _start_service() -> Service | None:
    """Start the service if it is installed for this home; returns the one that was started."""
    service = selection.installed_service()
    if service is None:
        return None
    try:
        service.start()
    except NoManager as error:
        console.warn(f"{error}; started without the service")
        return None
    return service


def _stop_service(home: Home) -> bool:
    """Stop the service if it is installed for this home; returns whether that ended a daemon.

    Stops its socket as well, since a connection would start the daemon.
    """
    service = selection.installed_service()
    if service is None:
        return False
    ran = lock_holder(home) is not None
    with contextlib.suppress(NoManager):  # no user manager here: ask the daemon itself
        service.stop()
        return ran
    return False


def answers(home: Home) -> bool:
    try:
        with Client(home.socket, timeout=ANSWER_SECONDS) as client:
            client.hello()
    except (NotRunning, HungUp):
        return False
    except DeadlineExceeded as error:
        raise DeadlineExceeded(
            f"the daemon runs, but has not answered for {ANSWER_SECONDS:.0f} s",
            remedy="photosd restart",
        ) from error
    return True


def _wait_for_other_daemon(home: Home) -> bool:
    """Wait until a stopping daemon has ended (False), or another one answers (True)."""
    until = time.monotonic() + ENDED_SECONDS
    while (pid := lock_holder(home)) is not None:
        if answers(home):
            return True
        if (where := lock_words(home)[1:2]) not in ([], [str(home.socket)]):
            raise Unreachable(
                f"the daemon of this PHOTOSD_HOME (pid {pid or 'unknown'}) listens on {where[0]},"
                f" not on {home.socket}",
                remedy=f"use the {VARIABLE} it was started with, or: photosd restart",
            )
        if time.monotonic() > until:
            raise DeadlineExceeded(
                f"the daemon (pid {pid or 'unknown'}) runs, but does not listen",
                remedy="photosd restart",
            )
        time.sleep(POLL_SECONDS)
    return False


def spawn() -> Callable[[], str]:
    """Start a detached daemon; returns how it ended, for `wait_for_answer`."""
    process = subprocess.Popen(
        daemon_command(),
        env=_environment(),
        cwd="/",  # so that no disk is kept busy
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Exit code 0: another daemon (started by systemd, say) was first; it will answer.
    return lambda: f"exit code {process.returncode}" if process.poll() else ""


def daemon_command() -> list[str]:
    return [sys.executable, "-P", "-m", "photosd"]


def _environment() -> dict[str, str]:
    """Our environment with relative paths made absolute: the daemon runs in ``/``."""
    environment = dict(os.environ)
    if home := environment.get("PHOTOSD_HOME"):
        environment["PHOTOSD_HOME"] = str(expanded(home).absolute())
    if path := environment.get("PYTHONPATH"):
        parts = [str(Path(part).absolute()) for part in path.split(os.pathsep) if part]
        environment["PYTHONPATH"] = os.pathsep.join(parts)
    return environment


def _death(how: str, log_lines: list[str]) -> StartFailed:
    """Why a daemon that was just started ended: its last log lines, or its output."""
    lines = [logfile.readable(line) for line in log_lines] or early_output_of()
    return StartFailed(
        f"the daemon ended at once ({how})" + "".join(f"\n  {line}" for line in lines),
        remedy="photosd run   (shows all output)",
    )


def early_output_of() -> list[str]:
    """Output of a daemon that fails before it can log: run it once more, for a moment."""
    try:
        again = subprocess.run(
            daemon_command(),
            env=_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SIGNAL_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return []
    return again.stderr.decode("utf-8", "replace").splitlines()[-LAST_LINES:]


def _process(home: Home) -> psutil.Process | None:
    """The daemon's process, even if it does not answer; None if there is none."""
    import psutil

    pid: int | None
    try:
        with Client(home.socket, timeout=ANSWER_SECONDS) as client:
            pid = client.hello()["pid"]
    except (NotRunning, DeadlineExceeded, Unreachable):
        pid = lock_holder(home)
    try:
        return psutil.Process(pid) if pid else None
    except psutil.NoSuchProcess:
        return None


def _ask_to_stop() -> bool:
    try:
        with Client(Home.from_environment().socket, timeout=ANSWER_SECONDS) as client:
            client.stop()
    except Unreachable:
        return True  # it ended before it answered
    except PhotosdError:
        return False
    return True


def has_ended(process: psutil.Process, seconds: float) -> bool:
    """Whether it ends in time. A zombie counts as ended: in a container it may stay."""
    import psutil

    until = time.monotonic() + seconds
    ended = False
    while not ended and time.monotonic() <= until:
        with contextlib.suppress(psutil.NoSuchProcess):
            ended = process.status() == psutil.STATUS_ZOMBIE
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(POLL_SECONDS)  # reaps it if it is our child
            ended = True
    return ended


# -- locks ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _start_lock(home: Home) -> Iterator[None]:
    """One starter at a time; others wait instead of starting a second daemon."""
    try:
        home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(home.state / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(
            f"{home.state} cannot be written: {error.strerror}",
            remedy="change its owner or permissions, or set PHOTOSD_HOME",
        ) from error
    try:
        until = time.monotonic() + TURN_SECONDS
        while not _locked(descriptor):
            if time.monotonic() > until:
                raise DeadlineExceeded(
                    f"another `photosd start` has been running for {TURN_SECONDS:.0f} s",
                    remedy="photosd logs",
                )
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
