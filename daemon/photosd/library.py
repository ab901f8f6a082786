"""The library: one model's vectors with everything that fills and searches them, as one piece."""

from __future__ import annotations

import threading
import time

import structlog

import photosd
from photosd.core.config import Settings
from photosd.core.log import printable
from photosd.core.paths import Home
from photosd.decode.pool import DecodeLimits, Pool, Shape
from photosd.encoder.limits import Limits
from photosd.encoder.supervisor import Supervisor
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folder, Folders
from photosd.index.pipeline import Pipeline
from photosd.index.reconciler import Reconciler
from photosd.index.vectors import VectorStore
from photosd.index.worklist import WorkList
from photosd.ipc.messages import Coverage, FolderReport, IndexReport, Progress
from photosd.models import shelf
from photosd.search.engine import Engine
from photosd.watch.watcher import Watcher

log = structlog.get_logger()


class Library:
    """Built in two steps: the constructor is quick, `open` imports LanceDB and loads vectors."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self.home, self.settings = home, settings
        self.rehearsed = threading.Event()  # the whole way of a query has been gone once
        directory, self.spec = shelf.find(home, settings.encoder.model)
        self.encoder = Supervisor(directory, Limits(memory_mb=settings.encoder.memory_limit_mb))
        self.encoder.start()  # first of all: the model loads while everything else does
        self.database = Database(home.catalog)
        self.catalog, self.worklist = Catalog(self.database), WorkList(self.database)
        self.contents = Contents(self.database)
        self.folders = Folders(self.database, home.config / "folders.json")
        self.store = VectorStore(home.index, self.spec.fingerprint, self.spec.dimension)
        self.pool = Pool(
            settings.decode.workers, DecodeLimits(max_megapixels=settings.decode.max_megapixels)
        )
        self.watcher = Watcher(home.runtime / "probe")
        self.pipeline = Pipeline(
            self.catalog,
            self.worklist,
            self.contents,
            self.store,
            self.pool,
            self.encoder,
            Shape.of(self.spec.preprocess),
            self.spec.fingerprint,
            look_ahead=_look_ahead(self.pool.workers),
            look_at=lambda path: self.reconciler.look_at(path),
            on_vanished=self._reopen,
        )
        self.reconciler = Reconciler(
            self.catalog,
            self.folders,
            self.watcher,
            settle_seconds=settings.watch.settle_seconds,
            rescan_seconds=settings.watch.rescan_minutes * 60,
            is_embedded=lambda content: self.contents.has_embedding(self.spec.fingerprint, content),
            on_work=self.pipeline.wake,
        )
        self.engine = Engine(
            self.spec,
            self.encoder,
            self.store,
            self.database,
            self.catalog,
            self.contents,
            self.folders,
            self.coverage,
        )

    def open(self) -> None:
        """Load the vectors, then start watching and indexing."""
        if self.database.swap("photosd_version", photosd.__version__) != photosd.__version__:
            self.worklist.retry_failures()  # what killed the old version may not kill this one
        self.pool.start()
        self.watcher.start()
        for folder in self.folders.all():
            self.watch(folder)
        self.store.open()
        self.agree()
        self.reconciler.start()
        self.pipeline.start()

    def close(self) -> None:
        """Stop every thread and worker, each within its own bound."""
        for part in (self.reconciler, self.watcher, self.pipeline, self.pool, self.encoder):
            part.stop()
        self.engine.close()
        self.database.close()

    def agree(self) -> None:
        """Make catalog and index say the same; what only one of them knows is found out anew."""
        recorded, stored = self.contents.embedded(self.spec.fingerprint), self.store.contents()
        lost, unknown = recorded - stored, stored - recorded
        if lost:
            log.warning("vectors_lost", contents=len(lost), remedy="they are made again")
            self.contents.unembed(self.spec.fingerprint, lost)
        if unknown:  # committed just before a kill: the photo is pending and will find it there
            self.contents.record(self.spec.fingerprint, ((content, {}) for content in unknown))
        self.contents.have_embedded(self.spec.fingerprint)

    def apply(self, settings: Settings) -> None:
        """Let changed settings take effect."""
        self.settings = settings
        self.reconciler.settle_seconds = settings.watch.settle_seconds
        self.reconciler.rescan_seconds = settings.watch.rescan_minutes * 60
        self.pool.set_limits(DecodeLimits(max_megapixels=settings.decode.max_megapixels))
        self.pool.set_workers(settings.decode.workers)
        self.pipeline.look_ahead = _look_ahead(self.pool.workers)
        self.encoder.set_memory_limit(settings.encoder.memory_limit_mb)

    def watch(self, folder: Folder) -> None:
        """Have changes in this folder noticed."""
        self.watcher.add(folder.path, folder.rules)

    def _reopen(self) -> None:
        """The index was deleted while we ran: begin a new one."""
        self.store.open()
        self.agree()

    # -- what clients are told ----------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Photos by state, over all folders."""
        total: dict[str, int] = {}
        for states in self.catalog.counts().values():
            for state, number in states.items():
                total[state] = total.get(state, 0) + number
        return total

    def coverage(self) -> Coverage:
        """How much of the library an answer can see."""
        counts = self.counts()
        return Coverage(
            photos=_photos(counts),
            indexed=counts.get("indexed", 0),
            pending=counts.get("pending", 0),
            failed=counts.get("failed", 0),
            offline_folders=[
                printable(folder.path) for folder in self.folders.all() if not folder.present
            ],
        )

    def progress(self) -> Progress:
        """Where indexing stands."""
        counts = self.counts()
        pending, rate = counts.get("pending", 0), self.pipeline.rate
        return Progress(
            photos=_photos(counts),
            indexed=counts.get("indexed", 0),
            pending=pending,
            failed=counts.get("failed", 0),
            rate_per_s=round(rate.per_second(), 1),
            eta_s=rate.eta_seconds(pending),
        )

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
            bytes=self.store.bytes_on_disk(),
            waiting_for=self.pipeline.waiting_for,
        )

    def folder_reports(self) -> list[FolderReport]:
        """Every folder, with what the watcher knows of it."""
        counts = self.catalog.counts()
        health = {root.root: root for root in self.watcher.health()}
        reports = []
        for folder in self.folders.all():
            state, reason, remedy = folder.state, folder.reason, folder.remedy
            watched = health.get(folder.path)
            if state == "ok" and watched is not None and watched.state != "watching":
                state, reason, remedy = watched.state, watched.reason, watched.remedy
            reports.append(
                FolderReport(
                    path=printable(folder.path),
                    state=state,
                    photos=_photos(counts.get(folder.id, {})),
                    reason=reason,
                    remedy=remedy,
                )
            )
        return reports

    def settled(self) -> bool:
        """Whether nothing is pending, being compared or in a worker's hands."""
        if self.reconciler.busy() or not self.pipeline.idle():
            return False
        absent = {folder.id for folder in self.folders.all() if not folder.present}
        return not any(
            states.get("pending")
            for folder, states in self.catalog.counts().items()
            if folder not in absent
        )

    def purge(self) -> int:
        """Forget what is gone now rather than in 30 days; the vectors dropped."""
        self.catalog.sweep(time.time())
        orphans = self.contents.sweep()
        self.store.remove(orphans)
        self.store.compact()
        return len(orphans)


def _look_ahead(workers: int) -> int:
    """Photos in decoders' hands or waiting for them, so that none is ever idle."""
    return 3 * workers + 2


def _photos(counts: dict[str, int]) -> int:
    return sum(number for state, number in counts.items() if state != "gone")
