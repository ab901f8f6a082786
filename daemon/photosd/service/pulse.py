"""The pulse: looks for signs of life all over the daemon and vouches for it while all are there."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping

import structlog

from photosd.core.clock import Deadline
from photosd.service.notify import Notifier

log = structlog.get_logger()

EVERY_SECONDS = 20.0
WARMING_SECONDS = 1.0  # how often the state is told while it changes
LAST_BEAT_SECONDS = 5.0  # how long the one in progress at the end is waited for
LONGEST_UNWELL = 60.0  # then, where nobody else would, the daemon ends itself
SELF_CHECK_FAILED = 70  # exit code; EX_SOFTWARE of sysexits(3)

Sign = Callable[[], str | None]  # None: well; else what is wrong, in words


class Pulse:
    """Feeds the service manager's watchdog, from a thread of its own.

    ``signs`` are asked in turn, each of them bounded. ``words`` is the state for people. With
    ``exit_when_unwell`` (launchd has no watchdog) the process ends when a sign stays away.
    """

    def __init__(
        self,
        notifier: Notifier,
        signs: Mapping[str, Sign],
        words: Callable[[], str],
        *,
        exit_when_unwell: bool = False,
    ) -> None:
        self._notifier, self._signs, self._words = notifier, signs, words
        self._exit_when_unwell = exit_when_unwell
        period = notifier.watchdog_seconds
        self.every = EVERY_SECONDS if period is None else min(EVERY_SECONDS, period / 3)
        self._told = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._well_at = time.monotonic()
        self.complaints: dict[str, str] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """Vouch and complain no more: the daemon is leaving, and the service manager knows.

        Not for the event loop: signs need it to turn, and the one being asked is waited for. A
        connection to a socket of systemd's, begun after we accept any, would start us again.
        """
        self._stopping.set()
        if self._thread.is_alive():
            last = deadline or Deadline.after(LAST_BEAT_SECONDS)
            self._thread.join(min(LAST_BEAT_SECONDS, last.remaining))

    def _run(self) -> None:
        due, pause = 0.0, 0.0
        while not self._stopping.wait(pause):
            if time.monotonic() >= due:
                self.beat()
                due = time.monotonic() + self.every
            warming = self.tell().startswith("warming")
            pause = min(WARMING_SECONDS, self.every) if warming else self.every

    def beat(self) -> bool:
        """Look for every sign of life; vouch for the daemon if all are there."""
        asked = {n: _ask(sign) for n, sign in self._signs.items() if not self._stopping.is_set()}
        complaints = {name: wrong for name, wrong in asked.items() if wrong}
        if self._stopping.is_set():
            return True
        if not complaints:
            self._well_at = time.monotonic()
            self._notifier.send(WATCHDOG="1")
            if self.complaints:
                log.info("well_again", after=sorted(self.complaints))
        elif complaints != self.complaints:
            log.error("unwell", **complaints, remedy="photosd restart")
        self.complaints = complaints
        if time.monotonic() - self._well_at > LONGEST_UNWELL and self._exit_when_unwell:
            self._give_up()
        return not complaints

    def tell(self) -> str:
        """Tell the state when it has changed; the state."""
        try:
            words = self._words()
        except Exception as error:  # the catalog is closed just now, or its disk is gone
            words = f"unknown: {error}"
        if words != self._told:
            self._notifier.send(STATUS=words)
            self._told = words
        return words

    def _give_up(self) -> None:
        """End the process for the service manager to start it again; its stacks are kept."""
        log.critical("ends_itself", unwell=self.complaints, remedy="it is started again")
        faulthandler.dump_traceback(sys.stderr)
        logging.shutdown()
        os._exit(SELF_CHECK_FAILED)


def _ask(sign: Sign) -> str | None:
    try:
        return sign()
    except Exception as error:  # a defect in a sign must not end the pulse unheard
        log.exception("sign_failed")
        return f"it cannot be told: {error}"
