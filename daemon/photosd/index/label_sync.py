"""Updates the labels of a model's table after path changes, so that folder filters stay correct.

The catalog has the paths, and records each content whose paths change; a rename needs no encoding,
only new labels.
"""

from __future__ import annotations

from photosd.index.contents import Contents
from photosd.index.filters import traits
from photosd.index.vectors import VectorStore

AT_ONCE = 20_000  # contents; a whole library from an older photosd takes a few steps


class LabelSync:
    """Updates one model's table; one thread uses it."""

    def __init__(self, store: VectorStore, contents: Contents, fingerprint: str) -> None:
        self._store, self._contents, self._fingerprint = store, contents, fingerprint

    def run(self) -> None:
        """Update outdated labels. Raises StorageError, and then they stay outdated."""
        while found := self._contents.labels_due(self._fingerprint, AT_ONCE):
            self._store.relabel({h.content: traits(h.facts, h.paths, h.modified) for h in found})
            self._contents.labels_written(self._fingerprint, {h.content: h.paths for h in found})
            if len(found) < AT_ONCE:
                return  # later changes are handled by the next run
