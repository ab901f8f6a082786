"""Linux: one inotify watch per directory that is not ignored, kept correct through renames."""

from __future__ import annotations

import errno
import os
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, Mask, WatchDescriptor

from photosd.core.formats import is_photo_name
from photosd.core.sidecar_names import is_sidecar_name
from photosd.watch.ignore import MARKS, IgnoreRules, Level
from photosd.watch.inotify_reader import DIRECTORY_MASK, ROOT_MASK, InotifyReader
from photosd.watch.source import Listener, OutOfWatches, Receive
from photosd.watch.walk import TRANSIENT, unknown_below, walk
from photosd.watch.watch_limits import watch_budget

FULL = frozenset((errno.ENOSPC, errno.ENOMEM))
DENIED = frozenset((errno.EACCES, errno.EPERM))
PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds, before retrying an unlistable directory

ARRIVED = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
SELF = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF


@dataclass(slots=True, eq=False)
class Watched:
    """A watched directory; ``level`` is None while it is ignored."""

    path: bytes
    descriptor: WatchDescriptor
    ignore: IgnoreRules | None  # None: the probe directory
    level: Level | None = None


@dataclass(frozen=True)
class Unlisted:
    """A directory that could not be watched or listed; it is retried with all below it."""

    ignore: IgnoreRules
    due_at: float
    pause: float


class InotifySource:
    """A `Source` of inotify events.

    Correctness: a new directory (created or moved) is walked, each directory on the way watched
    before it is listed, and only then reported as a hint; one that leaves is dropped with
    everything below. So in any order of kernel events, the last arrival of a directory leaves it
    watched under its current path, and a scan after the hint finds the rest. One inode with two
    paths (bind mounts) reports for both.
    """

    def __init__(self, receive: Receive, listener: Listener) -> None:
        self._receive, self._listener = receive, listener
        self._reader: InotifyReader | None = None
        self._budget = 0
        self._by_path: dict[bytes, Watched] = {}
        self._by_descriptor: dict[WatchDescriptor, list[Watched]] = {}
        self._counts: Counter[bytes] = Counter()
        self._denied: set[bytes] = set()
        self._prune: dict[bytes, frozenset[bytes]] = {}
        self._unlisted: dict[bytes, Unlisted] = {}

    def open(self, probe_directory: bytes) -> None:
        """Start an inotify instance that watches only the probe directory."""
        reader = InotifyReader(lambda event: self._receive(partial(self._digest, event)))
        reader.name = "watch-reader"
        self._reader = reader
        reader.start()
        self._enter(Watched(probe_directory, reader.watch(probe_directory, ROOT_MASK), None))

    def close(self) -> None:
        """Close the instance with all watches; pending events are dropped."""
        if self._reader is not None:
            self._reader.retire()
        self._reader = None

    def alive(self) -> bool:
        """Whether the reader runs."""
        return self._reader is not None and self._reader.is_alive()

    def complete(self) -> bool:
        """Whether the kernel has as many watches as expected."""
        return self._reader is not None and self._reader.held() == len(self._by_descriptor)

    def watch(self, ignore: IgnoreRules, prune: frozenset[bytes]) -> None:
        """Watch the root and everything below it that is not ignored."""
        self._budget = watch_budget()
        self.unwatch(ignore.root)
        self._prune[ignore.root] = prune
        self._watch_tree(ignore, ignore.root)
        if not self._counts[ignore.root]:
            raise PermissionError(errno.EACCES, "it cannot be watched", ignore.root)

    def unwatch(self, root: bytes) -> None:
        """Drop every watch of the root."""
        self._drop_tree(root, root)

    def renew(self, root: bytes, top: bytes) -> None:
        """Watch the directory now at ``top``."""
        watched = self._by_path.get(root)
        if watched is not None and watched.ignore is not None:
            self._drop_tree(root, top)
            self._arrive(watched.ignore, top)

    def was_replaced(self, path: bytes) -> bool:
        """Whether the watch of this path is for another directory than the current one."""
        watched = self._by_path.get(path)
        if watched is None or watched.ignore is None or self._reader is None:
            return False
        try:
            present = self._reader.watch(path, _mask(path, watched.ignore))
        except OSError:
            return True
        if present not in self._by_descriptor:
            self._reader.unwatch(present)
        return present != watched.descriptor

    def look_again(self) -> None:
        """Watch directories that could not be listed, if that may work now."""
        now = time.monotonic()
        for directory, unlisted in list(self._unlisted.items()):
            if now >= unlisted.due_at:
                self._arrive(unlisted.ignore, directory)

    def watches(self, root: bytes) -> int:
        """Directories watched for the root."""
        return self._counts[root]

    def directories(self) -> set[bytes]:
        """Every directory that is watched for a root. For the thread of the watcher."""
        return {path for path, watched in self._by_path.items() if watched.ignore is not None}

    def _digest(self, event: InotifyEvent) -> None:
        """Turn one kernel event into watches and hints."""
        if self._reader is None:  # closed: its numbers are no longer valid
            return
        if event.is_queue_overflow:
            self._listener.lost()
            return
        if event.mask & SELF:
            self._listener.check_soon()
        # A copy: processing adds and drops watches.
        for watched in list(self._by_descriptor.get(event.wd, ())):
            if event.mask & InotifyConstants.IN_UNMOUNT:
                self._listener.unmounted(watched.path)
            elif event.is_ignored:
                self._forget(watched)
            elif watched.ignore is None:
                self._listener.heard(event.name)
            elif event.name:
                self._changed(watched, watched.ignore, event)

    def _changed(self, directory: Watched, ignore: IgnoreRules, event: InotifyEvent) -> None:
        """Something called ``event.name`` in a watched directory changed."""
        name, level = event.name, directory.level
        if name in MARKS:
            if not event.is_modify:  # a close event follows; a walk per write is too much
                self.renew(ignore.root, directory.path)
            return
        is_directory = bool(event.mask & InotifyConstants.IN_ISDIR)
        if level is None or level.hides(name, is_directory):
            return
        path = level.prefix + name
        if is_directory:
            self._directory_changed(path, ignore, event)
        elif is_photo_name(name) or is_sidecar_name(name):
            self._listener.batch.path(path)

    def _directory_changed(self, path: bytes, ignore: IgnoreRules, event: InotifyEvent) -> None:
        """A sub-directory came, went or changed permissions."""
        if event.mask & ARRIVED:
            self._arrive(ignore, path)
        elif event.is_delete:
            if path in self._by_path:  # empty by now, so nothing to drop below it
                self._forget(self._by_path[path], unwatch=True)
            self._listener.batch.subtree(path)
        elif event.is_moved_from:
            self._drop_tree(ignore.root, path)
            self._listener.batch.subtree(path)
        elif path in self._denied:
            self._arrive(ignore, path)
        elif not os.access(path, os.X_OK):
            self._denied.add(path)  # it was accessible; when it is again, it is scanned

    def _arrive(self, ignore: IgnoreRules, top: bytes) -> None:
        """Watch a new directory, then report it for a scan."""
        try:
            self._watch_tree(ignore, top)
        except OutOfWatches as error:
            self._listener.too_many(ignore.root, error)
        self._listener.batch.subtree(top)

    def _watch_tree(self, ignore: IgnoreRules, top: bytes) -> None:
        """Watch every directory from ``top`` down; raises OutOfWatches."""

        def watch(path: bytes, _level: Level) -> None:
            try:
                self._watch_directory(path, ignore)
            except OSError as error:
                unknown(path, error.errno or errno.EIO)

        def unknown(path: bytes, number: int) -> None:
            if number in TRANSIENT:
                directory = unknown_below(path).rstrip(b"/")
                pause = min(2 * before.pause, LONGEST_PAUSE) if before else PAUSE
                self._unlisted[directory] = Unlisted(ignore, time.monotonic() + pause, pause)

        before = self._unlisted.pop(top, None)
        prune = self._prune.get(ignore.root, frozenset())
        for directory, level, _ in walk(
            ignore, top, on_directory=watch, on_error=unknown, prune=prune
        ):
            if directory in self._by_path:
                self._by_path[directory].level = level

    def _watch_directory(self, path: bytes, ignore: IgnoreRules) -> None:
        """Raises OutOfWatches, and OSError for an error that may end."""
        if self._reader is None:
            return
        if len(self._by_descriptor) >= self._budget and path not in self._by_path:
            raise OutOfWatches(
                f"it has more than the {self._budget} directories that photosd may watch"
            )
        self._denied.discard(path)
        if not os.access(path, os.X_OK):  # its content can only be listed
            self._denied.add(path)
        try:
            descriptor = self._reader.watch(path, _mask(path, ignore))
        except OSError as error:
            if error.errno in FULL:
                raise OutOfWatches(
                    f"the kernel refused after {len(self._by_descriptor)} directories"
                ) from error
            if error.errno in DENIED:
                self._denied.add(path)
            if error.errno in TRANSIENT:
                raise
            return  # deleted again, or a link by now
        self._enter(Watched(path, descriptor, ignore))

    def _enter(self, watched: Watched) -> None:
        """Put a watch into both tables, replacing the one of its path."""
        former = self._by_path.get(watched.path)
        if former is not None:
            self._forget(former, unwatch=former.descriptor != watched.descriptor)
        self._by_path[watched.path] = watched
        self._by_descriptor.setdefault(watched.descriptor, []).append(watched)
        if watched.ignore is not None:
            self._counts[watched.ignore.root] += 1

    def _drop_tree(self, root: bytes, top: bytes) -> None:
        """Drop the watches that ``root`` has at and below ``top``."""
        inside = top.rstrip(b"/") + b"/"
        for path, watched in list(self._by_path.items()):
            if (
                (path == top or path.startswith(inside))
                and watched.ignore is not None
                and watched.ignore.root == root
            ):
                self._forget(watched, unwatch=True)
        self._denied = {path for path in self._denied if not path.startswith(inside)} - {top}
        for path in [one for one in self._unlisted if one == top or one.startswith(inside)]:
            if self._unlisted[path].ignore.root == root:
                del self._unlisted[path]

    def _forget(self, watched: Watched, *, unwatch: bool = False) -> None:
        """Remove a watch from the tables, and with ``unwatch`` from the kernel."""
        if self._by_path.get(watched.path) is not watched:
            return
        del self._by_path[watched.path]
        if watched.ignore is not None:
            self._counts[watched.ignore.root] -= 1
        others = self._by_descriptor[watched.descriptor]
        others.remove(watched)
        if not others:
            del self._by_descriptor[watched.descriptor]
            if unwatch and self._reader is not None:
                self._reader.unwatch(watched.descriptor)


def _mask(path: bytes, ignore: IgnoreRules) -> Mask:
    return ROOT_MASK if path == ignore.root else DIRECTORY_MASK
