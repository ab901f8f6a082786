"""Retention: what photosd has made of a photo ends with the last path that held it.

At once when its folder is removed or with `photosd purge`, 30 days after it went otherwise: so long
may a file come back and need no encoding. Facts, vectors of every model, thumbnails and what the
cloud made of it end together.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents

log = structlog.get_logger()

KEPT_SECONDS = 30 * 86_400.0
EVERY_SECONDS = 3600.0
RETRY_SECONDS = 60.0
LOOK_SECONDS = 86_400.0  # between two looks at every content, for what nobody noticed
AT_ONCE = 500  # contents dropped, or looked at, in one transaction
REST_SECONDS = 0.05  # between two of them, for other writers


class Stores(Protocol):
    """What holds something derived of contents, beside the catalog."""

    def contents(self) -> Iterable[str]:
        """Contents that are held and that the catalog need not know of."""

    def drop(self, contents: Sequence[str]) -> None:
        """Hold nothing of these any more; raises StorageError."""

    def compact(self) -> None:
        """Take what was dropped off the disk; raises StorageError."""


class Retention(threading.Thread):
    """Drops what is due, in pieces.

    A piece is forgotten by the catalog first and remembered as undone until all stores have dropped
    it, so that a crash, or a store that fails, only delays it. ``clock``: Unix seconds.
    """

    def __init__(
        self,
        catalog: Catalog,
        contents: Contents,
        stores: Stores,
        clock: Callable[[], float] = time.time,
        others: Sequence[Callable[[], object]] = (),
    ) -> None:
        """``others``: what has to be looked at as often; it may raise StorageError."""
        super().__init__(name="retention", daemon=True)
        self._catalog, self._contents, self._stores, self._clock = catalog, contents, stores, clock
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._one = threading.Lock()  # at a time
        self._looked_at, self._others = 0.0, others
        self._loose = False  # whether what was dropped may still lie on the disk

    def wake(self) -> None:
        """Something may have ended."""
        self._wake.set()

    def stop(self, deadline: Deadline | None = None) -> None:
        """End the thread after the piece in hand; what is left is done after the next start."""
        self._stopping.set()
        self._wake.set()
        if self.is_alive():
            self.join((deadline or Deadline.to_stop()).remaining)

    def run(self) -> None:
        """Until stopped: now, whenever woken, and every hour."""
        while not self._stopping.is_set():
            self._wake.clear()
            patience = EVERY_SECONDS
            try:
                self.end_due()
                self._look_around()
                for look in self._others:
                    look()
            except StorageError as error:
                patience = RETRY_SECONDS
                log.warning("retention_waits", cause=str(error), remedy=error.remedy)
            except Exception:  # a defect in one store must not end the thread
                patience = RETRY_SECONDS
                log.exception("retention_failed", remedy="nothing: it is tried again")
            self._wake.wait(patience)

    def end_due(self) -> int:
        """Drop what has been held by no path for 30 days, or is not to be waited for; how many
        contents. Raises what a store raises."""
        with self._one:
            before, ended = self._clock() - KEPT_SECONDS, 0
            self._contents.not_later_than(self._clock())
            self._catalog.sweep(before)
            while gone := self._contents.let_go(before, AT_ONCE):
                self._stores.drop(gone)
                self._contents.ended(gone)
                ended += len(gone)
                self._loose = True
                if self._stopping.wait(REST_SECONDS):
                    break
            if ended:
                log.info("contents_ended", contents=ended)
            if self._loose:
                self._stores.compact()
                self._loose = False
            return ended

    def purge(self) -> int:
        """Wait for nothing that is gone to return; how many contents ended."""
        self._catalog.sweep(float("inf"))
        self._contents.await_none()
        return self.end_due()

    def _look_around(self) -> None:
        """Once a day, every content; by the monotonic clock, since other clocks jump."""
        if time.monotonic() < self._looked_at + LOOK_SECONDS and self._looked_at:
            return
        self._looked_at = time.monotonic()
        for known in self._pieces():
            self._contents.note_orphans(known, self._clock())
            if self._stopping.wait(REST_SECONDS):
                return

    def _pieces(self) -> Iterator[list[str]]:
        """Every content that the catalog or a store knows."""
        piece = self._contents.page("", AT_ONCE)
        while piece:
            yield piece
            piece = self._contents.page(piece[-1], AT_ONCE)
        others = iter(self._stores.contents())
        while piece := list(itertools.islice(others, AT_ONCE)):
            yield piece
