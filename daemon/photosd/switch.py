"""A switch: the next model's table is filled in the background, while the present one answers.

What is left to do comes from the catalog, so a switch that was killed goes on where it was. The
present model stays in place, with its encoder, until the next one has answered a rehearsal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from photosd.active import Active
from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError, StorageError
from photosd.index.filling import FillList
from photosd.ipc.messages.models import SwitchReport

log = structlog.get_logger()

LOOK_SECONDS = 0.25
COUNT_SECONDS = 5.0  # how often what is left is counted: at a million photos that takes a second
RETRY_SECONDS = 5.0
REHEARSAL_SECONDS = 60.0


class Switch(threading.Thread):
    """Fills ``target`` and calls ``flip`` when it is complete. `stop` ends it at any point."""

    def __init__(self, target: Active, fill: FillList, flip: Callable[[Switch], None]) -> None:
        super().__init__(name="switch", daemon=True)
        self.target, self._fill, self._flip = target, fill, flip
        self._stopping = threading.Event()
        self._total = self._left = 0
        self._error: PhotosdError | None = None

    def stop(self, deadline: Deadline | None = None) -> None:
        """Give it up; what was filled is kept, in case somebody begins it again."""
        deadline = deadline or Deadline.to_stop()
        self._stopping.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(deadline.part(0.5).remaining)
        self.target.close(deadline)
        self._fill.close()

    def release(self) -> None:
        """It is over, and the target lives on."""
        self._fill.close()

    def report(self) -> SwitchReport:
        """How far it is."""
        encoder = self.target.encoder.status()
        error = self._error.as_dict() if self._error is not None else encoder.error
        eta = self.target.pipeline.rate.eta_seconds(self._left) if self._left else 0.0
        return SwitchReport(
            model=self.target.spec.name,
            contents=self._total,
            done=self._total - self._left,
            eta_s=eta,
            waiting_for=self.target.pipeline.waiting_for,
            error=error,
        )

    def run(self) -> None:
        """Until it is complete, or stopped."""
        log.info("switch_begins", model=self.target.spec.name)
        while not self._stopping.is_set():
            try:
                self.target.open(serving=False)
                self.target.work_on(self._fill)
                self._error = None
                self._fill_up()
                if not self._stopping.is_set():
                    self._flip(self)
                return
            except StorageError as error:
                log.error("switch_waits", cause=str(error), remedy=error.remedy)
                self._wait_after(error)
            except Exception as error:  # a catalog that is busy, too little memory, a defect
                log.exception("switch_waits")
                self._wait_after(PhotosdError(f"the switch failed, and is tried again: {error}"))

    def _wait_after(self, error: PhotosdError) -> None:
        self._error = error
        self.target.pipeline.stop()
        self._stopping.wait(RETRY_SECONDS)

    def _fill_up(self) -> None:
        """Return when everything that can be seen has been, and the target can answer."""
        self._total = self._left = self._fill.left()
        counted_at = time.monotonic()
        while not self._stopping.wait(LOOK_SECONDS):
            if self._fill.exhausted() and self.target.pipeline.idle() and self._fill.left() == 0:
                if self.target.engine.rehearse(REHEARSAL_SECONDS):
                    self._left = 0
                    return
            elif time.monotonic() - counted_at > COUNT_SECONDS or self._total < 10_000:
                self._left, counted_at = self._fill.left(), time.monotonic()
                self._total = max(self._total, self._left)
            self.target.pipeline.wake()  # photos that the present model has just indexed
