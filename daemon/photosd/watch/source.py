"""Interfaces between the watcher and a platform's change notification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from photosd.watch.hints import HintBatch
from photosd.watch.ignore import IgnoreRules

# Passes work to the watcher's own thread, from any thread; never raises, never blocks.
Receive = Callable[[Callable[[], None]], None]


class OutOfWatches(Exception):
    """A folder has more directories than may be watched; the message has the numbers."""


class Listener(Protocol):
    """The watcher as seen by a source; called on the watcher's own thread only."""

    @property
    def batch(self) -> HintBatch:
        """Receives the hints of a source."""

    def heard(self, name: bytes) -> None:
        """A file called ``name`` changed in the probe directory."""

    def lost(self) -> None:
        """Events were lost: everything must be scanned."""

    def check_soon(self) -> None:
        """A root or mount has changed: check all of them now."""

    def unmounted(self, directory: bytes) -> None:
        """The file system of ``directory`` was unmounted."""

    def too_many(self, root: bytes, error: OutOfWatches) -> None:
        """``root`` can no longer be watched completely."""


class Source(Protocol):
    """A platform's watch on directory trees: used from one thread, opened and closed once."""

    def open(self, probe_directory: bytes) -> None:
        """Start; raises OSError if the platform refuses."""

    def close(self) -> None:
        """Stop, within a bounded time."""

    def alive(self) -> bool:
        """Whether its threads still run."""

    def complete(self) -> bool:
        """Whether the kernel has the expected watches; takes milliseconds."""

    def watch(self, ignore: IgnoreRules, prune: frozenset[bytes]) -> None:
        """Watch ``ignore.root`` from scratch, without entering the directories in ``prune``.

        Raises OutOfWatches, or OSError if the root itself cannot be watched.
        """

    def unwatch(self, root: bytes) -> None:
        """Stop watching ``root``; no effect if it was not watched."""

    def renew(self, root: bytes, top: bytes) -> None:
        """Watch the directory at ``top``, below ``root``, now on another file system."""

    def was_replaced(self, path: bytes) -> bool:
        """Whether ``path`` is watched, but the watch is for another directory than the
        current one.
        """

    def look_again(self) -> None:
        """Retry directories that could not be watched."""

    def watches(self, root: bytes) -> int:
        """How many watches ``root`` has; 0: it is not watched."""
