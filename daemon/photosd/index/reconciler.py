"""The reconciler: compares what is on disk with the catalog; the file system is the truth.

Hints from the watcher only say where to look. Every path in doubt is stat-ed and compared, and
what differs is put on the work list.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.core.log import printable
from photosd.index.catalog import Catalog
from photosd.index.comparison import Comparison
from photosd.index.folders import PRESENT, Folder, Folders
from photosd.watch.folders import probe_folder
from photosd.watch.hints import Hint
from photosd.watch.scanner import Entry, entry_of, scan
from photosd.watch.watcher import Watcher

log = structlog.get_logger()

BATCH = 1000  # comparisons in one transaction
SUBTREE_QUIET = 0.3  # seconds without a new hint before a directory is scanned
SUBTREE_PATIENCE = 3.0  # seconds after which it is scanned although hints keep coming
RETRY_SECONDS = 5.0
UNWATCHED_SECONDS = 300.0  # folders that cannot be watched are compared this often
GONE_SECONDS = 30 * 86_400  # what is gone is remembered this long, in case it returns


class Reconciler(threading.Thread):
    """One thread that turns hints, requests and the passing of time into pending photos."""

    def __init__(
        self,
        catalog: Catalog,
        folders: Folders,
        watcher: Watcher,
        *,
        settle_seconds: float,
        rescan_seconds: float,
        is_embedded: Callable[[str], bool],
        on_work: Callable[[], None],
    ) -> None:
        super().__init__(name="reconciler", daemon=True)
        self._catalog, self._folders, self._watcher = catalog, folders, watcher
        self.settle_seconds, self.rescan_seconds = settle_seconds, rescan_seconds
        self._on_work = on_work
        self._comparison = Comparison(
            catalog, settle_seconds=lambda: self.settle_seconds, is_embedded=is_embedded
        )
        self._paths: dict[bytes, float] = {}  # path -> when to look at it
        self._trees: dict[bytes, tuple[float, float]] = {}  # tree -> (quiet at, at the latest)
        self._requests: list[threading.Event] = []
        self._request_lock = threading.Lock()
        self._stopping = False
        self._next_full = 0.0
        self.scanning = False
        self.compared = False  # everything, once at least since the start
        self.waiting_for: str | None = None  # what comparing waits for, if anything

    # -- from other threads -------------------------------------------------------------------

    def request(self) -> threading.Event:
        """Compare everything soon; the event is set when that is done."""
        done = threading.Event()
        with self._request_lock:
            self._requests.append(done)
        self._watcher.hints.put(Hint("overflow", b""))
        return done

    def look_at(self, path: bytes) -> None:
        """Look at one path again soon."""
        self._watcher.hints.put(Hint("path", path))

    def busy(self) -> bool:
        """Whether comparisons are running or due."""
        return self.scanning or bool(self._paths or self._trees or self._requests)

    def stop(self, deadline: Deadline | None = None) -> None:
        """End the thread; bounded by one batch of comparisons."""
        self._stopping = True
        self._watcher.hints.put(Hint("path", b""))
        if self.is_alive():
            self.join((deadline or Deadline.to_stop()).remaining)

    # -- the loop -----------------------------------------------------------------------------

    def run(self) -> None:
        """Until stopped: collect hints, compare what has become due."""
        while not self._stopping:
            self._collect()
            try:
                if time.monotonic() >= self._next_full:
                    self._compare_all()
                    self.waiting_for = None
                self._compare_due()
            except StorageError as error:
                self.waiting_for = "disk"
                log.error("reconcile_failed", cause=str(error), remedy=error.remedy)
                self._next_full = time.monotonic() + RETRY_SECONDS
            except Exception:  # one odd path must not end the watching of all others
                log.exception("reconcile_failed")
                self._next_full = time.monotonic() + RETRY_SECONDS

    def _collect(self) -> None:
        """Take the hints there are; wait for one when nothing is due."""
        wake = min([self._next_full, *self._paths.values(), *(t[0] for t in self._trees.values())])
        try:
            hint = self._watcher.hints.get(timeout=max(0.0, min(wake - time.monotonic(), 3600)))
            while True:
                self._note(hint)
                hint = self._watcher.hints.get_nowait()
        except queue.Empty:
            return

    def _note(self, hint: Hint) -> None:
        now = time.monotonic()
        if not hint.path:
            self._next_full = now if hint.kind == "overflow" else self._next_full
        elif hint.kind == "path":
            # More hints do not postpone it: a file that never rests would never be looked at.
            self._paths.setdefault(hint.path, now + self.settle_seconds)
        else:
            latest = self._trees.get(hint.path, (0.0, now + SUBTREE_PATIENCE))[1]
            self._trees[hint.path] = (min(now + SUBTREE_QUIET, latest), latest)

    def _compare_all(self) -> None:
        with self._request_lock:
            requests, self._requests = self._requests, []
        self.scanning = True
        try:
            for folder in self._folders.all():
                self.compare_tree(folder, folder.path)
            self._catalog.sweep(time.time() - GONE_SECONDS)
            self._next_full = time.monotonic() + self._rescan_seconds()
            self.compared = True
        finally:
            self.scanning = False
            for request in requests:
                request.set()

    def _rescan_seconds(self) -> float:
        """Until everything is compared again: sooner while some folder is only scanned."""
        unwatched = any(root.state == "scan_only" for root in self._watcher.health())
        return min(self.rescan_seconds, UNWATCHED_SECONDS) if unwatched else self.rescan_seconds

    def _compare_due(self) -> None:
        now = time.monotonic()
        trees = [tree for tree, (due, _) in self._trees.items() if due <= now]
        paths = [path for path, due in self._paths.items() if due <= now]
        for tree in trees:
            del self._trees[tree]
            for folder in self._folders.all():
                if folder.contains(tree):
                    self.compare_tree(folder, tree)
        with self._catalog.batch():
            for path in paths:
                del self._paths[path]
                self._compare_path(path)
        if paths:
            self._on_work()

    # -- comparing ----------------------------------------------------------------------------

    def compare_tree(self, folder: Folder, tree: bytes) -> None:
        """Compare everything below ``tree``; nothing is forgotten unless the folder is there."""
        if not self._present(folder):
            return
        known = {photo.path: photo for photo in self._catalog.below(tree)}
        if (itself := self._catalog.get(tree)) is not None and itself.state != "gone":
            known[tree] = itself  # a photo was here, and now a directory has its name
        unreadable: list[bytes] = []
        entries = scan(
            folder.path,
            tree,
            folder.rules,
            on_error=lambda path, _error: unreadable.append(path),
        )
        for batch in _batches(entries):
            with self._catalog.batch():
                for entry in batch:
                    self._comparison.compare(folder, entry, known.pop(entry.path, None))
            self._on_work()
            if self._stopping:
                return
        kept = tuple(path.rstrip(b"/") + b"/" for path in unreadable)
        missing = [
            path for path, photo in known.items() if not self._comparison.away(folder, photo, kept)
        ]
        # The disk may have gone while we walked: ask again before believing that files did.
        if missing and self._present(folder):
            self._catalog.forget(missing)
            self._on_work()
            log.info("photos_gone", folder=printable(folder.path), photos=len(missing))

    def _compare_path(self, path: bytes) -> None:
        folder = self._folders.containing(path)
        if folder is None:
            return
        try:
            entry = entry_of(path, folder.rules)
        except OSError as error:
            log.warning("photo_unreadable", path=path, cause=error.strerror)
            return
        photo = self._catalog.get(path)
        if entry is not None:
            self._comparison.compare(folder, entry, photo, hinted=True)
        elif (
            photo is not None
            and not self._comparison.away(folder, photo, ())
            and self._present(folder)
        ):
            self._catalog.forget([path])

    def _present(self, folder: Folder) -> bool:
        """Probe the folder, record what was found, and say whether its photos can be judged."""
        probe = probe_folder(folder.path, folder.identity)
        if probe.state == "offline" and self._comparison.recognised(folder):
            probe = probe_folder(folder.path, None)
        if self._folders.update(folder, probe):
            log.info(
                "folder_state",
                folder=printable(folder.path),
                state=probe.state,
                reason=probe.reason,
                remedy=probe.remedy,
            )
        return probe.state in PRESENT


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
