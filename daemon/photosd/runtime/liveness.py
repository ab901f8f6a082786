"""Liveness checks of the daemon: event loop, socket, supervisor, watcher, reconciler.

Each check returns what is wrong as text, or None, within a few seconds. A thread runs them in turn
and notifies the service manager; `self_check` is for the doctor.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import psutil
import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import AlreadyRunning, Busy, PhotosdError
from photosd.core.paths import Home
from photosd.encoder.supervisor import Supervisor
from photosd.protocol.client import Client
from photosd.protocol.endpoint import Endpoint
from photosd.protocol.reports import SelfCheckResult, TextCheck
from photosd.protocol.server import Server
from photosd.runtime.library import Library
from photosd.service.notify import SystemdNotifier

log = structlog.get_logger()


LOOP_SECONDS = 5.0
ANSWER_SECONDS = 5.0
# The supervisor loops at least every 30 s; stopping an encoder may take some seconds more.
SUPERVISOR_SECONDS = 120.0
# The reconciler loops at least every 30 s, and only waits for the catalog.
RECONCILER_SECONDS = 300.0
# Watching a large folder again on a slow disk takes minutes; that is work, not a hang.
WATCHER_SECONDS = 900.0


def loop_turns(loop: asyncio.AbstractEventLoop) -> str | None:
    """None if the event loop runs a callback in time."""
    turned = threading.Event()
    try:
        loop.call_soon_threadsafe(turned.set)
    except RuntimeError:
        return None  # it is closed: the daemon is stopping
    return (
        None if turned.wait(LOOP_SECONDS) else f"the event loop has not run for {LOOP_SECONDS:g} s"
    )


def socket_is_ours(path: Path) -> str | None:
    """None if clients of the socket reach this process and get answers."""
    try:
        with Client(path, timeout=ANSWER_SECONDS) as client:
            pid = client.hello()["pid"]
    except Busy:
        return None  # many clients are being answered
    except PhotosdError as error:
        return str(error)
    return None if pid == os.getpid() else f"another process ({pid}) answers on the socket"


def recent(what: str, seen_at: float, limit: float) -> str | None:
    """None if ``seen_at`` (``time.monotonic()``) is at most ``limit`` seconds ago."""
    age = time.monotonic() - seen_at
    return f"{what} for {age:.0f} s" if age > limit else None


EVERY_SECONDS = 20.0
WARMING_SECONDS = 1.0  # interval of state messages while it changes
LAST_CHECK_SECONDS = 5.0  # how long to wait for the running check at the end
LONGEST_FAILING = 60.0  # then, without another supervisor, the daemon exits
SELF_CHECK_FAILED = 70  # exit code; EX_SOFTWARE of sysexits(3)

Check = Callable[[], str | None]  # None: passed; else what is wrong, as text


class LivenessMonitor:
    """Feeds the service manager's watchdog, in its own thread.

    ``checks`` run in turn, each with a time limit. ``status_line`` is the state for people. With
    ``exit_when_failing`` (launchd has no watchdog) the process exits when a check keeps failing.
    """

    def __init__(
        self,
        notifier: SystemdNotifier,
        checks: Mapping[str, Check],
        status_line: Callable[[], str],
        *,
        exit_when_failing: bool = False,
    ) -> None:
        self._notifier, self._checks, self._status_line = notifier, checks, status_line
        self._exit_when_failing = exit_when_failing
        period = notifier.watchdog_seconds
        self.every = EVERY_SECONDS if period is None else min(EVERY_SECONDS, period / 3)
        self._reported = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="liveness", daemon=True)
        self._passed_at = time.monotonic()
        self.failed_checks: dict[str, str] = {}

    def start(self) -> None:
        """Start the thread that runs the checks."""
        self._thread.start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """Stop all reports: the daemon is stopping, and the service manager knows.

        Not for the event loop: checks need it running, and the current one is awaited. A connection
        to systemd's socket, after we stopped accepting, would start a new daemon.
        """
        self._stopping.set()
        if self._thread.is_alive():
            last = deadline or Deadline.after(LAST_CHECK_SECONDS)
            self._thread.join(min(LAST_CHECK_SECONDS, last.remaining))

    def _run(self) -> None:
        due, pause = 0.0, 0.0
        while not self._stopping.wait(pause):
            if time.monotonic() >= due:
                self.run_checks()
                due = time.monotonic() + self.every
            warming = self.report_state().startswith("warming")
            pause = min(WARMING_SECONDS, self.every) if warming else self.every

    def run_checks(self) -> bool:
        """Run every check; notify the watchdog if all pass."""
        results = {
            name: _run_check(check)
            for name, check in self._checks.items()
            if not self._stopping.is_set()
        }
        failed_checks = {name: wrong for name, wrong in results.items() if wrong}
        if self._stopping.is_set():
            return True
        if not failed_checks:
            self._passed_at = time.monotonic()
            self._notifier.send(WATCHDOG="1")
            if self.failed_checks:
                log.info("checks_ok", after=sorted(self.failed_checks))
        elif failed_checks != self.failed_checks:
            log.error("checks_failed", **failed_checks, remedy="photosd restart")
        self.failed_checks = failed_checks
        if time.monotonic() - self._passed_at > LONGEST_FAILING and self._exit_when_failing:
            self._exit()
        return not failed_checks

    def report_state(self) -> str:
        """Report the state if it has changed; returns it."""
        try:
            status_line = self._status_line()
        except Exception as error:  # the catalog is closed, or its disk is missing
            status_line = f"unknown: {error}"
        if status_line != self._reported:
            self._notifier.send(STATUS=status_line)
            self._reported = status_line
        return status_line

    def _exit(self) -> None:
        """Exit, for the service manager to restart it; its stacks are kept."""
        log.critical(
            "self_terminated",
            failed_checks=self.failed_checks,
            remedy="no action needed: launchd restarts it",
        )
        faulthandler.dump_traceback(sys.stderr)
        logging.shutdown()
        os._exit(SELF_CHECK_FAILED)


def _run_check(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # a bug in a check must not stop the reports silently
        log.exception("check_crashed")
        return f"the check failed: {error}"


class LivenessChecks:
    """Checks of one running daemon; ``library`` returns it once open."""

    def __init__(
        self,
        home: Home,
        endpoint: Endpoint,
        server: Server,
        library: Callable[[], Library | None],
        stop: Callable[[str], None],
    ) -> None:
        self._home, self._endpoint, self._server = home, endpoint, server
        self._library, self._stop = library, stop
        self._loop = asyncio.get_running_loop()

    def monitor(self, notifier: SystemdNotifier, status_line: Callable[[], str]) -> LivenessMonitor:
        """The thread that runs all checks."""
        checks = {
            "event_loop": lambda: loop_turns(self._loop),
            "socket": self._socket,
            "supervisor": self._supervisor,
            "watcher": self._watcher,
            "reconciler": self._reconciler,
        }
        alone = os.environ.get("PHOTOSD_SELF_CHECK") == "exit"
        return LivenessMonitor(notifier, checks, status_line, exit_when_failing=alone)

    def _socket(self) -> str | None:
        try:
            self._repair_socket()
        except AlreadyRunning as error:  # the runtime directory was deleted and re-created
            self._stop(str(error))
            return None
        except PhotosdError as error:
            return str(error)
        return socket_is_ours(self._endpoint.path)

    def _repair_socket(self) -> None:
        if not self._endpoint.renew(self._home):
            return
        log.warning(
            "socket_recreated", path=str(self._endpoint.path), remedy="no action needed: re-created"
        )
        listening = asyncio.run_coroutine_threadsafe(self._server.listen_again(), self._loop)
        with contextlib.suppress(TimeoutError):  # then the check of the event loop reports it
            listening.result(LOOP_SECONDS)

    def _supervisor(self) -> str | None:
        if (library := self._library()) is None:
            return None
        what = "the encoder's supervisor has not looped"
        return recent(what, library.encoder.turned_at, SUPERVISOR_SECONDS)

    def _watcher(self) -> str | None:
        if (library := self._library()) is None:
            return None
        what = "the watcher has received no event"
        return recent(what, library.watcher.last_event_at, WATCHER_SECONDS)

    def _reconciler(self) -> str | None:
        if (library := self._library()) is None:
            return None
        reconciler = library.reconciler
        what = "the reconciler has not looped"
        turned = recent(what, reconciler.turned_at, RECONCILER_SECONDS)
        return turned or reconciler.stalled()


# The first one twice: the second time is that of a query.
TEXTS = (
    ("latin", "sunset over water"),
    ("again", "sunset over water"),
    ("hebrew", "שקיעה מעל הים"),
    ("emoji", "🌅🐕 👨‍👩‍👧"),
)
TEXT_SECONDS = 5.0
HUB_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def self_check(encoder: Supervisor, failed_checks: dict[str, str]) -> SelfCheckResult:
    """Encode sample texts without caches and inspect the encoder's process; bounded in time."""
    texts: list[TextCheck] = []
    for kind, text in TEXTS:
        texts.append(_encode(encoder, kind, text))
        if texts[-1]["error"] is not None and texts[-1]["unavailable"]:
            break  # the others would wait for the same
    pid = encoder.status()["pid"]
    processes = [psutil.Process(), *([psutil.Process(pid)] if pid else [])]
    return SelfCheckResult(
        texts=texts,
        hub_off=_hub_off(pid),
        swapped_mb=round(sum(_swapped(process) for process in processes) / 1e6, 1),
        unwell=failed_checks,
    )


def _encode(encoder: Supervisor, kind: str, text: str) -> TextCheck:
    before = time.monotonic()
    failed = TextCheck(
        kind=kind, ms=0, understood=0, error=None, remedy="photosd restart", unavailable=False
    )
    try:
        answer = encoder.encode_texts([text], Deadline.after(TEXT_SECONDS)).result(TEXT_SECONDS + 1)
    except PhotosdError as error:
        wrong = f"{error.title}: {error}"
        return {**failed, "error": wrong, "remedy": error.remedy, "unavailable": True}
    except Exception as error:  # EncoderDied, a timeout: any error is the finding
        return {**failed, "error": f"{type(error).__name__}: {error}"}
    length = float(np.linalg.norm(answer.vectors[0]))
    good = abs(length - 1) < 0.01
    return TextCheck(
        kind=kind,
        ms=round(1000 * (time.monotonic() - before), 2),
        understood=round(answer.understood[0], 3),
        error=None if good else f"its vector has length {length:g} instead of 1",
        remedy=None if good else "photosd restart",
        unavailable=False,
    )


def _hub_off(pid: int | None) -> bool | None:
    """Whether the encoder's process was started with the hub disabled; None: unknown."""
    try:
        environment = psutil.Process(pid).environ() if pid else {}
    except (psutil.Error, OSError):
        return None
    return all(environment.get(name) == "1" for name in HUB_SWITCHES) if environment else None


def _swapped(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "swap", 0))
    except (psutil.Error, OSError):
        return 0
