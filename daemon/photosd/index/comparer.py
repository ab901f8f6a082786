"""Compares a tree or single paths with the catalog, on a thread per file system.

Every file-system call uses `Filesystems` and is made before a transaction of the catalog starts,
never inside one. A folder may be removed meanwhile: nothing is written for a folder that is no
longer watched.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from photosd.core.log import printable
from photosd.core.query_priority import after_queries, wait_for_queries
from photosd.core.sidecar_names import is_sidecar_name
from photosd.index.catalog import Catalog
from photosd.index.comparison import Comparison, Emptied, has_changed, is_emptied, remedy
from photosd.index.folders import PRESENT, Folder, Folders, innermost
from photosd.index.photo import Photo
from photosd.index.unseen import Unseen
from photosd.watch.filesystem import NotAnswering
from photosd.watch.filesystem_calls import ENTRY, LIBRARY, LINK
from photosd.watch.filesystems import Filesystems
from photosd.watch.folder_state import (
    NOT_ANSWERING,
    away,
    probe_folder,
    silence_remedy,
    why_silent,
)
from photosd.watch.scanner import Entry
from photosd.watch.sidecar_stamps import with_targets
from photosd.watch.walk import TRANSIENT, remedy_for, unknown_below, why_unknown

log = structlog.get_logger()

BATCH = 1000  # comparisons in one transaction
FIRST_BATCH = 16  # of a tree: its first photos do not wait; each next batch is twice that
MAX_AWAITED = 10_000  # broken links that are remembered
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


class Why(NamedTuple):
    """Why a place cannot be read, and the remedy."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class UnreadableParts:
    """Unreadable parts of a folder: the number of directories or links, and one with the reason."""

    count: int
    path: bytes
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"


class Comparer:
    """Compares trees and paths. Any thread may use it; no two may compare one tree at once."""

    def __init__(
        self,
        catalog: Catalog,
        folders: Folders,
        filesystems: Filesystems,
        comparison: Comparison,
        on_work: Callable[[], None],
        stopping: Callable[[], bool],
        on_unread: Callable[[bytes, set[bytes]], None] = lambda _tree, _places: None,
        on_links: Callable[[list[bytes]], None] = lambda _paths: None,
    ) -> None:
        """``on_unread``: called with each tree or path, and its places that may become readable
        soon. ``on_links``: with other paths of files that have changed; these have no events.
        """
        self._catalog, self._folders, self._filesystems = catalog, folders, filesystems
        self._comparison, self._on_work, self._stopping = comparison, on_work, stopping
        self._on_unread, self._on_links = on_unread, on_links
        self._emptied = Emptied(catalog, comparison, filesystems)
        self._lock = threading.Lock()
        self._running: list[RunningComparison] = []
        self._unreadable: dict[int, dict[bytes, Why]] = {}
        self._libraries: dict[int, set[bytes]] = {}
        self._awaited: dict[bytes, bytes] = {}  # broken link -> its missing target

    # -- reports -------------------------------------------------------------------------------

    def running(self) -> list[RunningComparison]:
        """Running comparisons of trees."""
        with self._lock:
            return list(self._running)

    def unreadable(self, folder: int) -> UnreadableParts | None:
        """What could not be read in this folder's last comparison."""
        with self._lock:
            found = self._unreadable.get(folder)
            if not found:
                return None
            path = min(found)
            return UnreadableParts(len(found), path, *found[path])

    def libraries(self, folder: int) -> list[bytes]:
        """The photo libraries that were skipped in this folder's last comparison."""
        with self._lock:
            return sorted(self._libraries.get(folder, ()))

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
            mount = self._filesystems.of(error.filename or tree).mount
            why = Why(why_silent(mount), silence_remedy(tree, mount))
            self._note(folder, tree, {tree: why}, None)
            if not self._leads_elsewhere(tree, error):
                raise
            self._on_unread(tree, {tree})  # the folder's root is on another disk
        finally:
            with self._lock:
                self._running.remove(running)

    def _tree(self, running: RunningComparison) -> None:
        folder, tree = running.folder, running.tree
        others = tuple(self._filesystems.mounts_below(tree))
        below = tuple(point + b"/" for point in others)
        apart = (*below, *(root + b"/" for root in folder.scan_arguments[2] if root != folder.path))
        paths = after_queries(self._catalog.paths_below(tree, folder.id))
        unseen = Unseen(path for path in paths if not path.startswith(below))
        running.known = len(unseen)
        unreadable: dict[bytes, Why] = {}
        transient: set[bytes] = set()
        libraries: set[bytes] = set()
        found = self._found(folder, tree, others, unreadable, transient, libraries)
        for batch in _batches(after_queries(found)):
            running.moved_at, running.asking = time.monotonic(), False
            wait_for_queries()  # not within the transaction: they may want to write
            with self._catalog.batch():
                if not self._folders.watched(folder):
                    return
                rows = self._catalog.rows([entry.path for entry in batch])
                for entry in batch:
                    self._comparison.compare(folder, entry, rows.get(entry.path))
            self._look_at_links(batch, rows, lambda path: is_below(path, tree, apart))
            unseen.mark_seen(entry.path for entry in batch)
            running.seen += len(batch)
            running.moved_at, running.asking = time.monotonic(), True
            self._on_work()
            if self._stopping():
                return
        self._note(folder, tree, unreadable, libraries, others)
        self._on_unread(tree, transient)
        absent = (
            photo for photo in self._absent(folder, tree, unseen) if photo.path not in unreadable
        )
        self._forget(folder, absent, tuple(unreadable))

    def _absent(self, folder: Folder, tree: bytes, unseen: Unseen) -> Iterator[Photo]:
        """The rows of what was known before and is not there now."""
        itself = self._catalog.get(tree)
        if itself is not None and itself.state != "gone":
            yield itself  # a photo had this name, and now a directory has it
        if paths := unseen.rest():
            rows = (row for row in self._catalog.below(tree) if row.folder == folder.id)
            yield from (photo for photo in rows if hash(photo.path) in paths)

    def _found(
        self,
        folder: Folder,
        tree: bytes,
        others: Sequence[bytes],
        unreadable: dict[bytes, Why],
        transient: set[bytes],
        libraries: set[bytes],
    ) -> Iterator[Entry]:
        """Files on disk, with links followed."""
        known: dict[bytes, bytes] = {}
        arguments = (*folder.scan_arguments, tree, others)
        for kind, *fields in self._filesystems.call(tree, "tree", *arguments, long=True):
            if kind == ENTRY:
                yield self._followed(Entry(*fields))
            elif kind == LINK:
                try:
                    entry = self._led_to(known, *fields)
                except OSError as error:
                    number = error.errno or errno.EIO
                    unreadable[fields[0]] = Why(
                        error.strerror or str(error), remedy_for(fields[0], number)
                    )
                    if error.errno in TRANSIENT:
                        transient.add(fields[0])
                    continue
                if entry is not None:
                    yield self._followed(entry)
            elif kind == LIBRARY:
                libraries.add(fields[0])
            else:
                unreadable[fields[0]] = Why(why_unknown(*fields), remedy_for(*fields))
                if fields[1] in TRANSIENT:
                    transient.add(unknown_below(fields[0]).rstrip(b"/"))

    def _note(
        self,
        folder: Folder,
        tree: bytes,
        found: dict[bytes, Why],
        libraries: set[bytes] | None,
        others: Sequence[bytes] = (),
    ) -> None:
        """Record what could not be read, and what was skipped (None: unknown), below ``tree`` but
        not below ``others``; new places are logged once.
        """
        inside, apart = tree.rstrip(b"/") + b"/", tuple(point + b"/" for point in others)

        def stays(path: bytes) -> bool:
            return not (path + b"/").startswith(inside) or (path + b"/").startswith(apart)

        with self._lock:
            before = self._unreadable.get(folder.id, {})
            kept = {path: why for path, why in before.items() if stays(path)}
            self._unreadable[folder.id] = {**kept, **found}
            if libraries is not None:
                skipped = self._libraries.get(folder.id, set())
                self._libraries[folder.id] = {path for path in skipped if stays(path)} | libraries
        if fresh := sorted(found.keys() - before.keys()):
            log.warning(
                "folder_unreadable_in_part",
                folder=printable(folder.path),
                places=len(fresh),
                path=printable(fresh[0]),
                cause=found[fresh[0]].reason,
                remedy=found[fresh[0]].remedy,
            )

    # -- single paths --------------------------------------------------------------------------

    def paths(self, paths: Iterable[bytes]) -> None:
        """Compare single paths, all on one file system; raises NotAnswering."""
        by_folder: dict[int, tuple[Folder, list[bytes]]] = {}
        folders = self._folders.all()
        beside = self._of_sidecars(paths)
        for path in beside:
            folder = innermost(folders, path)
            if folder is not None:
                by_folder.setdefault(folder.id, (folder, []))[1].append(path)
        for folder, some in by_folder.values():
            try:
                if is_emptied(folder):  # single photos wait until the folder has been identified
                    self.tree(folder, folder.path)
                else:
                    self._paths(folder, some, beside)
            except NotAnswering as error:
                if not self._leads_elsewhere(some[0], error):
                    raise
                for path in some:  # the folder's root is on another disk
                    self._on_unread(path, {path})
        self._on_work()

    def _paths(
        self, folder: Folder, paths: Sequence[bytes], beside: Mapping[bytes, Sequence[bytes]]
    ) -> None:
        """``beside``: names of the changed files beside each photo."""
        found: list[Entry] = []
        missing: list[Photo] = []
        asked: set[bytes] = set()
        waiting, known = deque(paths), dict[bytes, bytes]()
        while waiting:
            path = waiting.popleft()
            if path in asked:
                continue
            asked.add(path)
            try:
                entry = self._at(folder, path, beside.get(path, ()), known)
            except OSError as error:
                if isinstance(error, NotAnswering) and not self._leads_elsewhere(path, error):
                    raise
                log.warning("photo_unreadable", path=path, cause=error.strerror)
                self._on_unread(path, {path} if error.errno in TRANSIENT else set())
                continue
            if entry is not None:
                found.append(entry)
                waiting += self._former(folder, entry)
            if entry is None or entry.path != path:
                photo = self._catalog.get(path)
                missing += [photo] if photo is not None and photo.state != "gone" else []
        with self._catalog.batch():
            rows = self._catalog.rows([entry.path for entry in found])
            if self._folders.watched(folder):
                for entry in found:
                    self._comparison.compare(folder, entry, rows.get(entry.path), hinted=True)
        self._look_at_links(found, rows)
        self._forget(folder, missing, ())

    def _former(self, folder: Folder, entry: Entry) -> list[bytes]:
        """The former path of a file that is new at its path; its event may be missing."""
        known = self._catalog.get(entry.path)
        if known is not None and known.state != "gone":
            return []
        same = self._catalog.same_file(entry)
        return [same.path] if same and same.state != "gone" and folder.contains(same.path) else []

    def _at(
        self, folder: Folder, path: bytes, beside: Sequence[bytes], known: dict[bytes, bytes]
    ) -> Entry | None:
        """The photo there, by the path as spelled on disk."""
        arguments = (*folder.scan_arguments, path, beside)
        for kind, *fields in list(self._filesystems.call(path, "one", *arguments)):
            entry = Entry(*fields) if kind == ENTRY else self._led_to(known, *fields)
            return entry and self._followed(entry)
        return None

    def _followed(self, entry: Entry) -> Entry:
        """With the state of what links among its sidecars lead to."""
        states = functools.partial(_state, self._filesystems)
        return entry._replace(sidecar=with_targets(entry.path, entry.sidecar, states))

    def _led_to(self, known: dict[bytes, bytes], link: bytes, sidecar: str) -> Entry | None:
        """The photo that a link leads to; if there is none, the link is remembered."""
        entry = self._filesystems.entry(link, known)
        with self._lock:
            self._awaited.pop(link, None)
        if entry is not None:
            return entry._replace(sidecar=sidecar)
        with contextlib.suppress(OSError):
            target = self._filesystems.follow(link, known)
            with self._lock:
                if len(self._awaited) < MAX_AWAITED:
                    self._awaited[link] = target
        return None

    def _leads_elsewhere(self, path: bytes, error: NotAnswering) -> bool:
        """Whether another file system than that of ``path`` is silent: that of a link's target."""
        silent = error.filename or path
        return self._filesystems.of(silent) is not self._filesystems.of(path)

    def _of_sidecars(self, paths: Iterable[bytes]) -> dict[bytes, list[bytes]]:
        """The paths, photos in place of sidecars; with each the names of its changed sidecars."""
        found: dict[bytes, list[bytes]] = {}
        for path in paths:
            if is_sidecar_name(path):
                for photo in self._catalog.beside(path):
                    found.setdefault(photo, []).append(path.rpartition(b"/")[2])
            else:
                found.setdefault(path, [])
        return found

    # -- both ----------------------------------------------------------------------------------

    def _look_at_links(
        self,
        found: Sequence[Entry],
        before: Mapping[bytes, Photo],
        compared: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """Report other paths of new and changed files, without those that are ``compared`` now.

        ``before``: the former rows of the files. A new file may have the inode number of a deleted
        one.
        """
        changed = [
            one
            for one in after_queries(found)
            if has_changed(one, before.get(one.path)) and self._comparison.keeps_number(one)
        ]
        former = [before[one.path] for one in changed if one.path in before]
        paths = {
            # Links of a photo that was deleted and written again are marked as deleted.
            *self._catalog.outdated_links([*changed, *former]),
            *self._catalog.links(former),
        }
        paths = {path for path in paths if not compared(path)}
        paths.update(self._awaiting({one.path for one in found}))
        if others := paths.difference(one.path for one in found):
            self._on_links(sorted(others))

    def _awaiting(self, paths: set[bytes]) -> list[bytes]:
        """The broken links whose target is one of these; each is returned once."""
        with self._lock:
            found = [link for link, target in self._awaited.items() if target in paths]
            for link in found:
                del self._awaited[link]
            return found

    def _forget(
        self, folder: Folder, absent: Iterable[Photo], unreadable: tuple[bytes, ...]
    ) -> None:
        """Mark absent photos as deleted, if the folder is still there."""
        gone, waiting = list[Photo](), list[bytes]()
        for photo in after_queries(absent):
            if not self._comparison.away(folder, photo, unreadable, self._filesystems):
                gone.append(photo)
            elif photo.state == "pending":
                waiting.append(photo.path)
        if waiting:
            self._catalog.note_away(waiting)
        # The disk may have been unmounted meanwhile: check again before marking files as deleted.
        if not gone or not self.present(folder):
            return
        if (reason := self._emptied.emptied(folder)) is not None:
            self._set_offline(folder, reason)
            return
        with self._catalog.batch():
            if not self._folders.watched(folder):
                return
            self._catalog.forget(photo.path for photo in gone)
        numbered = filter(self._comparison.keeps_number, gone)
        if links := self._catalog.links(numbered):
            self._on_links(links)
        self._on_work()
        log.info("photos_deleted", folder=printable(folder.path), photos=len(gone))

    def present(self, folder: Folder) -> bool:
        """Probe the folder, record the result, and return whether its photos can be judged."""
        look, volume = self._filesystems.look, self._filesystems.volume
        probe = probe_folder(folder.path, folder.identity, look=look, volume=volume)
        if probe.state == "offline" and self._comparison.recognised(folder, self._filesystems):
            probe = probe_folder(folder.path, None, look=look, volume=volume)
        if (probe.reason or "").startswith(NOT_ANSWERING):
            raise NotAnswering(folder.path)
        if probe.state in PRESENT and (reason := self._emptied.refuse(folder, probe)):
            self._set_offline(folder, reason)
            return False
        self._folders.update(folder, probe)
        return probe.state in PRESENT

    def _set_offline(self, folder: Folder, reason: str) -> None:
        mount = self._filesystems.of(folder.path).mount
        self._folders.update(folder, away(mount, reason, remedy(folder)))


def _state(filesystems: Filesystems, path: bytes) -> tuple[int, int] | None:
    """Size and time of the file that a path leads to; None: missing or unknown."""
    with contextlib.suppress(OSError):
        if (found := filesystems.entry(path)) is not None:
            return found.size, found.mtime_ns
    return None


def is_below(path: bytes, tree: bytes, apart: tuple[bytes, ...]) -> bool:
    """Whether a path is in a tree and has none of the prefixes ``apart``."""
    return path.startswith(tree.rstrip(b"/") + b"/") and not path.startswith(apart)


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
