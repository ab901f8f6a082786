"""The succession of models: who answers, who is to answer next, and the moment between them."""

from __future__ import annotations

import threading
from typing import Protocol

import structlog

from photosd.active import Active
from photosd.cloud.cloud import Cloud
from photosd.core.clock import Deadline
from photosd.core.config import Settings
from photosd.core.errors import PhotosdError, StorageError
from photosd.core.paths import Home
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.filling import FillList
from photosd.index.ground import Ground
from photosd.index.worklist import WorkList
from photosd.ipc.messages.models import ModelResult, SwitchReport
from photosd.models import shelf
from photosd.switch import Switch

log = structlog.get_logger()

SERVING, PREVIOUS = "serving_model", "previous_model"  # facts of the catalog
LINGER_SECONDS = 10.0  # queries that began with the last model end with it
DECODE_MS = 30.0  # a photo, beside the model's own time; on two cores (docs/performance.md)


class Holder(Protocol):
    """Of the library, what a succession needs and changes."""

    home: Home
    settings: Settings
    database: Database
    contents: Contents
    worklist: WorkList
    ground: Ground
    active: Active
    cloud: Cloud


class Succession:
    """At most one switch at a time; any thread may ask."""

    def __init__(self, library: Holder) -> None:
        self._library = library
        self._lock = threading.RLock()
        self._switch: Switch | None = None
        self._stopped = False
        self._over = threading.Event()
        self._leaving: list[threading.Thread] = []  # each sees a model off
        self.trouble: PhotosdError | None = None  # why the model that is wanted cannot follow

    def follow(self, name: str) -> None:
        """Have ``name`` answer: at once if it does, else as soon as its vectors are complete.

        A model that is not installed leaves everything as it is.
        """
        with self._lock:
            before, self.trouble = self._switch, None
            if before is not None and before.target.spec.name != name:
                self._switch = None
        if before is not None and self._switch is None:  # not under the lock: it may wait for it
            log.info("switch_ends", model=before.target.spec.name)
            before.stop()
        with self._lock:
            if name == self._library.active.spec.name or self._switch or self._stopped:
                return
            try:
                directory, spec = shelf.find(self._library.home, name)
            except PhotosdError as error:
                self.trouble = error
                log.error("model_missing", cause=str(error), remedy=error.remedy)
                return
            fill = FillList(self._library.database, spec.fingerprint)
            limit = self._library.settings.encoder.memory_limit_mb
            target = Active(directory, spec, self._library.ground, fill, limit)
            target.pipeline.paused = self._library.active.pipeline.paused
            self._switch = Switch(target, fill, self._flip)
            self._switch.start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """End a switch that is going on; it goes on with the next daemon. And models that leave."""
        deadline = deadline or Deadline.to_stop()
        self._over.set()
        if not self._lock.acquire(timeout=deadline.part(0.5).remaining):
            return  # it switches just now, and hangs; whoever waits for the lock goes with us
        self._stopped = True
        switch, self._switch = self._switch, None
        leaving = list(self._leaving)
        self._lock.release()
        if switch is not None:
            switch.stop(deadline)
        for thread in leaving:
            thread.join(deadline.remaining)

    def actives(self) -> list[Active]:
        """The model that answers, and the one that is getting ready."""
        switch = self._switch
        return [self._library.active, *([] if switch is None else [switch.target])]

    def report(self) -> SwitchReport | None:
        """The switch that is going on."""
        switch = self._switch
        return None if switch is None else switch.report()

    def result(self, estimate: str | None) -> ModelResult:
        """Who answers, who did, who will; and what it would take for another to."""
        database = self._library.database
        result = ModelResult(self._library.active.spec.name, database.fact(PREVIOUS), self.report())
        if estimate is not None:
            _, spec = shelf.named(self._library.home, estimate)
            fill = FillList(database, spec.fingerprint)
            result.contents = fill.left()
            fill.close()
            if spec.measured is not None:
                one = max(DECODE_MS, spec.measured.image_ms + DECODE_MS / 2)
                result.seconds = result.contents * one / 1000
        return result

    def _flip(self, switch: Switch) -> None:
        """The target answers from now on. A crash before the transaction changes nothing, one
        after it finds the target serving. Raises StorageError, and then all is as before."""
        library = self._library
        with self._lock:
            if switch is not self._switch:
                return
            old, new = library.active, switch.target
            old.pipeline.stop()  # what comes now is pending, and the target's to do
            new.pipeline.stop()
            try:
                with library.database.write():
                    library.contents.have_embedded(new.spec.fingerprint)
                    library.database.swap(PREVIOUS, old.spec.name)
                    library.database.swap(SERVING, new.spec.name)
            except StorageError:
                old.work_on(library.worklist)
                raise
            library.active = new
            new.serve(library.worklist)
            # What was moved in that moment was taken for seen, by the model before.
            library.contents.have_embedded(new.spec.fingerprint)
            self._switch = None
            leaver = threading.Thread(
                target=self._see_off, args=(old, switch), name="leaving-model", daemon=True
            )
            self._leaving = [thread for thread in self._leaving if thread.is_alive()] + [leaver]
            leaver.start()
        log.info("switched", model=new.spec.name, before=old.spec.name)

    def _see_off(self, old: Active, switch: Switch) -> None:
        """End a model once its last queries are answered."""
        self._over.wait(LINGER_SECONDS)
        old.close()
        switch.release()
