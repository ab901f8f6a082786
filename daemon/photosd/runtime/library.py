"""The library: creates and connects catalog, folders and the active model.

Each part is a module; this one connects them, from top to bottom: a part gets those above it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import structlog

import photosd
from photosd.alerts.alerts import Alerts
from photosd.core.clock import Deadline
from photosd.core.config import LiveSettings, Settings
from photosd.core.errors import ModelError
from photosd.core.ignored_names import names_in
from photosd.core.listeners import Listeners
from photosd.core.paths import Home
from photosd.core.start_stop import stop_all
from photosd.decode.pool import DecodeLimits, Pool, Shape
from photosd.decode.thumbnails import Thumbnails, ThumbnailStore
from photosd.encoder.accelerators import Accelerators
from photosd.encoder.supervisor import Supervisor
from photosd.gemini.environment import Environment
from photosd.gemini.gemini import Gemini
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.dropping import drop_tables
from photosd.index.folders import Folder, Folders
from photosd.index.pipeline import Pipeline
from photosd.index.placing import Placing
from photosd.index.reconciler import Reconciler
from photosd.index.refining import Refining, ServedModel
from photosd.index.rereading import Rereading
from photosd.index.retention import Retention
from photosd.index.shared_resources import SharedResources
from photosd.index.sidecars import Sidecars
from photosd.index.worklist import Circumstances, WorkList
from photosd.models import registry
from photosd.models.spec import ModelSpec
from photosd.places.gazetteer import Gazetteer
from photosd.runtime.erasing import Derived, Traces
from photosd.runtime.library_status import LibraryStatus
from photosd.runtime.model_runtime import ModelRuntime
from photosd.runtime.model_switch import SERVING, ModelSwitcher
from photosd.search.engine import Engine
from photosd.watch.filesystems import Filesystems
from photosd.watch.watcher import Watcher

log = structlog.get_logger()

MB = 1_000_000
SIDECARS_SECONDS = 10.0  # limit for a purge to wait for sidecars of deleted photos


class Library:
    """Created in two steps: the constructor is fast, `open` imports LanceDB and loads vectors."""

    def __init__(
        self, home: Home, settings: Settings, environment: Environment | None = None
    ) -> None:
        self.home, self._live = home, LiveSettings(settings)
        self._halted = threading.Event()
        self.warmed_up = threading.Event()  # a complete query has run once
        self.database = Database(home.catalog)
        with contextlib.ExitStack() as undo:  # after an error nothing must remain
            undo.callback(self.database.close)
            self._build(settings, environment or Environment(), undo)
            undo.pop_all()

    def _build(
        self, settings: Settings, environment: Environment, undo: contextlib.ExitStack
    ) -> None:
        """Create and connect all parts."""
        home, database, remembers = self.home, self.database, self._live.remembers
        directory, spec = self._choose(settings.encoder.model)
        work = Listeners()  # the pipelines: there may be something to index
        # The photos: where they are, what is known of them, who reads them.
        self.catalog, self.contents = Catalog(database), Contents(database)
        self.filesystems = Filesystems()
        undo.callback(self.filesystems.stop)
        self.folders = Folders(
            database,
            home.config / "folders.json",
            self.filesystems,
            home.own,
            lambda: names_in(self._live.now.watch.ignore_off),
        )
        limits = DecodeLimits(max_megapixels=settings.decode.max_megapixels)
        self.pool = pool = Pool(settings.decode.workers, limits, self.filesystems)
        pool.previews = settings.decode.previews == "auto"
        circumstances = Circumstances()
        self.worklist = WorkList(database, lambda: circumstances.now(pool.limits))
        self.watcher = Watcher(home.runtime / "probe", answers=self.filesystems.answers)
        self.reconciler = Reconciler(
            self.catalog,
            self.folders,
            self.watcher,
            settle_seconds=settings.watch.settle_seconds,
            rescan_seconds=settings.watch.rescan_minutes * 60,
            is_embedded=self.contents.is_served,
            on_work=work.notify,
        )
        self.sidecars = Sidecars(database, pool, work.notify, slow=self.filesystems.some_slow)
        self.gazetteer = Gazetteer(home.places)
        self.placing = Placing(database, self.gazetteer, work.notify)
        self.rereading = Rereading(
            database, self.contents, pool, work.notify, busy=lambda: not self._is_idle()
        )
        store = ThumbnailStore(home.thumbnails, settings.thumbnails.cache_mb * MB)
        self.thumbnails = Thumbnails(pool, store)
        self.gemini = Gemini(home, settings.cloud, database, pool, environment, remembers)
        # The models. The encoder starts now: it loads in parallel with the rest.
        self.shared = shared = SharedResources(
            home.index,
            database,
            self.catalog,
            self.contents,
            self.folders,
            pool,
            self.reconciler.look_at,
            work,
            remembers,
            self.gazetteer,
        )
        memory_mb = settings.encoder.memory_limit_mb
        accelerators = Accelerators(home.accelerators, settings.encoder.device)
        serving = ModelRuntime(directory, spec, shared, self.worklist, memory_mb, accelerators)
        undo.callback(serving.close)
        self.model_switcher = ModelSwitcher(home, self._live, shared, self.worklist, serving)
        self.refining = Refining(
            database,
            self.contents,
            pool,
            self._served_model,
            work.notify,
            busy=lambda: not self._is_idle(),
        )
        # What looks at the library as a whole.
        self.status = LibraryStatus(
            shared,
            self.watcher,
            self.reconciler,
            (self.sidecars.idle, self.placing.idle),
            self.model_switcher,
            lambda: self.refining.left,
        )
        self.alerts = Alerts(
            database,
            self.catalog,
            self.folders,
            home.state / "standing",
            home.config / "standing.json",
            engine=self.model_switcher.engine,
            all_indexed=self.status.all_indexed,
        )
        derived = Derived(home.index, self.model_switcher, store, self.gemini)
        self.traces = Traces(home, database, self.model_switcher, store, self.gemini, remembers)
        self.retention = Retention(
            self.catalog, self.contents, derived, others=(derived.tidy, self.traces.expire)
        )

    def _choose(self, wanted: str) -> tuple[Path, ModelSpec]:
        """The model in use: the one whose index is complete, if any."""
        serving = self.database.meta(SERVING)
        if serving not in (None, wanted):
            with contextlib.suppress(ModelError):
                return registry.find(self.home, serving or "")
        return registry.find(self.home, wanted)

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self._live.now

    @property
    def serving(self) -> ModelRuntime:
        """The model in use."""
        return self.model_switcher.serving

    @property
    def encoder(self) -> Supervisor:
        """The encoder of the active model."""
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
        if self.database.set_meta("photosd_version", photosd.__version__) != photosd.__version__:
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
        spec = self.serving.spec
        self.contents.serve(spec.fingerprint)
        self.database.set_meta(SERVING, spec.name)
        self.reconciler.start()
        self.serving.begin()
        self.model_switcher.follow(self.settings.encoder.model)
        self.gemini.open()
        self.alerts.start()
        self.sidecars.start()
        self.sidecars.wake()
        self.rereading.start()
        self.refining.start()
        self.placing.start()
        self.placing.wake()
        self.retention.start()

    def _forget_removed_models(self) -> None:
        """Delete index data of removed models, but not of models that are only unreadable."""
        if registry.damaged(self.home):
            return
        kept = {spec.fingerprint for spec in (self.serving.spec, *registry.installed(self.home))}
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
                "filesystems": self.filesystems.stop,
                "sidecars": self.sidecars.stop,
                "rereading": self.rereading.stop,
                "refining": self.refining.stop,
                "places": self.placing.stop,
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

    def _served_model(self) -> ServedModel:
        runtime = self.serving
        shape = Shape.of(runtime.spec.preprocess)
        return ServedModel(runtime.spec.fingerprint, shape, runtime.encoder, runtime.store)

    def _is_idle(self) -> bool:
        """Whether nothing is being indexed, and indexing is not paused."""
        return self.status.idle() and not self.pipeline.paused.remaining

    def pause(self, until: float) -> None:
        """Pause indexing until then (Unix seconds)."""
        for runtime in self.model_switcher.runtimes():
            runtime.pipeline.pause(until)
        self.gemini.pause(until)

    def apply(self, settings: Settings, *, retry_device: bool = False) -> None:
        """Apply changed settings at once; ``retry_device``: use accelerators that failed, too."""
        before = self._live.change(settings)
        rescan_seconds = settings.watch.rescan_minutes * 60
        self.reconciler.set_pace(settings.watch.settle_seconds, rescan_seconds)
        if settings.watch.settle_seconds < before.watch.settle_seconds:
            self.worklist.settle_within(settings.watch.settle_seconds)
        if settings.watch.rescan_minutes < before.watch.rescan_minutes:
            self.reconciler.request()  # the next one may be a day away
        if settings.watch.ignore_off != before.watch.ignore_off:
            for folder in self.folders.all():
                self.watch(folder)
            self.reconciler.request()
        self.pool.set_limits(DecodeLimits(max_megapixels=settings.decode.max_megapixels))
        self.pool.previews = settings.decode.previews == "auto"
        self.worklist.reconsider()  # limits may be higher now
        self.pool.set_workers(settings.decode.workers)
        self.thumbnails.store.set_room(settings.thumbnails.cache_mb * MB)
        if retry_device or settings.encoder.device != before.encoder.device:
            self.serving.accelerators.choose(settings.encoder.device)
            for runtime in self.model_switcher.runtimes():
                runtime.encoder.follow_device()
        for runtime in self.model_switcher.runtimes():
            runtime.pipeline.wake()
            runtime.encoder.set_memory_limit(settings.encoder.memory_limit_mb)
        self.model_switcher.follow(settings.encoder.model)
        self.gemini.apply(settings.cloud)
        if before.search.remember and not settings.search.remember:
            self.retention.wake()

    def watch(self, folder: Folder) -> None:
        """Watch this folder for changes."""
        self.watcher.add(folder.path, folder.rules)

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
