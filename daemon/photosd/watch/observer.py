"""macOS and others: watchdog's own observer, one recursive watch per folder."""

# Paths are bytes, because they need not be text; pathlib knows only text.

from __future__ import annotations

import os
from functools import partial

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from photosd.core.formats import is_photo_name, is_sidecar_name
from photosd.watch.ignore import MARKS, IgnoreRules
from photosd.watch.source import Listener, Receive

STOP_SECONDS = 5.0
# Never opened, closed without writing, or directory modified: our own reading causes those.
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]


class _Handler(FileSystemEventHandler):
    """Passes events on and does nothing else: an exception here would end watchdog's thread."""

    def __init__(self, source: ObserverSource, ignore: IgnoreRules | None) -> None:
        self._source, self._ignore = source, ignore

    def dispatch(self, event: FileSystemEvent) -> None:
        """Pass one event to the watcher's thread."""
        self._source.receive(partial(self._source.digest, event, self._ignore))


class ObserverSource:
    """A `Source` of watchdog events, which are delivered by path.

    FSEvents reports changes anywhere below a folder and needs no watch per directory; it drops
    events under load silently, so regular scans remain necessary.
    """

    def __init__(self, receive: Receive, listener: Listener) -> None:
        self.receive, self._listener = receive, listener
        self._observer: BaseObserver = Observer()
        self._watches: dict[bytes, ObservedWatch] = {}
        self._closed = False

    def open(self, probe_directory: bytes) -> None:
        """Start the observer with only the probe directory."""
        path = os.fsdecode(probe_directory)
        self._observer.schedule(_Handler(self, None), path, event_filter=EVENTS)
        self._observer.start()

    def close(self) -> None:
        """Stop the observer."""
        self._closed = True
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join(STOP_SECONDS)

    def alive(self) -> bool:
        """Whether the observer and all its emitters run."""
        return self._observer.is_alive() and all(e.is_alive() for e in self._observer.emitters)

    def complete(self) -> bool:
        """Nothing to count."""
        return True

    def look_again(self) -> None:
        """Nothing is listed here."""

    def watch(self, ignore: IgnoreRules, prune: frozenset[bytes]) -> None:
        """Watch the root. FSEvents cannot exclude subfolders; their events are ignored."""
        self.unwatch(ignore.root)
        self._watches[ignore.root] = self._observer.schedule(
            _Handler(self, ignore), os.fsdecode(ignore.root), recursive=True, event_filter=EVENTS
        )

    def unwatch(self, root: bytes) -> None:
        """Stop watching the root."""
        # Unscheduled first: scheduling a path again would silently reuse its ended emitter.
        if (watch := self._watches.pop(root, None)) is not None:
            self._observer.unschedule(watch)

    def renew(self, root: bytes, top: bytes) -> None:
        """Only scan: the watch is by path."""
        self._listener.batch.subtree(top)

    def strayed(self, path: bytes) -> bool:
        """The watch is by path, whatever is there."""
        return False

    def watches(self, root: bytes) -> int:
        """One for each folder."""
        return int(root in self._watches)

    def digest(self, event: FileSystemEvent, ignore: IgnoreRules | None) -> None:
        """Turn one event into hints about its one or two paths."""
        if self._closed:
            return
        for given in (event.src_path, event.dest_path):
            if not given:
                continue
            path = os.fsencode(given)
            if ignore is None:
                self._listener.heard(path.rpartition(b"/")[2])
            else:
                self._changed(path, event.is_directory, ignore)

    def _changed(self, path: bytes, is_directory: bool, ignore: IgnoreRules) -> None:
        directory, _, name = path.rpartition(b"/")
        if path == ignore.root:
            self._listener.look_up()
        elif not path.startswith(ignore.root.rstrip(b"/") + b"/"):
            self._listener.batch.subtree(ignore.root)  # reported by another name of the folder
        elif name in MARKS:
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
