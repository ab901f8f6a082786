"""The library: creates and connects catalog, folders and the active model, and reports on them.

Each part is a module; this one connects them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import structlog

import photosd
from photosd.alerts.alerts import Alerts
from photosd.alerts.deciding import AlertJudge
from photosd.core.clock import Deadline
from photosd.core.config import Settings
from photosd.core.ending import stop_all
from photosd.core.errors import ModelError
from photosd.core.log import printable
from photosd.core.paths import Home
from photosd.decode.pool import DecodeLimits, Pool
from photosd.decode.thumbnail_store import ThumbnailStore
from photosd.decode.thumbnails import Thumbnails
from photosd.encoder.supervisor import Supervisor
from photosd.gemini.environment import Environment
from photosd.gemini.gemini import Gemini
from photosd.index.catalog import Catalog, known_photos
from photosd.index.causes import Circumstances
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folder, Folders
from photosd.index.pipeline import Pipeline
from photosd.index.reconciler import Reconciler
from photosd.index.retention import Retention
from photosd.index.shared_resources import SharedResources
from photosd.index.sidecars import Sidecars
from photosd.index.vectors import drop_tables
from photosd.index.worklist import WorkList
from photosd.models import registry
from photosd.models.spec import ModelSpec
from photosd.protocol.messages import (
    ComparisonReport,
    FolderReport,
    IndexReport,
    Progress,
)
from photosd.protocol.paths import path_fields
from photosd.runtime.derived import Derived
from photosd.runtime.model_runtime import ModelRuntime, look_ahead
from photosd.runtime.model_switch import SERVING, ModelSwitcher
from photosd.runtime.traces import Traces
from photosd.search.engine import Engine
from photosd.watch.devices import Devices
from photosd.watch.watcher import Watcher

log = structlog.get_logger()

MB = 1_000_000
SIDECARS_SECONDS = 10.0  # limit for a purge to wait for sidecars of deleted photos
FOREVER = float("inf")  # a pause until `resume`


class Library:
    """Created in two steps: the constructor is fast, `open` imports LanceDB and loads vectors."""

    def __init__(
        self, home: Home, settings: Settings, environment: Environment | None = None
    ) -> None:
        self.home, self.settings = home, settings
        self._halted = threading.Event()
        self.rehearsed = threading.Event()  # a complete query has run once
        self.database = Database(home.catalog)
        with contextlib.ExitStack() as undo:  # after an error nothing must remain
            undo.callback(self.database.close)
            self._build(environment or Environment(), undo)
            undo.pop_all()

    def _build(self, environment: Environment, undo: contextlib.ExitStack) -> None:
        """Create and connect all parts."""
        home, settings = self.home, self.settings
        directory, spec = self._choose()
        self.catalog = Catalog(self.database)
        circumstances = Circumstances()
        self.worklist = WorkList(self.database, lambda: circumstances.now(self.pool.limits))
        self.contents = Contents(self.database)
        self.devices = Devices()
        undo.callback(self.devices.stop)
        self.folders = Folders(self.database, home.config / "folders.json", self.devices)
        self.folders.own = home.own
        self.pool = Pool(
            settings.decode.workers, DecodeLimits(max_megapixels=settings.decode.max_megapixels)
        )
        self.pool.disks = self.devices
        self.thumbnails = Thumbnails(
            self.pool, ThumbnailStore(home.thumbnails, settings.thumbnails.cache_mb * MB)
        )
        self.gemini = Gemini(
            home,
            settings.cloud,
            self.database,
            self.pool,
            environment,
            remembers=lambda: self.settings.search.remember,
        )
        self.shared = SharedResources(
            home.index,
            self.database,
            self.catalog,
            self.contents,
            self.folders,
            self.pool,
            look_at=lambda path: self.reconciler.look_at(path),
            remembers=lambda: self.settings.search.remember,
        )
        # Its encoder starts first: the model loads in parallel with the rest.
        self.serving = ModelRuntime(
            directory,
            spec,
            self.shared,
            self.worklist,
            settings.encoder.memory_limit_mb,
        )
        undo.callback(self.serving.close)
        self.model_switcher = ModelSwitcher(self)
        derived = Derived(home.index, self.model_switcher, self.thumbnails.store, self.gemini)
        self.traces = Traces(
            home,
            self.database,
            self.model_switcher,
            self.thumbnails.store,
            self.gemini,
            self.shared.remembers,
        )
        self.retention = Retention(
            self.catalog, self.contents, derived, others=(derived.tidy, self.traces.expire)
        )
        self.alerts = Alerts(
            self.database,
            self.catalog,
            self.folders,
            home.state / "standing",
            home.config / "standing.json",
            judge=lambda: AlertJudge(self.engine, self.spec.fingerprint),
            settled=lambda: self.reconciler.compared and self.idle(),
        )
        self.sidecars = Sidecars(
            self.database, self.pool, self._facts_changed, slow=self.devices.some_slow
        )
        self.database.on_commit = self._changed
        self.watcher = Watcher(home.runtime / "probe", answers=self.devices.answers)
        self.reconciler = Reconciler(
            self.catalog,
            self.folders,
            self.watcher,
            settle_seconds=settings.watch.settle_seconds,
            rescan_seconds=settings.watch.rescan_minutes * 60,
            is_embedded=lambda content: self.contents.has_embedding(self.spec.fingerprint, content),
            on_work=lambda: self.pipeline.wake(),
        )

    def _changed(self) -> None:
        """The catalog has changed."""
        self.alerts.wake()
        self.sidecars.wake()

    def _facts_changed(self) -> None:
        """Tables must be updated; pipelines do it when idle."""
        for runtime in self.model_switcher.runtimes():
            runtime.pipeline.wake()

    def _choose(self) -> tuple[Path, ModelSpec]:
        """The model in use: the one whose index is complete, if any."""
        wanted, serving = self.settings.encoder.model, self.database.fact(SERVING)
        if serving not in (None, wanted):
            with contextlib.suppress(ModelError):
                return registry.find(self.home, serving or "")
        return registry.find(self.home, wanted)

    @property
    def spec(self) -> ModelSpec:
        """The spec of the model in use."""
        return self.serving.spec

    @property
    def encoder(self) -> Supervisor:
        """Its encoder."""
        return self.serving.encoder

    @property
    def engine(self) -> Engine:
        """The engine that searches its vectors."""
        return self.serving.engine

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that indexes new photos for it."""
        return self.serving.pipeline

    def open(self) -> None:
        """Load the vectors, then start watching and indexing."""
        if self.database.swap("photosd_version", photosd.__version__) != photosd.__version__:
            self.worklist.retry_failures()  # what crashed the old version may not crash this one
        self._forget_removed_models()
        if self._halted.is_set():
            return
        self.pool.start()
        self.watcher.start()
        for folder in self.folders.all():
            self.watch(folder)
        self.serving.open(serving=True)
        if self._halted.is_set():
            return
        self.contents.have_embedded(self.spec.fingerprint)
        self.database.swap(SERVING, self.spec.name)
        self.reconciler.start()
        self.serving.begin()
        self.model_switcher.follow(self.settings.encoder.model)
        self.gemini.open()
        self.alerts.start()
        self.sidecars.start()
        self.sidecars.wake()
        self.retention.start()

    def _forget_removed_models(self) -> None:
        """Delete index data of removed models, but not of models that are only unreadable."""
        if registry.damaged(self.home):
            return
        kept = {spec.fingerprint for spec in (self.spec, *registry.installed(self.home))}
        if dropped := drop_tables(self.home.index, kept):
            self.contents.drop_models(kept)
            log.info("tables_dropped", tables=dropped)

    def halt(self) -> None:
        """Open nothing more, before closing."""
        self._halted.set()

    def close(self, deadline: Deadline | None = None) -> list[str]:
        """Stop every thread and worker; returns the names of those still running at the
        deadline.
        """
        deadline = deadline or Deadline.to_stop()
        self.halt()
        late = stop_all(
            {
                "gemini": self.gemini.close,
                "retention": self.retention.stop,
                "alerts": self.alerts.stop,
                "devices": self.devices.stop,
                "sidecars": self.sidecars.stop,
                "reconciler": self.reconciler.stop,
                "watcher": self.watcher.stop,
                "model switch": self.model_switcher.stop,
                "pipeline": self.pipeline.stop,
                "decoders": self.pool.stop,
            },
            deadline.part(0.6),
        )
        late = list(dict.fromkeys(late + self.serving.close(deadline.part(0.8))))
        if not late:  # else another thread may still write; committed data is on disk
            late = stop_all({"catalog": lambda _: self.database.close()}, deadline)
        return late

    def pause(self, until: float) -> None:
        """Pause indexing until then (Unix seconds)."""
        for runtime in self.model_switcher.runtimes():
            runtime.pipeline.pause(until)
        self.gemini.pause(until)

    def apply(self, settings: Settings) -> None:
        """Apply changed settings at once."""
        before, self.settings = self.settings, settings
        self.reconciler.settle_seconds = settings.watch.settle_seconds
        if settings.watch.settle_seconds < before.watch.settle_seconds:
            self.worklist.settle_within(settings.watch.settle_seconds)
        self.reconciler.rescan_seconds = settings.watch.rescan_minutes * 60
        if settings.watch.rescan_minutes < before.watch.rescan_minutes:
            self.reconciler.request()  # the next one may be a day away
        self.pool.set_limits(DecodeLimits(max_megapixels=settings.decode.max_megapixels))
        self.worklist.reconsider()  # limits may be higher now
        self.pool.set_workers(settings.decode.workers)
        self.thumbnails.store.set_room(settings.thumbnails.cache_mb * MB)
        for runtime in self.model_switcher.runtimes():
            runtime.pipeline.look_ahead = look_ahead(self.pool.workers)
            runtime.pipeline.wake()
            runtime.encoder.set_memory_limit(settings.encoder.memory_limit_mb)
        self.model_switcher.follow(settings.encoder.model)
        self.gemini.apply(settings.cloud)
        if before.search.remember and not settings.search.remember:
            self.retention.wake()

    def watch(self, folder: Folder) -> None:
        """Watch this folder for changes."""
        self.watcher.add(folder.path, folder.rules)

    # -- reports ----------------------------------------------------------------------------------

    def progress(self) -> Progress:
        """Progress of indexing."""
        counts = self.catalog.totals()
        pending, rate = counts.get("pending", 0), self.pipeline.rate
        return Progress(
            photos=known_photos(counts),
            indexed=counts.get("indexed", 0),
            pending=pending,
            failed=counts.get("failed", 0),
            rate_per_s=round(rate.per_second(), 1),
            eta_s=rate.eta_seconds(pending),
            **self._pause(),
        )

    def _pause(self) -> dict[str, Any]:
        pause = self.pipeline.paused
        left = pause.remaining
        until = time.time() + left if 0 < left < FOREVER else None
        return {"paused": left > 0, "paused_until": until}

    def index_report(self) -> IndexReport:
        """The index and what is left to do."""
        progress = self.progress()
        return IndexReport(
            photos=progress.photos,
            indexed=progress.indexed,
            pending=progress.pending,
            failed=progress.failed,
            rate_per_s=progress.rate_per_s,
            eta_s=progress.eta_s,
            bytes=self.serving.store.bytes_on_disk(),
            waiting_for=self.pipeline.waiting_for or self.reconciler.waiting_for,
            paused=progress.paused,
            paused_until=progress.paused_until,
        )

    def folder_reports(self) -> list[FolderReport]:
        """Every folder, with what the watcher knows of it."""
        counts = self.catalog.counts()
        health = {root.root: root for root in self.watcher.health()}
        reports = []
        for folder in self.folders.all():
            self.devices.check(folder.path)  # for the next caller
            state, reason, remedy = folder.state, folder.reason, folder.remedy
            watched = health.get(folder.path)
            if state == "ok" and watched is not None and watched.scanned:
                state, reason, remedy = "scan_only", watched.reason, watched.remedy
            unreadable = self.reconciler.unreadable(folder)
            reports.append(
                FolderReport(
                    **path_fields(folder.path),
                    state=state,
                    photos=known_photos(counts.get(folder.id, {})),
                    pending=counts.get(folder.id, {}).get("pending", 0),
                    failed=counts.get(folder.id, {}).get("failed", 0),
                    reason=reason,
                    remedy=remedy,
                    cloud=folder.cloud,
                    unreadable=unreadable.count if unreadable else 0,
                    unreadable_example=str(unreadable) if unreadable else None,
                )
            )
        return reports

    def comparison_reports(self) -> list[ComparisonReport]:
        """Running comparisons of folders with the catalog."""
        now = time.monotonic()
        return [
            ComparisonReport(
                path=printable(running.tree),
                seen=running.seen,
                known=running.known,
                seconds=round(now - running.begun_at, 1),
            )
            for running in self.reconciler.running()
        ]

    def idle(self) -> bool:
        """Whether nothing is pending, being compared or at a worker."""
        if self.reconciler.busy() or not (self.pipeline.idle() and self.sidecars.idle()):
            return False
        absent = {folder.id for folder in self.folders.all() if not folder.present}
        return not any(
            states.get("pending")
            for folder, states in self.catalog.counts().items()
            if folder not in absent
        )

    def purge(self) -> int:
        """Delete data of deleted photos now instead of in 30 days; returns the number
        of contents.
        """
        ended = self.retention.purge()
        limit = Deadline.after(SIDECARS_SECONDS)
        while not self.sidecars.idle() and not limit.passed:  # they release their photos' names
            time.sleep(0.05)
        self.traces.purge()
        return ended
