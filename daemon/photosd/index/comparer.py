"""Compares a tree or single paths with the catalog, on a thread per file system.

Every file-system call uses `Devices` and is made before a transaction of the catalog starts, never
inside one. A folder may be removed meanwhile: nothing is written for a folder that is no longer
watched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from photosd.core.formats import is_sidecar_name
from photosd.core.log import printable
from photosd.core.turns import after_queries
from photosd.index.catalog import Catalog
from photosd.index.comparison import Comparison, Emptied, is_emptied, remedy
from photosd.index.folders import PRESENT, Folder, Folders
from photosd.index.photo import Photo
from photosd.index.unseen import Unseen
from photosd.watch.calls import ENTRY, LINK
from photosd.watch.devices import Devices, NotAnswering
from photosd.watch.folder_state import NOT_ANSWERING, away, probe_folder
from photosd.watch.scanner import Entry
from photosd.watch.walk import MAY_PASS, unknown_below, why_unknown

log = structlog.get_logger()

BATCH = 1000  # comparisons in one transaction
FIRST_BATCH = 16  # of a tree: its first photos do not wait; each next batch is twice that
BATCH_SECONDS = 2.0  # entries that come slowly wait no longer for others


@dataclass
class RunningComparison:
    """A running comparison: its tree, the number of files seen and known."""

    folder: Folder
    tree: bytes
    known: int = 0
    seen: int = 0
    asking: bool = True  # the file system, which is abandoned when it stops responding
    begun_at: float = field(default_factory=time.monotonic)
    moved_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Unreadable:
    """Unreadable parts of a folder: the number of directories or links, and one with the reason."""

    count: int
    path: bytes
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"


class Comparer:
    """For any thread; two of them never compare one tree at the same time."""

    def __init__(
        self,
        catalog: Catalog,
        folders: Folders,
        devices: Devices,
        comparison: Comparison,
        on_work: Callable[[], None],
        stopping: Callable[[], bool],
        on_unread: Callable[[bytes, set[bytes]], None] = lambda _tree, _places: None,
    ) -> None:
        """``on_unread``: called with each tree or path, and its places that may become readable
        soon.
        """
        self._catalog, self._folders, self._devices = catalog, folders, devices
        self._comparison, self._on_work, self._stopping = comparison, on_work, stopping
        self._on_unread = on_unread
        self._emptied = Emptied(catalog, comparison, devices)
        self._lock = threading.Lock()
        self._running: list[RunningComparison] = []
        self._unreadable: dict[int, dict[bytes, str]] = {}

    # -- reports -------------------------------------------------------------------------------

    def running(self) -> list[RunningComparison]:
        """Running comparisons of trees."""
        with self._lock:
            return list(self._running)

    def unreadable(self, folder: int) -> Unreadable | None:
        """What could not be read in this folder's last comparison."""
        with self._lock:
            found = self._unreadable.get(folder)
            if not found:
                return None
            path = min(found)
            return Unreadable(len(found), path, found[path])

    # -- trees ---------------------------------------------------------------------------------

    def tree(self, folder: Folder, tree: bytes) -> None:
        """Compare everything below ``tree`` on its own file system; raises NotAnswering.

        Nothing is marked as deleted unless the folder is there.
        """
        running = RunningComparison(folder, tree)
        with self._lock:
            self._running.append(running)
        try:
            if self.present(folder):
                self._tree(running)
        except NotAnswering as error:
            self._note_unreadable(folder, tree, {tree: error.strerror or str(error)})
            raise
        finally:
            with self._lock:
                self._running.remove(running)

    def _tree(self, running: RunningComparison) -> None:
        folder, tree = running.folder, running.tree
        others = tuple(self._devices.mounts_below(tree))
        below = tuple(point + b"/" for point in others)
        paths = after_queries(self._catalog.paths_below(tree))
        unseen = Unseen(path for path in paths if not path.startswith(below))
        running.known = len(unseen)
        unreadable: dict[bytes, str] = {}
        passing: set[bytes] = set()
        found = self._found(folder, tree, others, unreadable, passing)
        for batch in _batches(after_queries(found)):
            running.moved_at, running.asking = time.monotonic(), False
            with self._catalog.batch():
                if not self._folders.watched(folder):
                    return
                rows = self._catalog.rows([entry.path for entry in batch])
                for entry in after_queries(batch):
                    self._comparison.compare(folder, entry, rows.get(entry.path))
            unseen.saw(entry.path for entry in batch)
            running.seen += len(batch)
            running.moved_at, running.asking = time.monotonic(), True
            self._on_work()
            if self._stopping():
                return
        self._note_unreadable(folder, tree, unreadable)
        self._on_unread(tree, passing)
        absent = (photo for photo in self._absent(tree, unseen) if photo.path not in unreadable)
        self._forget(folder, absent, tuple(unreadable))

    def _absent(self, tree: bytes, unseen: Unseen) -> Iterator[Photo]:
        """The rows of what was known before and is not there now."""
        itself = self._catalog.get(tree)
        if itself is not None and itself.state != "gone":
            yield itself  # a photo had this name, and now a directory has it
        if paths := unseen.rest():
            yield from (photo for photo in self._catalog.below(tree) if hash(photo.path) in paths)

    def _found(
        self,
        folder: Folder,
        tree: bytes,
        others: Sequence[bytes],
        unreadable: dict[bytes, str],
        passing: set[bytes],
    ) -> Iterator[Entry]:
        """Files on disk, with links followed."""
        arguments = (*folder.recipe, tree, others)
        for kind, *fields in self._devices.call(tree, "tree", *arguments, long=True):
            if kind == ENTRY:
                yield Entry(*fields)
            elif kind == LINK:
                try:
                    entry = self._devices.entry(fields[0])
                except OSError as error:
                    unreadable[fields[0]] = error.strerror or str(error)
                    if error.errno in MAY_PASS:
                        passing.add(fields[0])
                    continue
                if entry is not None:
                    yield entry._replace(sidecar=fields[1])
            else:
                unreadable[fields[0]] = why_unknown(fields[0], fields[1])
                if fields[1] in MAY_PASS:
                    passing.add(unknown_below(fields[0]).rstrip(b"/"))

    def _note_unreadable(self, folder: Folder, tree: bytes, found: dict[bytes, str]) -> None:
        """Record what could not be read; new places are logged once."""
        inside = tree.rstrip(b"/") + b"/"
        with self._lock:
            before = self._unreadable.get(folder.id, {})
            kept = {p: why for p, why in before.items() if p != tree and not p.startswith(inside)}
            self._unreadable[folder.id] = {**kept, **found}
        if fresh := sorted(found.keys() - before.keys()):
            log.warning(
                "folder_unreadable_in_part",
                folder=printable(folder.path),
                places=len(fresh),
                path=printable(fresh[0]),
                cause=found[fresh[0]],
                remedy="make them readable, or exclude them in .photosdignore; "
                "correct or delete an ignore file that cannot be read",
            )

    # -- single paths --------------------------------------------------------------------------

    def paths(self, paths: Iterable[bytes]) -> None:
        """Compare single paths, all on one file system; raises NotAnswering."""
        by_folder: dict[int, tuple[Folder, list[bytes]]] = {}
        folders = self._folders.all()
        for path in dict.fromkeys(self._of_sidecars(paths)):
            folder = next((folder for folder in folders if folder.contains(path)), None)
            if folder is not None:
                by_folder.setdefault(folder.id, (folder, []))[1].append(path)
        for folder, some in by_folder.values():
            if is_emptied(folder):  # single photos wait until the folder has been identified
                self.tree(folder, folder.path)
            else:
                self._paths(folder, some)
        self._on_work()

    def _paths(self, folder: Folder, paths: Sequence[bytes]) -> None:
        found: list[Entry] = []
        missing: list[Photo] = []
        for path in paths:
            try:
                entry = self._at(folder, path)
            except NotAnswering:
                raise
            except OSError as error:
                log.warning("photo_unreadable", path=path, cause=error.strerror)
                self._on_unread(path, {path} if error.errno in MAY_PASS else set())
                continue
            if entry is not None:
                found.append(entry)
            elif (photo := self._catalog.get(path)) is not None:
                missing.append(photo)
        with self._catalog.batch():
            if self._folders.watched(folder):
                for entry in found:
                    known = self._catalog.get(entry.path)
                    self._comparison.compare(folder, entry, known, hinted=True)
        self._forget(folder, missing, ())

    def _at(self, folder: Folder, path: bytes) -> Entry | None:
        arguments = (*folder.recipe, path)
        for kind, *fields in list(self._devices.call(path, "one", *arguments)):
            if kind == ENTRY:
                return Entry(*fields)
            entry = self._devices.entry(path)
            return None if entry is None else entry._replace(sidecar=fields[1])
        return None

    def _of_sidecars(self, paths: Iterable[bytes]) -> Iterator[bytes]:
        """The same paths, with those of photos in place of a sidecar."""
        for path in paths:
            if is_sidecar_name(path):
                yield from self._catalog.beside(path)
            else:
                yield path

    # -- both ----------------------------------------------------------------------------------

    def _forget(
        self, folder: Folder, absent: Iterable[Photo], unreadable: tuple[bytes, ...]
    ) -> None:
        """Mark absent photos as deleted, if the folder is still there."""
        gone = [
            photo.path
            for photo in after_queries(absent)
            if not self._comparison.away(folder, photo, unreadable, self._devices)
        ]
        # The disk may have been unmounted meanwhile: check again before marking files as deleted.
        if not gone or not self.present(folder):
            return
        if (reason := self._emptied.emptied(folder)) is not None:
            self._set_offline(folder, reason)
            return
        with self._catalog.batch():
            if not self._folders.watched(folder):
                return
            self._catalog.forget(gone)
        self._on_work()
        log.info("photos_gone", folder=printable(folder.path), photos=len(gone))

    def present(self, folder: Folder) -> bool:
        """Probe the folder, record the result, and return whether its photos can be judged."""
        probe = probe_folder(folder.path, folder.identity, look=self._devices.look)
        if probe.state == "offline" and self._comparison.recognised(folder, self._devices):
            probe = probe_folder(folder.path, None, look=self._devices.look)
        if (probe.reason or "").startswith(NOT_ANSWERING):
            raise NotAnswering(folder.path)
        if probe.state in PRESENT and (reason := self._emptied.refuse(folder, probe)):
            self._set_offline(folder, reason)
            return False
        self._folders.update(folder, probe)
        return probe.state in PRESENT

    def _set_offline(self, folder: Folder, reason: str) -> None:
        mount = self._devices.of(folder.path).mount
        self._folders.update(folder, away(mount, reason, remedy(folder)))


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    begun_at, size = time.monotonic(), min(FIRST_BATCH, BATCH)
    for entry in entries:
        batch.append(entry)
        if len(batch) == size or time.monotonic() - begun_at > BATCH_SECONDS:
            yield batch
            batch, begun_at, size = [], time.monotonic(), min(2 * size, BATCH)
    if batch:
        yield batch
