"""The committer: collects finished photos and writes them, vectors first, then the catalog.

After path changes it updates the labels of the table, so that folder filters stay correct: the
catalog records each content whose paths change; a rename needs no encoding, only new labels.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from msgspec import json

from photosd.core.heap import trim
from photosd.core.shortage import shortage_of
from photosd.index.contents import Contents
from photosd.index.filters import traits
from photosd.index.table import Embedding
from photosd.index.vectors import IndexVanished, VectorStore
from photosd.index.worklist import Work
from photosd.watch.scanner import Entry

log = structlog.get_logger()

AT_ONCE = 20_000  # contents; a whole library from an older photosd takes a few steps

ROWS = 256  # a commit takes some milliseconds and adds a fragment, however few its rows
TRIM_SECONDS = 60.0  # between two returns of freed memory, which take some milliseconds each
SECONDS = 1.0  # between two commits; the first photo of a folder does not wait
TRIES = 2  # all together, then each content separately
MAX_REFUSALS = 10  # for one content while others succeed: then the content is the cause


class LabelSync:
    """Updates one model's table; one thread uses it."""

    def __init__(self, store: VectorStore, contents: Contents, fingerprint: str) -> None:
        self._store, self._contents, self._fingerprint = store, contents, fingerprint

    def run(self) -> None:
        """Update outdated labels. Raises StorageError, and then they stay outdated."""
        while found := self._contents.labels_due(self._fingerprint, AT_ONCE):
            self._store.relabel(
                {h.content: traits(h.facts, h.paths, h.modified, h.place) for h in found}
            )
            self._contents.labels_written(
                self._fingerprint,
                {h.content: h.paths for h in found},
                {h.content: (h.facts, h.place) for h in found},
            )
            if len(found) < AT_ONCE:
                return  # later changes are handled by the next run


@dataclass(frozen=True)
class Finished:
    """A finished photo: its file as read, its content, and the embedding if new."""

    entry: Entry
    content: str
    embedding: Embedding | None


@dataclass
class Committed:
    """Results of the waiting photos; the others keep waiting, because of ``trouble``."""

    done: list[Finished] = field(default_factory=list)
    lost: list[Finished] = field(default_factory=list)  # the shared vector was removed
    refused: list[tuple[Finished, str]] = field(default_factory=list)  # cannot be written; why
    trouble: Exception | None = None


class Committer:
    """Batches commits; committed data survives a kill. One thread uses it."""

    def __init__(
        self, store: VectorStore, contents: Contents, worklist: Work, fingerprint: str
    ) -> None:
        self._store, self._contents, self._worklist = store, contents, worklist
        self._fingerprint = fingerprint
        self._label_sync = LabelSync(store, contents, fingerprint)
        self._waiting: list[Finished] = []
        self._last, self._trimmed_at = 0.0, 0.0
        self._tries = 0
        self._refusals: Counter[str] = Counter()

    def __len__(self) -> int:
        """Photos that wait to be committed."""
        return len(self._waiting)

    def add(self, finished: Finished) -> None:
        """Add a photo to the next commit."""
        self._waiting.append(finished)

    def knows(self, content: str) -> bool:
        """Whether this content has a vector, committed or waiting."""
        waiting = any(f.content == content for f in self._waiting)
        return waiting or self._contents.has_embedding(self._fingerprint, content)

    def wait_seconds(self) -> float:
        """Seconds until a commit is due at the latest."""
        return max(0.0, self._last + SECONDS - time.monotonic())

    def due(self) -> bool:
        """Whether enough photos are waiting, or one has waited long enough."""
        return len(self._waiting) >= ROWS or bool(self._waiting and self.wait_seconds() == 0.0)

    def tidy(self) -> None:
        """Clean up while there is nothing else to do."""
        self._drop_unknown()
        self._label_sync.run()
        self._store.tidy()
        now = time.monotonic()
        if self._last > self._trimmed_at and now > self._trimmed_at + TRIM_SECONDS:
            trim()  # 15,000 photos added and deleted left 25 MB of free memory in the heap
            self._trimmed_at = now

    def _drop_unknown(self) -> None:
        """A failed write may have succeeded; its photo may have been deleted since."""
        if not self._store.unsure:
            return
        unknown = [
            c for c in self._store.unsure if not self._contents.has_embedding(self._fingerprint, c)
        ]
        self._store.remove(unknown)
        self._store.unsure.clear()

    def commit(self) -> Committed:
        """Commit everything, or as much as possible; raises nothing, and loses nothing."""
        self._last = time.monotonic()
        outcome = Committed()
        try:
            self._drop_lost(outcome)
            self._write(self._waiting, outcome)
            self._tries = 0
        except Exception as error:
            outcome.trouble = error
            self._tries += 1
            if self._tries >= TRIES and not _affects_all(error):
                self._write_one_by_one(outcome)
        if outcome.done and outcome.trouble is None:
            try:
                self._label_sync.run()
            except Exception as error:
                outcome.trouble = error
        return outcome

    def _write(self, finished: Sequence[Finished], outcome: Committed) -> None:
        """Write all or none; raises the disk's errors."""
        embeddings = [f.embedding for f in finished if f.embedding is not None]
        contents = {e.content for e in embeddings}
        if embeddings:
            self._store.unsure.update(contents)
            self._store.commit(embeddings)
        with self._contents.batch():
            self._contents.record(
                self._fingerprint,
                ((e.content, e.facts) for e in embeddings),
                {e.content: e.source for e in embeddings},
            )
            self._worklist.done((one.entry, one.content) for one in finished)
            self._contents.labels_written(
                self._fingerprint,
                {e.content: e.paths for e in embeddings},
                # As JSON, which is how they are stored: without tuples.
                {e.content: (json.decode(json.encode(e.facts)), {}) for e in embeddings},
            )
        self._store.unsure.difference_update(contents)
        self._dequeue(finished, outcome.done)

    def _write_one_by_one(self, outcome: Committed) -> None:
        """Write one by one, so that a failing one does not block the others."""
        groups: dict[str, list[Finished]] = {}
        for finished in self._waiting:
            groups.setdefault(finished.content, []).append(finished)
        failed: list[tuple[str, Exception]] = []
        for content, group in groups.items():
            try:
                self._write(group, outcome)
                self._refusals.pop(content, None)
            except Exception as error:
                failed.append((content, error))
                if _affects_all(error):
                    break
        for content, refusal in failed:
            self._refusals[content] += bool(outcome.done) or _is_caused_by_data(refusal)
            if self._refusals[content] >= MAX_REFUSALS:
                self._refusals.pop(content)
                log.error("photo_not_written", content=content, cause=str(refusal))
                outcome.refused += [(one, str(refusal)) for one in groups[content]]
                self._dequeue(groups[content], [])

    def _drop_lost(self, outcome: Committed) -> None:
        """A vector to be shared may have been removed or lost meanwhile."""
        new = {one.content for one in self._waiting if one.embedding is not None}
        shared = {one.content for one in self._waiting} - new
        lost = {
            content
            for content in shared
            if not self._contents.has_embedding(self._fingerprint, content)
        }
        self._dequeue([one for one in self._waiting if one.content in lost], outcome.lost)

    def _dequeue(self, finished: Sequence[Finished], place: list[Finished]) -> None:
        """These no longer wait."""
        place += finished
        over = {id(one) for one in finished}
        self._waiting = [one for one in self._waiting if id(one) not in over]


def _affects_all(error: Exception) -> bool:
    """Whether the error would occur for any data."""
    return isinstance(error, IndexVanished) or shortage_of(error) is not None


def _is_caused_by_data(error: BaseException) -> bool:
    """Whether the data is the cause, as far as the error tells."""
    cause = error.__cause__ or error
    return isinstance(cause, ValueError | TypeError | OverflowError)
