"""The watched folders: which are watched, scan-only or offline, and why."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

import structlog

from photosd.core.filestat import normalised
from photosd.watch.hints import HintBatch, topmost
from photosd.watch.ignore import IgnoreRules
from photosd.watch.mounts import MountWatch, mount_of
from photosd.watch.source import OutOfWatches, Source
from photosd.watch.watch_limits import WatchLimits, instances_remedy, watch_budget, watches_remedy

log = structlog.get_logger()

NOT_THERE = "it is not there"
RootState = Literal["starting", "watching", "scan_only", "away"]
NEVER = float("inf")


@dataclass(frozen=True)
class RootHealth:
    """How one folder is watched; ``watches`` is the number of its kernel watches."""

    root: bytes
    state: RootState
    reason: str | None = None
    remedy: str | None = None
    watches: int = 0

    @property
    def scanned(self) -> bool:
        """Whether changes are found by scans only.

        Not if it is missing: it may be back already, and compared before it is watched again.
        """
        return self.state in ("scan_only", "away") and self.reason != NOT_THERE


@dataclass(eq=False)
class _Root:
    ignore: IgnoreRules
    health: RootHealth
    identity: tuple[int, int] | None = None
    prune: frozenset[bytes] = field(default_factory=frozenset)
    retry_at: float = NEVER
    budget: int = 0


class Roots:
    """Keeps every folder watched as well as possible; other threads may only read `health`."""

    def __init__(
        self,
        limits: WatchLimits,
        batch: HintBatch,
        answers: Callable[[bytes], bool] = lambda _path: True,
    ) -> None:
        """``answers``: whether the file system of a path responds; checked before each access."""
        self._limits, self._batch, self._answers = limits, batch, answers
        self._roots: dict[bytes, _Root] = {}
        self._lock = threading.Lock()
        self._mounts = MountWatch()
        self._unmounted: set[bytes] = set()

    def close(self) -> None:
        """Give back what is held."""
        self._mounts.close()

    def health(self) -> list[RootHealth]:
        """Every folder in the order they were added."""
        with self._lock:
            return [root.health for root in self._roots.values()]

    def add(self, ignore: IgnoreRules, source: Source | None, now: float) -> None:
        """Watch a folder, or change its rules; then it must be scanned."""
        self.check_mounts(source, now)
        root = _Root(ignore, RootHealth(ignore.root, "starting"))
        with self._lock:
            self._roots[ignore.root] = root
        self._watch(root, source, now)
        self._batch.overflow(ignore.root)

    def remove(self, path: bytes, source: Source | None) -> None:
        """Forget a folder."""
        with self._lock:
            self._roots.pop(path, None)
        if source is not None:
            source.unwatch(path)

    def watch_all(self, source: Source | None, now: float) -> None:
        """Watch every folder with a new source, or none."""
        for root in list(self._roots.values()):
            self._watch(root, source, now)

    def full(self, path: bytes, error: OutOfWatches, source: Source, now: float) -> None:
        """A folder needs more watches than there are: scan it, and leave the watches to others."""
        source.unwatch(path)
        if (root := self._roots.get(path)) is not None:
            root.retry_at, root.budget = now + self._limits.retry, watch_budget()
            self._set(root, "scan_only", str(error), watches_remedy())

    def unmounted(self, directory: bytes) -> None:
        """The file system of ``directory`` was unmounted; another may be there by now."""
        self._unmounted.add(directory)

    def check_mounts(self, source: Source | None, now: float) -> None:
        """Check for file systems mounted or unmounted at, above or below the folders."""
        # The table is read before any directory, so that changes in between are seen twice.
        changed = self._mounts.changes()
        if changed is None and not self._unmounted:
            return
        was_replaced = {
            p for p in self._mounts.table if source is not None and source.was_replaced(p)
        }
        points = topmost((changed or frozenset()) | self._unmounted | was_replaced)
        self._unmounted = set()
        for root in list(self._roots.values()):
            self._mounts_changed(root, points, source, now)

    def check(self, source: Source | None, now: float) -> None:
        """Check for folders that were replaced, removed or restored."""
        for root in list(self._roots.values()):
            before = root.health.state
            if self._needs_watching(root, source, now):
                identity = root.identity
                self._watch(root, source, now)
                if root.identity != identity or root.health.state != before:
                    self._batch.overflow(root.ignore.root)
            elif source is not None:
                self._count(root, source)

    def _needs_watching(self, root: _Root, source: Source | None, now: float) -> bool:
        """Whether the folder is not watched as it should be; accesses the disk, unless it is
        remote.
        """
        path, state = root.ignore.root, root.health.state
        if mount_of(path, self._mounts.table).remote:
            return False
        identity = self._identity(path)
        if identity is not None and root.prune != self._apart_below(path):
            return True
        if identity != root.identity:
            return True
        if identity is None or source is None:
            return False
        if source.was_replaced(path) or (state == "watching" and not source.watches(path)):
            root.identity = None  # the same numbers again, but another directory
            return True
        may_retry = now >= root.retry_at or (root.budget and watch_budget() > root.budget)
        return state == "away" or (state == "scan_only" and bool(may_retry))

    def _mounts_changed(
        self, root: _Root, changed: Iterable[bytes], source: Source | None, now: float
    ) -> None:
        """Mount points changed: if at or above the folder, it is another one now."""
        path = root.ignore.root
        below = [point for point in changed if point.startswith(path.rstrip(b"/") + b"/")]
        above = any(
            path == point or path.startswith(point.rstrip(b"/") + b"/") for point in changed
        )
        if above or self._apart_below(path) != root.prune:
            self._watch(root, source, now)
            self._batch.overflow(path)
            return
        for point in below:
            if source is not None:
                source.renew(path, point)
            self._batch.subtree(point)

    def _watch(self, root: _Root, source: Source | None, now: float) -> None:
        """Watch a folder from scratch and set its state."""
        path = root.ignore.root
        mount = mount_of(path, self._mounts.table)
        root.retry_at, root.budget, root.prune = NEVER, 0, self._apart_below(path)
        root.identity = None if mount.remote else self._identity(path)
        if mount.remote or root.identity is None:
            if source is not None:
                source.unwatch(path)
            if mount.remote:
                self._set(root, "scan_only", f"{mount.filesystem} does not report changes", None)
            else:
                self._set(root, "away", NOT_THERE, "connect its disk")
        elif source is None:
            self._set(root, "scan_only", "no watcher is available", instances_remedy())
        else:
            self._watch_with(source, root, now)

    def _watch_with(self, source: Source, root: _Root, now: float) -> None:
        path = root.ignore.root
        try:
            source.watch(root.ignore, root.prune)
        except OutOfWatches as error:
            self.full(path, error, source, now)
            return
        except OSError as error:
            source.unwatch(path)
            self._set(root, "away", f"it cannot be watched: {error.strerror}", None)
            return
        if root.prune:
            reason = f"{len(root.prune)} folders in it are on a file system that reports no changes"
            self._set(root, "scan_only", reason, None)
        elif (mount := mount_of(path, self._mounts.table)).may_miss_events:
            reason = f"{mount.filesystem} may not report each change"
            self._set(root, "scan_only", reason, None)
        else:
            self._set(root, "watching", None, None)
        self._count(root, source)

    def _set(self, root: _Root, state: RootState, reason: str | None, remedy: str | None) -> None:
        """Set a folder's state; a change is logged once."""
        if state != root.health.state:
            say = log.info if state in ("watching", "away") else log.warning
            say("folder_" + state, folder=root.ignore.root, cause=reason, remedy=remedy)
        root.health = RootHealth(root.ignore.root, state, reason, remedy)

    def _count(self, root: _Root, source: Source) -> None:
        watches, health = source.watches(root.ignore.root), root.health
        if watches != health.watches:
            root.health = RootHealth(
                health.root, health.state, health.reason, health.remedy, watches
            )

    def _apart_below(self, path: bytes) -> frozenset[bytes]:
        """Mounts in a folder that report no changes, or do not respond."""
        inside = path.rstrip(b"/") + b"/"
        return frozenset(
            point
            for point, mount in self._mounts.table.items()
            if point.startswith(inside) and (mount.remote or not self._answers(point))
        )

    def _identity(self, path: bytes) -> tuple[int, int] | None:
        """Device and inode of a folder; None if it is missing, or does not respond."""
        return identity_of(path) if self._answers(path) else None


def identity_of(path: bytes) -> tuple[int, int] | None:
    """Device and inode of a folder; None if it is missing or not a folder."""
    try:
        # The trailing dot requires a directory.
        found = normalised(os.stat(path + b"/."))
    except OSError:
        return None
    return found.device, found.inode
