"""What the watcher asks of a platform's way to hear of changes, and what it is told in return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from photosd.watch.hints import HintBatch
from photosd.watch.ignore import IgnoreRules

# Hands work to the watcher's own thread, from any thread; never raises, never waits.
Receive = Callable[[Callable[[], None]], None]


class OutOfWatches(Exception):
    """A folder has more directories than may be watched; the message says the numbers."""


class Listener(Protocol):
    """The watcher as a source sees it; called on the watcher's own thread only."""

    @property
    def batch(self) -> HintBatch:
        """Where hints go."""

    def heard(self, name: bytes) -> None:
        """A file called ``name`` changed in the probe directory."""

    def lost(self) -> None:
        """Events were lost: everything must be scanned."""

    def look_up(self) -> None:
        """Some root or mount has changed: check all of them now."""

    def unmounted(self, directory: bytes) -> None:
        """The file system that ``directory`` lay on has gone."""

    def too_many(self, root: bytes, error: OutOfWatches) -> None:
        """``root`` cannot be watched in full any more."""


class Source(Protocol):
    """A platform's watch on directory trees: used from one thread, opened and closed once."""

    def open(self, probe_directory: bytes) -> None:
        """Start hearing; raises OSError when the platform refuses."""

    def close(self) -> None:
        """Stop hearing, within a bounded time."""

    def alive(self) -> bool:
        """Whether its threads still run."""

    def complete(self) -> bool:
        """Whether the kernel agrees about what is watched; costs milliseconds."""

    def watch(self, ignore: IgnoreRules, prune: frozenset[bytes]) -> None:
        """Watch ``ignore.root`` anew, without entering the directories in ``prune``.

        Raises OutOfWatches, or OSError when the root itself cannot be watched.
        """

    def unwatch(self, root: bytes) -> None:
        """Watch ``root`` no longer; fine when it was not."""

    def renew(self, root: bytes, top: bytes) -> None:
        """Watch what lies at ``top``, below ``root``, now that another file system is there."""

    def strayed(self, path: bytes) -> bool:
        """Whether ``path`` is watched, but what is watched is not what lies there now."""

    def look_again(self) -> None:
        """Watch what could not be watched, where the reason may have passed."""

    def watches(self, root: bytes) -> int:
        """How many watches ``root`` takes; 0: it is not watched."""
