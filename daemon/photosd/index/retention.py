"""Retention: deletes the derived data of a photo after its last path is deleted.

At once if its folder is removed or with `photosd purge`, else 30 days after the deletion, so that a
file can return without encoding. Facts, vectors of every model, thumbnails and cloud data are
deleted together.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import structlog

from photosd.core.background import BackgroundLoop
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents

log = structlog.get_logger()

KEPT_SECONDS = 30 * 86_400.0  # how long rows and derived data of deleted photos are kept
EVERY_SECONDS = 3600.0
RETRY_SECONDS = 60.0
LOOK_SECONDS = 86_400.0  # between two checks of all contents, for missed ones
AT_ONCE = 500  # contents deleted, or checked, per transaction
REST_SECONDS = 0.05  # between two of them, for other writers


class DerivedStores(Protocol):
    """Stores of derived data, in addition to the catalog."""

    def contents(self) -> Iterable[str]:
        """Contents in the store, which the catalog may not know."""

    def drop(self, contents: Sequence[str]) -> None:
        """Delete the data of these; raises StorageError."""

    def compact(self) -> None:
        """Erase deleted data from disk; raises StorageError."""


class Retention(BackgroundLoop):
    """Deletes expired contents in batches.

    The catalog first marks a batch as deleted, until all stores have dropped it, so that a crash or
    a failing store only delays it. ``clock``: Unix seconds.
    """

    def __init__(
        self,
        catalog: Catalog,
        contents: Contents,
        stores: DerivedStores,
        clock: Callable[[], float] = time.time,
        others: Sequence[Callable[[], object]] = (),
    ) -> None:
        """``others``: further checks with the same interval; may raise StorageError."""
        super().__init__("retention", retry=RETRY_SECONDS)
        self._catalog, self._contents, self._stores, self._clock = catalog, contents, stores, clock
        self._deleting = threading.Lock()  # held by the one thread that deletes
        self._looked_at, self._others = 0.0, others
        self._compact_needed = False  # whether deleted data may still be on disk

    def work(self) -> float:
        """Delete what has expired; every hour, and on each wake. A step that fails stops no other,
        and all are tried again soon.
        """
        errors: list[Exception] = []
        for step in (self.delete_expired, self._look_for_orphans, *self._others):
            try:
                step()
            except Exception as error:
                errors.append(error)
        for other in errors[1:]:
            log.warning("work_waits", work=self.name, cause=str(other), remedy="photosd logs")
        if errors:
            raise errors[0]
        return EVERY_SECONDS

    def delete_expired(self) -> int:
        """Delete contents without a path for 30 days, or that were purged; returns how many. Raises
        an error of the stores, once they were asked to delete all of them.
        """
        with self._deleting:
            before, deleted = self._clock() - KEPT_SECONDS, 0
            kept: list[str] = []  # by a store that fails
            failed: Exception | None = None
            self._contents.clamp_future_times(self._clock())
            self._catalog.sweep(before)
            while gone := self._contents.take_expired(before, AT_ONCE, kept):
                try:
                    self._stores.drop(gone)
                except Exception as error:  # the other stores have dropped them
                    failed = failed or error
                    kept += gone
                else:
                    self._contents.finish_deletion(gone)
                    deleted += len(gone)
                    self._compact_needed = True
                if self.stopping.wait(REST_SECONDS):
                    break
            if deleted:
                log.info("contents_deleted", contents=deleted)
            if self._compact_needed:
                self._stores.compact()
                self._compact_needed = False
            if failed is not None:
                raise failed
            return deleted

    def purge(self) -> int:
        """Delete all contents without a path now; returns how many."""
        self._catalog.sweep(float("inf"))
        self._contents.expire_all_now()
        return self.delete_expired()

    def _look_for_orphans(self) -> None:
        """Check all contents once a day; by the monotonic clock, since other clocks jump."""
        if time.monotonic() < self._looked_at + LOOK_SECONDS and self._looked_at:
            return
        self._looked_at = time.monotonic() - LOOK_SECONDS + EVERY_SECONDS  # if it fails, in an hour
        for known in self._pieces():
            self._contents.note_orphans(known, self._clock())
            if self.stopping.wait(REST_SECONDS):
                return
        self._looked_at = time.monotonic()

    def _pieces(self) -> Iterator[list[str]]:
        """All contents known to the catalog or a store."""
        piece = self._contents.page("", AT_ONCE)
        while piece:
            yield piece
            piece = self._contents.page(piece[-1], AT_ONCE)
        others = iter(self._stores.contents())
        while piece := list(itertools.islice(others, AT_ONCE)):
            yield piece
