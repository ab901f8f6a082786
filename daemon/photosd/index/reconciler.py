"""The reconciler: compares the disk with the catalog; the file system is the truth.

Hints from the watcher only tell where to look. Each such path is stat-ed and compared, and
differences go to the work list. This thread never accesses a file system: comparisons run on one
thread per file system, so that a slow one delays only its own.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from photosd.core.background import StoppableThread
from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.core.log import printable
from photosd.core.start_stop import start
from photosd.index.catalog import Catalog
from photosd.index.comparer import Comparer
from photosd.index.comparison import Comparison
from photosd.index.folders import Folder, Folders, innermost
from photosd.index.retention import KEPT_SECONDS
from photosd.watch.filesystem import Filesystem, NotAnswering
from photosd.watch.folder_state import not_answering
from photosd.watch.hints import Hint
from photosd.watch.watcher import Watcher

log = structlog.get_logger()

NEVER = float("inf")

SUBTREE_QUIET = 0.3  # seconds without a new hint before a directory is scanned
SUBTREE_SECONDS = 3.0  # seconds after which it is scanned despite new hints
RETRY_SECONDS = 5.0
LONGEST_RETRY = 300.0  # maximum interval between checks of an absent folder
UNWATCHED_SECONDS = 300.0  # interval of comparing folders that cannot be watched
TURN_SECONDS = 30.0  # maximum interval of this thread's loop, which proves that it is alive
FAILED_SECONDS = 1.0  # until the next turn of this thread after an error
STALLED_SECONDS = 900.0  # a comparison without progress for this long counts as hung
MAX_LINKS = 100  # paths compared one by one; of more, their directories are compared


class UnreadPlaces:
    """Unreadable places in trees; each is retried after a pause that doubles with each failure.

    Other comparisons that find it unreadable do not prolong the pause. Any thread may use it.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest, self._longest = shortest, longest
        self._places: dict[bytes, tuple[float, float]] = {}  # place -> (due at, pause)
        self._lock = threading.Lock()

    def note(self, tree: bytes, places: Iterable[bytes]) -> bool:
        """``tree`` was read except for these places; returns whether any will be retried."""
        now, inside = time.monotonic(), tree.rstrip(b"/") + b"/"
        with self._lock:
            before = self._places
            self._places = {
                place: at
                for place, at in before.items()
                if place != tree and not place.startswith(inside)
            }
            for place in places:
                due, pause = before.get(place, (NEVER, self._shortest / 2))
                if due <= now or due == NEVER:  # retried, or new
                    pause = min(2 * pause, self._longest)
                    due = now + pause
                self._places[place] = due, pause
            return bool(self._places)

    def next_due(self) -> float:
        """When the next one is due, by the monotonic clock."""
        with self._lock:
            return min((due for due, _ in self._places.values()), default=NEVER)

    def take_due(self) -> list[bytes]:
        """Those due now; each is returned once until it is noted again."""
        now = time.monotonic()
        with self._lock:
            due = [place for place, (at, _) in self._places.items() if at <= now]
            self._places.update((place, (NEVER, self._places[place][1])) for place in due)
            return due


class Round:
    """A comparison of everything, and the events to set at its end.

    One without events skips comparisons that are still running, and is then not ``complete``.
    """

    def __init__(self, requests: Iterable[threading.Event]) -> None:
        self.requests = list(requests)
        self.jobs: set[ComparisonJob] = set()
        self.begun = False  # all of its comparisons were queued
        self.failed = False  # one of them; set by the thread that compares
        self.complete = True


@dataclass(eq=False)
class ComparisonJob:
    """A comparison of a tree, or of single paths."""

    folder: Folder | None
    tree: bytes
    paths: list[bytes] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)


class Reconciler(StoppableThread):
    """Schedules comparisons after hints, requests and timeouts."""

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
        super().__init__("reconciler")
        self._catalog, self._folders, self._watcher = catalog, folders, watcher
        self._filesystems = filesystems = folders.filesystems
        self.settle_seconds, self.rescan_seconds = settle_seconds, rescan_seconds
        self.comparer = Comparer(
            catalog,
            folders,
            filesystems,
            Comparison(
                catalog, settle_seconds=lambda: self.settle_seconds, is_embedded=is_embedded
            ),
            on_work,
            self.stopping.is_set,
            self._note_unread,
            self._look_at_links,
        )
        self._paths: dict[bytes, float] = {}  # path -> when it changed (monotonic)
        self._trees: dict[bytes, tuple[float, float]] = {}  # tree -> (quiet at, at the latest)
        self._requests: list[threading.Event] = []
        self._lock = threading.Lock()
        self._jobs: dict[Filesystem, deque[ComparisonJob]] = {}  # the first one is in progress
        self._threads: dict[Filesystem, threading.Thread] = {}
        self._rounds: list[Round] = []  # a slow file system may delay the end of some
        self._interrupted: list[ComparisonJob] = []  # because their file system stopped responding
        self._silent: set[tuple[int, bytes]] = set()  # folder and place in it
        self._unread = UnreadPlaces(RETRY_SECONDS, LONGEST_RETRY)
        self._retries: dict[int, tuple[float, float]] = {}  # folder -> (due at, pause)
        self._missing = False  # a thread
        self._pause = RETRY_SECONDS  # after an internal error; longer while it persists
        self._next_full = 0.0
        self._next_partial = NEVER  # of what is not being compared, while a round has not ended
        self.turned_at = time.monotonic()
        self.compared = False  # everything was compared at least once since the start
        self.waiting_for: str | None = None  # why comparisons are waiting, if they are
        filesystems.changed.add(self.wake)

    # -- from other threads -------------------------------------------------------------------

    def request(self) -> threading.Event:
        """Compare everything soon; the event is set at the end.

        File systems that do not respond are skipped.
        """
        done = threading.Event()
        with self._lock:
            self._requests.append(done)
        self._watcher.hints.put(Hint("overflow", b""))
        return done

    def set_pace(self, settle_seconds: float, rescan_seconds: float) -> None:
        """Compare files once unchanged for this long, and everything at this interval."""
        self.settle_seconds, self.rescan_seconds = settle_seconds, rescan_seconds

    def look_at(self, path: bytes) -> None:
        """Compare one path again soon."""
        self._watcher.hints.put(Hint("path", path))

    def _look_at_links(self, paths: list[bytes]) -> None:
        """Compare other paths of changed files; the directories of many, as after a rename."""
        if len(paths) <= MAX_LINKS:
            hints = [Hint("path", path) for path in paths]
        else:
            hints = [Hint("subtree", one) for one in {path.rpartition(b"/")[0] for path in paths}]
        for hint in hints:
            self._watcher.hints.put(hint)

    def wake(self) -> None:
        """Something may have changed."""
        self._watcher.hints.put(Hint("path", b""))

    def busy(self) -> bool:
        """Whether comparisons are running or due."""
        return bool(self._paths or self._trees or self._requests or self._jobs or self._rounds)

    def stalled(self) -> str | None:
        """What is wrong with the comparisons, if anything; a silent file system is not an error."""
        now = time.monotonic()
        for running in self.comparer.running():
            if not running.asking and now - running.moved_at > STALLED_SECONDS:
                return f"comparing {printable(running.tree)} makes no progress"
        return None

    def stop(self, deadline: Deadline | None = None) -> None:
        """Stop the threads; each is bounded by one batch of comparisons."""
        deadline = deadline or Deadline.to_stop()
        super().stop(deadline)
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(deadline.remaining)

    # -- the loop -----------------------------------------------------------------------------

    def run(self) -> None:
        """Until stopped: collect hints, start due comparisons."""
        while not self.stopping.is_set():
            self.turned_at = time.monotonic()
            self._collect()
            if self.stopping.is_set():
                return
            try:
                self._begin_missing()
                self._check_silence()
                if time.monotonic() >= min(self._next_full, self._next_partial):
                    self._begin_round()
                self._begin_due()
                self._begin_unread()
                self._end_rounds()
            except Exception as error:  # an error with one path must not end this thread
                self._retry_later(error)
                time.sleep(FAILED_SECONDS)  # the failed step is still due

    def _retry_later(self, error: Exception) -> None:
        """A step failed: retry later; unknown errors with increasing pauses."""
        pause = self._pause
        if isinstance(error, StorageError):
            if self.waiting_for is None:  # once; it is retried several times a second
                log.error("reconcile_failed", cause=str(error), remedy=error.remedy)
            self.waiting_for, pause = "disk", RETRY_SECONDS
        else:
            log.exception("reconcile_failed")
        self._next_full = min(self._next_full, time.monotonic() + pause)

    def _collect(self) -> None:
        """Take pending hints; wait for one if nothing is due."""
        due = [
            *(t + self.settle_seconds for t in self._paths.values()),
            *(t[0] for t in self._trees.values()),
        ]
        due += [self._unread.next_due(), *(at for at, _ in self._retries.values())]
        due += [self._next_full, self._next_partial]
        turn = RETRY_SECONDS if self._missing else TURN_SECONDS
        seconds = min([turn, *(at - time.monotonic() for at in due)])
        try:
            hint = self._watcher.hints.get(timeout=max(0.0, seconds))
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
            # More hints do not postpone it: a file that keeps changing would never be compared.
            self._paths.setdefault(hint.path, now)
        else:
            latest = self._trees.get(hint.path, (0.0, now + SUBTREE_SECONDS))[1]
            self._trees[hint.path] = (min(now + SUBTREE_QUIET, latest), latest)

    # -- what to compare ------------------------------------------------------------------------

    def _begin_round(self) -> None:
        """Compare everything."""
        folders = self._folders.all()
        with self._lock:
            requests, self._requests = self._requests, []
        self._next_full, self._next_partial = NEVER, time.monotonic() + self._rescan_seconds()
        begun = Round(requests)
        self._rounds.append(begun)
        for folder in folders:
            self._begin(folder, folder.path, begun)
        begun.begun = True

    def _end_rounds(self) -> None:
        """At the end of each round: delete photos that were deleted long ago, and report it."""
        for ended in [one for one in self._rounds if not one.jobs]:
            self._end_round(ended)

    def _end_round(self, ended: Round) -> None:
        failed = ended.failed or not ended.begun
        try:
            self._catalog.sweep(time.time() - KEPT_SECONDS)
            self.compared = self.compared or (ended.complete and not failed)
            self._pause = min(2 * self._pause, LONGEST_RETRY) if failed else RETRY_SECONDS
            if ended.complete and not failed:  # the catalog can be written again
                self.waiting_for = None
        finally:
            self._rounds.remove(ended)
            if not self._rounds:
                self._next_partial = NEVER
                # Another comparison may have been requested meanwhile.
                self._next_full = min(self._next_full, time.monotonic() + self._rescan_seconds())
            for request in ended.requests:
                request.set()

    def _rescan_seconds(self) -> float:
        """Seconds between comparisons of everything: fewer while some folder is only scanned."""
        unwatched = any(root.state == "scan_only" for root in self._watcher.health())
        return min(self.rescan_seconds, UNWATCHED_SECONDS) if unwatched else self.rescan_seconds

    def _begin_due(self) -> None:
        """Start comparisons for hints, per file system."""
        now = time.monotonic()
        trees = [tree for tree, (due, _) in self._trees.items() if due <= now]
        paths = [p for p, noted in self._paths.items() if noted + self.settle_seconds <= now]
        folders = self._folders.all() if trees else []
        for tree in trees:
            if (folder := innermost(folders, tree)) is not None:
                self._begin(folder, tree)
            del self._trees[tree]
        by_filesystem: dict[Filesystem, list[bytes]] = {}
        for path in paths:
            by_filesystem.setdefault(self._filesystems.of(path), []).append(path)
        for filesystem, some in by_filesystem.items():
            self._enqueue(filesystem, ComparisonJob(None, b"", some))
            for path in some:
                del self._paths[path]

    def _begin_unread(self) -> None:
        """Compare places again that could not be read, since no event will come."""
        places = self._unread.take_due()
        folders = self._folders.all() if places else []
        found = {place: folder for place in places if (folder := innermost(folders, place))}
        for tree, folder in together(found).items():
            self._begin(folder, tree)

    def _note_unread(self, tree: bytes, places: set[bytes]) -> None:
        if self._unread.note(tree, places):
            self.wake()

    def _begin(self, folder: Folder, tree: bytes, whole: Round | None = None) -> None:
        """Compare a tree, and each file system mounted in it separately."""
        for part in (tree, *self._filesystems.mounts_below(tree)):
            filesystem = self._filesystems.of(part)
            job = ComparisonJob(folder, part, rounds=[whole] if whole else [])
            if whole is not None and not whole.requests and self._compares(filesystem, job):
                whole.complete = False
                continue
            self._enqueue(filesystem, job)

    def _compares(self, filesystem: Filesystem, job: ComparisonJob) -> bool:
        """Whether the same comparison is running or queued."""
        with self._lock:
            return any(_same(one, job) for one in self._jobs.get(filesystem, ()))

    # -- the comparing threads --------------------------------------------------------------------

    def _enqueue(self, filesystem: Filesystem, job: ComparisonJob) -> None:
        """Queue it on a file system's thread; duplicates are merged."""
        with self._lock:
            jobs = self._jobs.setdefault(filesystem, deque())
            same = [j for j in list(jobs)[1:] if j.folder is not None and _same(j, job)]
            kept = same[0] if same else job
            kept.rounds.extend(r for r in job.rounds if r not in kept.rounds)
            for whole in job.rounds:
                whole.jobs.add(kept)
            if not same:
                jobs.append(job)
            self._serve(filesystem)

    def _serve(self, filesystem: Filesystem) -> None:
        """Start a file system's thread if needed, under the lock. If that fails it is retried in
        the next turn.
        """
        if filesystem in self._threads:
            return
        name = f"compare {printable(filesystem.mount.point)}"
        thread = threading.Thread(target=self._work, args=(filesystem,), name=name, daemon=True)
        if start(thread):
            self._threads[filesystem] = thread
        else:
            self._missing = True

    def _begin_missing(self) -> None:
        """Start threads that could not be started earlier."""
        with self._lock:
            self._missing = False
            for filesystem in self._jobs:
                self._serve(filesystem)

    def _work(self, filesystem: Filesystem) -> None:
        """The thread of one file system: until there is nothing left to compare."""
        while True:
            with self._lock:
                jobs = self._jobs.get(filesystem)
                if not jobs or self.stopping.is_set():
                    self._jobs.pop(filesystem, None)
                    del self._threads[filesystem]
                    break
                job = jobs[0]
            self._compare(job)
            with self._lock:
                jobs.popleft()
                for whole in job.rounds:
                    whole.jobs.discard(job)
        self.wake()

    def _compare(self, job: ComparisonJob) -> None:
        try:
            if job.folder is None:
                self.comparer.paths(job.paths)
            else:
                self.comparer.tree(job.folder, job.tree)
        except NotAnswering:
            with self._lock:
                self._interrupted.append(job)
        except Exception as error:
            if not self.stopping.is_set():
                for whole in job.rounds:
                    whole.failed = True
                if isinstance(error, StorageError):
                    # A full comparison checks less (`Comparison._replaced`): hint these again.
                    for path in job.paths:
                        self.look_at(path)
                self._retry_later(error)
                self.wake()

    # -- file systems that do not respond ---------------------------------------------------------

    def _check_silence(self) -> None:
        """Mark the folders on silent file systems; compare those that respond again."""
        before, self._silent = self._silent, set()
        folders = self._folders.all()
        for folder in folders:
            for part in (folder.path, *self._filesystems.mounts_below(folder.path)):
                if self._filesystems.silent(part):
                    self._silent.add((folder.id, part))
                elif (folder.id, part) in before:
                    self._begin(folder, part)
            if (folder.id, folder.path) in self._silent:
                mount = self._filesystems.of(folder.path).mount
                self._folders.update(folder, not_answering(folder.path, mount))
                self._retries.pop(folder.id, None)  # when it answers again it is compared
            else:
                self._recheck_offline(folder)
        watched = {folder.id for folder in folders}
        self._retries = {key: at for key, at in self._retries.items() if key in watched}
        self._resume()

    def _resume(self) -> None:
        """Restart interrupted comparisons that can run now."""
        with self._lock:
            interrupted, self._interrupted = self._interrupted, []
        for job in interrupted:
            filesystem = self._filesystems.of(job.tree or job.paths[0])
            if filesystem.silent_since is None:
                self._enqueue(filesystem, ComparisonJob(job.folder, job.tree, job.paths))
            else:
                self._interrupted.append(job)

    def _recheck_offline(self, folder: Folder) -> None:
        """Compare an absent folder again, with increasing pauses: its return may cause no event."""
        if folder.present:
            self._retries.pop(folder.id, None)
            return
        due, pause = self._retries.get(folder.id, (0.0, 0.0))
        if time.monotonic() < due:
            return
        if pause:
            self._begin(folder, folder.path)
        pause = min(max(RETRY_SECONDS, 2 * pause), LONGEST_RETRY)
        self._retries[folder.id] = (time.monotonic() + pause, pause)


def together(trees: dict[bytes, Folder]) -> dict[bytes, Folder]:
    """These places with their folders. More than MAX_LINKS are joined to their directories, or to
    whole folders: thousands of links may lead to one share.
    """
    if len(trees) > MAX_LINKS:
        trees = {max(f.path, p.rpartition(b"/")[0], key=len): f for p, f in trees.items()}
    return trees if len(trees) <= MAX_LINKS else {f.path: f for f in trees.values()}


def _same(one: ComparisonJob, other: ComparisonJob) -> bool:
    return (one.folder and one.folder.id, one.tree) == (
        other.folder and other.folder.id,
        other.tree,
    )
