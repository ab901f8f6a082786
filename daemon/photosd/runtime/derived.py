"""Data derived from photos outside the catalog: where it is stored, and how it is deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from photosd.core.errors import StorageError
from photosd.decode.thumbnail_store import ThumbnailStore
from photosd.gemini.gemini import Gemini
from photosd.index.flushed import KEEP_VERSIONS
from photosd.index.vectors import drop_from_tables
from photosd.runtime.model_switch import ModelSwitcher


class Derived:
    """Vectors of every installed model, thumbnails, and Gemini's answers."""

    def __init__(
        self, index: Path, model_switcher: ModelSwitcher, thumbnails: ThumbnailStore, gemini: Gemini
    ) -> None:
        self._index, self._model_switcher = index, model_switcher
        self._thumbnails, self._gemini = thumbnails, gemini
        # Monotonic; when deleted data is no longer in use, maybe before this start.
        self._untidy_at: float | None = time.monotonic() + KEEP_VERSIONS.total_seconds()

    def contents(self) -> Iterable[str]:
        """Contents with thumbnails or cloud vectors; the catalog knows other vectors."""
        return self._thumbnails.contents() | self._gemini.contents()

    def drop(self, contents: Sequence[str]) -> None:
        """Delete the data of these. Raises StorageError after all stores were called; deletions are
        kept.
        """
        runtimes = self._model_switcher.runtimes()
        opened = [runtime.spec.fingerprint for runtime in runtimes]
        steps: list[Callable[[Sequence[str]], object]] = [
            self._thumbnails.drop,
            self._gemini.remove,
        ]
        steps += [runtime.store.remove for runtime in runtimes]
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
        """Erase deleted data from disk."""
        for runtime in self._model_switcher.runtimes():
            runtime.store.compact()

    def tidy(self) -> None:
        """Erase rows deleted earlier from tables of inactive models. Raises StorageError."""
        if self._untidy_at is not None and time.monotonic() > self._untidy_at:
            self._untidy_at = None
            opened = [runtime.spec.fingerprint for runtime in self._model_switcher.runtimes()]
            drop_from_tables(self._index, [], opened)
            self._gemini.tidy()
