"""What is derived of photos outside the catalog: who holds it, and how it is dropped."""

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
    """Vectors of every installed model, thumbnails, and what the cloud answered."""

    def __init__(
        self, index: Path, model_switcher: ModelSwitcher, thumbnails: ThumbnailStore, gemini: Gemini
    ) -> None:
        self._index, self._model_switcher = index, model_switcher
        self._thumbnails, self._gemini = thumbnails, gemini
        # Monotonic; when nobody reads what was dropped, maybe before this start.
        self._untidy_at: float | None = time.monotonic() + KEEP_VERSIONS.total_seconds()

    def contents(self) -> Iterable[str]:
        """Contents with thumbnails or vectors of the cloud; of other vectors the catalog knows."""
        return self._thumbnails.contents() | self._gemini.contents()

    def drop(self, contents: Sequence[str]) -> None:
        """Hold nothing of these any more. Raises StorageError once every store was asked; what was
        dropped stays so."""
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
        """Take what was dropped off the disk."""
        for runtime in self._model_switcher.runtimes():
            runtime.store.compact()

    def tidy(self) -> None:
        """Take off the disk, some time later, what was dropped from tables of models that are not
        at work. Raises StorageError."""
        if self._untidy_at is not None and time.monotonic() > self._untidy_at:
            self._untidy_at = None
            opened = [runtime.spec.fingerprint for runtime in self._model_switcher.runtimes()]
            drop_from_tables(self._index, [], opened)
            self._gemini.tidy()
