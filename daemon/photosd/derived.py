"""What is derived of photos outside the catalog: who holds it, and how it is dropped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from photosd.cloud.cloud import Cloud
from photosd.core.errors import StorageError
from photosd.decode.thumbnail_store import ThumbnailStore
from photosd.index.settled import KEEP_VERSIONS
from photosd.index.vectors import drop_from_tables
from photosd.succession import Succession


class Derived:
    """Vectors of every installed model, thumbnails, and what the cloud answered."""

    def __init__(
        self, index: Path, succession: Succession, thumbnails: ThumbnailStore, cloud: Cloud
    ) -> None:
        self._index, self._succession = index, succession
        self._thumbnails, self._cloud = thumbnails, cloud
        # Monotonic; when nobody reads what was dropped, maybe before this start.
        self._untidy_at: float | None = time.monotonic() + KEEP_VERSIONS.total_seconds()

    def contents(self) -> Iterable[str]:
        """Contents with thumbnails or vectors of the cloud; of other vectors the catalog knows."""
        return self._thumbnails.contents() | self._cloud.contents()

    def drop(self, contents: Sequence[str]) -> None:
        """Hold nothing of these any more. Raises StorageError once every store was asked; what was
        dropped stays so."""
        actives = self._succession.actives()
        opened = [active.spec.fingerprint for active in actives]
        steps: list[Callable[[Sequence[str]], object]] = [self._thumbnails.drop, self._cloud.remove]
        steps += [active.store.remove for active in actives]
        steps.append(lambda gone: drop_from_tables(self._index, gone, opened))
        self._untidy_at = time.monotonic() + KEEP_VERSIONS.total_seconds()
        failed: list[StorageError] = []
        for step in steps:
            try:
                step(contents)
            except StorageError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def compact(self) -> None:
        """Take what was dropped off the disk."""
        for active in self._succession.actives():
            active.store.compact()

    def tidy(self) -> None:
        """Take off the disk, some time later, what was dropped from tables of models that are not
        at work. Raises StorageError."""
        if self._untidy_at is not None and time.monotonic() > self._untidy_at:
            self._untidy_at = None
            opened = [active.spec.fingerprint for active in self._succession.actives()]
            drop_from_tables(self._index, [], opened)
            self._cloud.tidy()
