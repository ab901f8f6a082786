"""macOS: one FSEvents stream per folder, by the library watchdog; its reading of flags is not used.

It ignores those for dropped events and for mounts, ends its thread when a watched folder is
renamed, and looks at each changed file on the disk.
"""

# Paths are bytes, because they need not be text; pathlib knows only text.

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Callable, Sequence
from enum import IntFlag
from functools import partial

import structlog
from watchdog.observers.api import EventQueue, ObservedWatch
from watchdog.observers.fsevents import FSEventsEmitter

from photosd.core.formats import is_photo_name
from photosd.core.log import printable
from photosd.core.sidecar_names import is_sidecar_name
from photosd.watch.ignore import MARKS, IgnoreRules
from photosd.watch.source import Listener, Receive
from photosd.watch.spelling import respelled, spellings

log = structlog.get_logger()

STOP_SECONDS = 5.0


class Flag(IntFlag):
    """Flags of an event (FSEvents.h)."""

    MUST_SCAN = 0x1
    USER_DROPPED = 0x2
    KERNEL_DROPPED = 0x4
    IDS_WRAPPED = 0x8
    HISTORY_DONE = 0x10
    ROOT_CHANGED = 0x20
    MOUNT = 0x40
    UNMOUNT = 0x80
    CREATED = 0x100
    REMOVED = 0x200
    STAT = 0x400
    RENAMED = 0x800
    OWNER = 0x4000
    FILE = 0x10000
    LINK = 0x40000


LOST = Flag.MUST_SCAN | Flag.USER_DROPPED | Flag.KERNEL_DROPPED
MOUNTED = Flag.MOUNT | Flag.UNMOUNT
NOTHING = Flag.IDS_WRAPPED | Flag.HISTORY_DONE
# Flags of a directory; programs that mark it cause others. No flag: something in it has changed.
TREE = Flag.CREATED | Flag.REMOVED | Flag.RENAMED | Flag.STAT | Flag.OWNER
ITEM = Flag.FILE | Flag.LINK


class Stream(FSEventsEmitter):
    """The thread of one stream."""

    def __init__(self, path: bytes, receive: Callable[[bytes, int], None]) -> None:
        """``receive(path, flags)`` is called on this thread. Raises OSError if FSEvents refuses."""
        self._pass_on = receive
        name = unicodedata.normalize("NFC", os.fsdecode(path))  # as FSEvents wants it
        try:
            super().__init__(EventQueue(), ObservedWatch(name, recursive=True))
            self.start()
        except (RuntimeError, SystemError, ValueError) as error:
            raise OSError(errno.EIO, str(error), path) from error

    def events_callback(
        self, paths: Sequence[str | bytes], inodes: object, flags: Sequence[int], ids: object
    ) -> None:
        """Called by the library."""
        for path, mask in zip(paths, flags, strict=True):
            self._pass_on(os.fsencode(path), mask)

    def end(self) -> None:
        """Stop, within a bounded time."""
        if self.is_alive():
            self.stop()
            self.join(STOP_SECONDS)


class FSEventsSource:
    """A `Source` of FSEvents, which are delivered by path and need no watch per directory.

    Several changes may be merged into one event, and old ones be repeated, so an event says where
    to look and not what happened. FSEvents reports that it has dropped events; it may name a path
    by another spelling.
    """

    def __init__(self, receive: Receive, listener: Listener) -> None:
        self._receive, self._listener = receive, listener
        self._streams: dict[bytes, Stream] = {}
        self._replaced: set[bytes] = set()
        self._closed = False

    def open(self, probe_directory: bytes) -> None:
        """Start with only the probe directory; raises OSError if FSEvents refuses."""
        self._start(probe_directory, None)

    def close(self) -> None:
        """Stop every stream."""
        self._closed = True
        for path in list(self._streams):
            self.unwatch(path)

    def alive(self) -> bool:
        """Whether all streams run."""
        return bool(self._streams) and all(one.is_alive() for one in self._streams.values())

    def complete(self) -> bool:
        """Nothing to count."""
        return True

    def look_again(self) -> None:
        """Nothing is listed here."""

    def watch(self, ignore: IgnoreRules, prune: frozenset[bytes]) -> None:
        """Watch the root; raises OSError if FSEvents refuses.

        FSEvents cannot exclude subfolders: events of those in ``prune`` are delivered, too.
        """
        self.unwatch(ignore.root)
        self._start(ignore.root, ignore)

    def _start(self, path: bytes, ignore: IgnoreRules | None) -> None:
        def receive(changed: bytes, flags: int) -> None:
            self._receive(partial(self.digest, changed, flags, ignore))

        self._streams[path] = Stream(path, receive)

    def unwatch(self, root: bytes) -> None:
        """Stop watching the root."""
        self._replaced.discard(root)
        if (stream := self._streams.pop(root, None)) is not None:
            stream.end()

    def renew(self, root: bytes, top: bytes) -> None:
        """Only scan: the stream is by path."""
        self._listener.batch.subtree(top)

    def was_replaced(self, path: bytes) -> bool:
        """Whether the folder was reported as renamed or replaced since it was watched."""
        return path in self._replaced

    def watches(self, root: bytes) -> int:
        """A stream for each folder."""
        return int(root in self._streams)

    def digest(self, reported: bytes, flags: int, ignore: IgnoreRules | None) -> None:
        """Turn one event into hints; on the watcher's thread.

        ``reported``: an absolute path as FSEvents spells it. ``flags``: of `Flag`. ``ignore``: the
        rules of the folder that the stream is for; None for the probe directory.
        """
        if self._closed:
            return
        if ignore is None:
            self._listener.heard(reported.rpartition(b"/")[2])
            return
        path = respelled(ignore.root, reported)
        if flags & Flag.ROOT_CHANGED:
            self._replaced.add(ignore.root)
            self._listener.check_soon()
        elif flags & LOST or path is None:
            self._lost(path, ignore.root)
        elif flags & MOUNTED:
            self._listener.unmounted(path)
        elif path == ignore.root:
            if not flags:
                self._listener.batch.overflow(path)
            self._listener.check_soon()
        elif flags & (ITEM | TREE) or not flags:
            for spelling in spellings(ignore.root, path):
                self._changed(spelling, not flags & ITEM, ignore)

    def _lost(self, path: bytes | None, root: bytes) -> None:
        """Events at ``path`` (None: at the root or above) or below were dropped."""
        remedy = "no action needed: the folder is compared again"
        log.warning("watch_events_lost", folder=printable(path or root), remedy=remedy)
        if path in (None, root):
            self._listener.batch.overflow(root)
        else:
            self._listener.batch.subtree(path)

    def _changed(self, path: bytes, is_directory: bool, ignore: IgnoreRules) -> None:
        directory, _, name = path.rpartition(b"/")
        if name in MARKS:
            self._listener.batch.subtree(directory)
        elif not (is_directory or is_photo_name(name) or is_sidecar_name(name)):
            return
        elif not _ignored(ignore, path, is_directory):
            if is_directory:
                self._listener.batch.subtree(path)
            else:
                self._listener.batch.path(path)


def _ignored(ignore: IgnoreRules, path: bytes, is_directory: bool) -> bool:
    try:
        return ignore.ignored(path, is_directory)
    except OSError:  # an unreadable ignore file: the comparison reports it
        return False
