"""Label sync: tells a model's table where photos lie now, so that filters by folder stay true.

The catalog is the truth about paths, and notes each content whose paths change; a rename costs no
encoding, only new labels for the rows.
"""

from __future__ import annotations

from photosd.index.contents import Contents
from photosd.index.filters import traits
from photosd.index.vectors import VectorStore

AT_ONCE = 20_000  # contents; all of a library that an older photosd has indexed, in a few steps


class LabelSync:
    """Of one model's table; one thread uses it."""

    def __init__(self, store: VectorStore, contents: Contents, fingerprint: str) -> None:
        self._store, self._contents, self._fingerprint = store, contents, fingerprint

    def run(self) -> None:
        """Write the labels that are due. Raises StorageError, and then they stay due."""
        while found := self._contents.labels_due(self._fingerprint, AT_ONCE):
            self._store.relabel({h.content: traits(h.facts, h.paths, h.modified) for h in found})
            self._contents.labels_written(self._fingerprint, {h.content: h.paths for h in found})
            if len(found) < AT_ONCE:
                return  # what has changed meanwhile is for the next time
