"""Model switching: builds the next model's table in the background, then makes it current.

Remaining work is derived from the catalog, so an interrupted switch continues where it was. The
current model keeps running until the next one has answered a test query.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from photosd.core.clock import Deadline
from photosd.core.config import LiveSettings
from photosd.core.errors import PhotosdError, StorageError
from photosd.core.paths import Home
from photosd.core.start_stop import start
from photosd.index.reencoding import ReencodingList
from photosd.index.shared_resources import SharedResources
from photosd.index.worklist import WorkList
from photosd.models import registry
from photosd.protocol.reports import ModelResult, SwitchReport
from photosd.runtime.model_runtime import ModelRuntime
from photosd.search.engine import Engine

log = structlog.get_logger()

LOOK_SECONDS = 0.25
COUNT_SECONDS = 5.0  # interval of counting the rest: at a million photos that takes a second
RETRY_SECONDS = 5.0
WARM_UP_SECONDS = 60.0


class ModelSwitch(threading.Thread):
    """Fills ``target`` and calls ``flip`` when it is complete. `stop` ends it at any point."""

    def __init__(
        self, target: ModelRuntime, fill: ReencodingList, flip: Callable[[ModelSwitch], None]
    ) -> None:
        super().__init__(name="switch", daemon=True)
        self.target, self._fill, self._switch_over = target, fill, flip
        self._stopping = threading.Event()
        self._total = self._left = 0
        self._error: PhotosdError | None = None

    def stop(self, deadline: Deadline | None = None) -> None:
        """Cancel; the partial table is kept for a later switch."""
        deadline = deadline or Deadline.to_stop()
        self._stopping.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(deadline.part(0.5).remaining)
        self.target.close(deadline)
        self._fill.close()

    def release(self) -> None:
        """Close the work list, and leave the target running."""
        self._fill.close()

    def report(self) -> SwitchReport:
        """The progress of the switch."""
        encoder = self.target.encoder.status()
        error = self._error.as_dict() if self._error is not None else encoder["error"]
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
        """Run until complete or stopped."""
        log.info("model_switch_started", model=self.target.spec.name)
        while not self._stopping.is_set():
            try:
                self.target.open(serving=False)
                self.target.work_on(self._fill)
                self._error = None
                self._fill_up()
                if not self._stopping.is_set():
                    self._switch_over(self)
                return
            except StorageError as error:
                log.error("model_switch_waits", cause=str(error), remedy=error.remedy)
                self._wait_after(error)
            except Exception as error:  # a busy catalog, low memory, a bug
                log.exception("model_switch_waits")
                self._wait_after(PhotosdError(f"the switch failed, and is retried: {error}"))

    def _wait_after(self, error: PhotosdError) -> None:
        self._error = error
        self.target.pipeline.stop()
        self._stopping.wait(RETRY_SECONDS)

    def _fill_up(self) -> None:
        """Return when everything is indexed, and the target can answer."""
        self._total = self._left = self._fill.left()
        counted_at = time.monotonic()
        while not self._stopping.wait(LOOK_SECONDS):
            if self._fill.exhausted() and self.target.pipeline.idle() and self._fill.left() == 0:
                if self.target.engine.warm_up(WARM_UP_SECONDS):
                    self._left = 0
                    return
            elif time.monotonic() - counted_at > COUNT_SECONDS or self._total < 10_000:
                self._left, counted_at = self._fill.left(), time.monotonic()
                self._total = max(self._total, self._left)
            self.target.pipeline.wake()  # photos that the current model has just indexed


SERVING, PREVIOUS = "serving_model", "previous_model"  # values stored in the catalog
LINGER_SECONDS = 10.0  # queries in progress at the switch use the old model
# Per photo, in addition to the model's own time; on two cores (docs/performance.md).
DECODE_MS = 30.0


class ModelSwitcher:
    """The models at work; at most one switch at a time. Any thread may use it."""

    def __init__(
        self,
        home: Home,
        settings: LiveSettings,
        shared: SharedResources,
        worklist: WorkList,
        serving: ModelRuntime,
    ) -> None:
        """``serving``: the model that answers queries at the start."""
        self._home, self._settings, self._shared = home, settings, shared
        self._worklist, self.serving = worklist, serving
        self._lock = threading.RLock()
        self._switch: ModelSwitch | None = None
        self._stopped = False
        self._over = threading.Event()
        self._closing: list[threading.Thread] = []  # each stops a model
        self.trouble: PhotosdError | None = None  # why the requested model cannot be used

    def follow(self, name: str) -> None:
        """Use ``name``: at once if it is the current model, else when its index is complete.

        A model that is not installed changes nothing.
        """
        with self._lock:
            before, self.trouble = self._switch, None
            if before is not None and before.target.spec.name != name:
                self._switch = None
        if before is not None and self._switch is None:  # not under the lock: it may wait for it
            log.info("model_switch_ended", model=before.target.spec.name)
            before.stop()
        with self._lock:
            if name == self.serving.spec.name or self._switch or self._stopped:
                return
            try:
                directory, spec = registry.find(self._home, name)
            except PhotosdError as error:
                self.trouble = error
                log.error("model_missing", cause=str(error), remedy=error.remedy)
                return
            fill = ReencodingList(self._shared.database, spec.fingerprint)
            limit = self._settings.now.encoder.memory_limit_mb
            target = ModelRuntime(
                directory,
                spec,
                self._shared,
                fill,
                limit,
                self.serving.accelerators,
                self.serving.pipeline.paused,
            )
            self._switch = ModelSwitch(target, fill, self._switch_over)
            self._switch.start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """Stop a switch in progress, which the next daemon continues, and models being stopped."""
        deadline = deadline or Deadline.to_stop()
        self._over.set()
        if not self._lock.acquire(timeout=deadline.part(0.5).remaining):
            return  # a hung switch; waiting threads end with the process
        self._stopped = True
        switch, self._switch = self._switch, None
        closing = list(self._closing)
        self._lock.release()
        if switch is not None:
            switch.stop(deadline)
        for thread in closing:
            thread.join(deadline.remaining)

    def engine(self) -> Engine:
        """The engine of the model that answers queries."""
        return self.serving.engine

    def runtimes(self) -> list[ModelRuntime]:
        """The current model, and the next one, if any."""
        switch = self._switch
        return [self.serving, *([] if switch is None else [switch.target])]

    def report(self) -> SwitchReport | None:
        """The switch in progress."""
        switch = self._switch
        return None if switch is None else switch.report()

    def result(self, estimate: str | None) -> ModelResult:
        """The current, previous and next model; and the cost of switching to another."""
        database = self._shared.database
        result = ModelResult(
            serving=self.serving.spec.name,
            previous=database.meta(PREVIOUS),
            switch=self.report(),
            contents=None,
            seconds=None,
        )
        if estimate is not None:
            _, spec = registry.named(self._home, estimate)
            fill = ReencodingList(database, spec.fingerprint)
            result["contents"] = left = fill.left()
            fill.close()
            if spec.measured is not None:
                one = max(DECODE_MS, spec.measured.image_ms + DECODE_MS / 2)
                result["seconds"] = left * one / 1000
        return result

    def _switch_over(self, switch: ModelSwitch) -> None:
        """Make the target the current model. A crash before the transaction changes nothing, after
        it the target is current. Raises any error before it, and then nothing has changed.
        """
        contents, database = self._shared.contents, self._shared.database
        with self._lock:
            if switch is not self._switch:
                return
            old, new = self.serving, switch.target
            old.pipeline.stop()  # new photos are pending from now on, for the target
            new.pipeline.stop()
            try:
                with database.write():
                    contents.mark_unembedded_pending(new.spec.fingerprint)
                    database.set_meta(PREVIOUS, old.spec.name)
                    database.set_meta(SERVING, new.spec.name)
            except Exception:
                old.work_on(self._worklist)
                raise
            # From here on the target must neither be closed nor switched over again.
            self.serving, self._switch = new, None
            self.close_later(old, switch)
        log.info("model_switched", model=new.spec.name, before=old.spec.name)
        self._begin_indexing(new)

    def _begin_indexing(self, new: ModelRuntime) -> None:
        """Index with the model that has become current. An error, as of a full disk, cannot undo
        the switch, so this is retried until it works.
        """
        while True:
            try:
                with self._lock:
                    if self._stopped or self.serving is not new:
                        return
                    new.serve(self._worklist)
                    # Photos moved at that moment were marked as indexed, by the old model.
                    self._shared.contents.serve(new.spec.fingerprint)
                return
            except Exception as error:
                remedy = error.remedy if isinstance(error, PhotosdError) else "photosd logs"
                log.error("model_switch_waits", cause=str(error), remedy=remedy)
            if self._over.wait(RETRY_SECONDS):
                return

    def close_later(self, old: ModelRuntime, switch: ModelSwitch) -> None:
        """Stop a model, in a thread, once its last queries are answered."""
        closer = threading.Thread(
            target=self._close_old, args=(old, switch), name="close-model", daemon=True
        )
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        if start(closer):
            self._closing.append(closer)

    def _close_old(self, old: ModelRuntime, switch: ModelSwitch) -> None:
        self._over.wait(LINGER_SECONDS)
        old.close()
        switch.release()
