"""Finds duplicates: equal bytes, and pictures that look alike; deletes nothing.

The photo with the most pixels starts a group, and only photos near to it join: in a chain of
neighbours the first and last may differ completely. Every photo is compared with every other, so
groups are complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.index.catalog import Copies
from photosd.index.matrix import Vectors
from photosd.index.photo import Photo
from photosd.index.shared_resources import SharedResources
from photosd.index.sketches import AT_ONCE, NUMBERS, Greys, Sketches, resemblance
from photosd.index.vectors import VectorStore
from photosd.protocol.replies import Relation
from photosd.search.likeness import ALIKE, BURST, SAMPLE, Ends, ends_of, middle_of

# To the model, a rotated or shrunk copy looks less like its original than ALIKE, and two clouds
# look alike: so pixels are compared as well. It is a copy if correlation + SHARE * likeness reaches
# 1. From UNSURE on, parts of the pictures are compared, too; the best of many has to reach CROPPED.
# See docs/adr/0015-similar-photos.md.
SHARE, CROPPED, UNSURE = 0.25, 1.02, 0.7
BURST_SECONDS = 10.0
BLOCK = 64  # photos compared with all others at once; half a gigabyte for a million
FETCHED = 4096  # vectors
LETTER = r"[^\W\d_]"
COPIED = re.compile(
    rf"\(\d+\)|(?<!{LETTER})(copy|kopie|copie|copia|העתק|עותק)(?!{LETTER})", re.IGNORECASE
)


class GroupMember(msgspec.Struct, frozen=True):
    """A photo of a group. ``relation``: keep, copy, burst or alike; ``likeness``: to the first."""

    photo: Photo
    relation: Relation
    likeness: float
    facts: Mapping[str, Any]


Group = list[GroupMember]  # the one to keep first; each file once, even with several links
Near = dict[str, tuple[Relation, float]]  # contents: burst or alike, and how near

Halves = NDArray[np.float16]  # of vectors and sketches: precise to 0.001


class Duplicates:
    """Searches the photos in one directory, or (None) all of them; ``model``: whose vectors the
    store has.
    """

    def __init__(
        self, shared: SharedResources, store: VectorStore, model: str, below: bytes | None
    ) -> None:
        self._shared, self._store, self._model, self._below = shared, store, model, below
        self._copies = Copies(shared.database)
        self._sketches = Sketches(shared.database, shared.folders, shared.pool)
        self.absent = {folder.id for folder in shared.folders.all() if not folder.present}

    def identical(self) -> Iterator[Group]:
        """Files with the same bytes, largest savings first."""
        for photos in self._copies.repeated(self._below):
            content = photos[0].content or ""
            facts = self._shared.contents.facts_of([content])
            if len(group := self._group({content: ("copy", 1.0)}, {content: photos}, facts)) > 1:
                yield group

    def alike(self) -> Iterator[tuple[int, int, Group]]:
        """Progress (contents examined, of how many), and the group found, perhaps empty.

        Contents without a vector are only grouped with their copies. A camera raw file beside its
        picture is no duplicate.
        """
        raw = self._copies.raw_files(self._below)
        order = [one for one in self._copies.largest_first(self._below) if one not in raw]
        sketches = np.empty((len(order), NUMBERS), np.float16)
        for start in range(0, len(order), AT_ONCE):
            yield 0, len(order), []  # reading photos for the first time takes a while
            sketches[start : start + AT_ONCE] = self._sketches.of(order[start : start + AT_ONCE])
        free = np.ones(len(order), np.bool_)
        for start, likeness, pixels in self._compared(order, sketches):
            for row, place in enumerate(range(start, start + len(likeness))):
                group: Group = []
                if free[place]:
                    free[place] = False
                    near = self._near(order, place, free, sketches, likeness[row], pixels[row])
                    first: Near = {order[place]: ("copy", 1.0)}
                    group = self._shown(first | near)
                yield place + 1, len(order), group if len(group) > 1 else []

    def _compared(
        self, order: Sequence[str], sketches: Halves
    ) -> Iterator[tuple[int, Vectors, Greys]]:
        """Blocks of photos: the position of the first, the likeness of each to every photo, and the
        resemblance of their sketches, both (block, n).
        """
        ends, middles = self._ends(), self._middles(order)
        for start in range(0, len(order), BLOCK):
            firsts, squares = middles[start : start + BLOCK], sketches[start : start + BLOCK]
            shape = (len(firsts), len(order))
            likeness, pixels = np.empty(shape, np.float32), np.empty(shape, np.float32)
            for column in range(0, len(order), FETCHED):
                part = slice(column, column + FETCHED)
                cosines = firsts.astype(np.float32) @ middles[part].T.astype(np.float32)
                likeness[:, part] = ends.likeness(cosines)
                pixels[:, part] = resemblance(squares, sketches[part])
            yield start, likeness, pixels

    def _ends(self) -> Ends:
        """Always of the whole library, even if only a part is searched."""
        sample = self._shared.contents.some(self._model, SAMPLE)
        tiles = self._store.vectors_of(sample).values()
        return ends_of(np.stack([middle_of(one) for one in tiles])) if tiles else Ends()

    def _middles(self, order: Sequence[str]) -> Halves:
        """One vector per content: (n, d), 0 if there is none; 0.5 GB for a million photos."""
        middles = np.zeros((len(order), self._store.dimension), np.float16)
        for start in range(0, len(order), FETCHED):
            part = order[start : start + FETCHED]
            tiles = self._store.vectors_of(part)
            for place, content in enumerate(part, start):
                if content in tiles:
                    middles[place] = middle_of(tiles[content])
        return middles

    def _near(
        self,
        order: Sequence[str],
        first: int,
        free: NDArray[np.bool_],
        sketches: Halves,
        likeness: Vectors,
        pixels: Greys,
    ) -> Near:
        """Contents of ``free`` near to the first: burst or alike, and how near; best first. They
        are removed from ``free``.
        """
        seen = pixels + SHARE * likeness >= 1
        if len(unsure := np.flatnonzero(free & ~seen & (pixels + SHARE * likeness >= UNSURE))):
            windows = self._sketches.windows(order[first])  # of the one with the most pixels
            crops = resemblance(windows, sketches[unsure]).max(axis=0)
            seen[unsure] = crops + SHARE * likeness[unsure] >= CROPPED
        same = np.where(np.isnan(pixels), likeness >= ALIKE, seen)
        found = np.flatnonzero(free & (same | (likeness >= BURST)))
        places: list[int] = found[np.argsort(-likeness[found], kind="stable")].tolist()
        close = [order[place] for place in places if likeness[place] >= BURST]
        bursts = self._bursts(order[first], close) if close else set()
        near: Near = {}
        for place in places:
            if (name := order[place]) in bursts or same[place]:
                near[name] = ("burst" if name in bursts else "alike", float(likeness[place]))
                free[place] = False
        return near

    def _bursts(self, first: str, others: Sequence[str]) -> set[str]:
        """The contents among ``others`` taken by the same camera at the same time as ``first``."""
        facts = self._shared.contents.facts_of([first, *others])
        return {one for one in others if _burst(facts.get(first, {}), facts.get(one, {}))}

    def _shown(self, relations: Near) -> Group:
        """The group of these contents; only files in the searched directory."""
        held = self._copies.holding(list(relations), self._below)
        if sum(map(len, held.values())) < 2:
            return []
        return self._group(relations, held, self._shared.contents.facts_of(list(relations)))

    def _group(
        self,
        relations: Near,
        held: Mapping[str, list[Photo]],
        facts: Mapping[str, Mapping[str, Any]],
    ) -> Group:
        """Members of the contents in ``relations``, each file once; the first is to be kept."""
        group: Group = []
        files: set[tuple[int, int]] = set()
        for content, (relation, likeness) in relations.items():
            for photo in sorted(held.get(content, ()), key=self._worth):
                if (photo.device, photo.inode) not in files:
                    files.add((photo.device, photo.inode))
                    known = facts.get(content, {})
                    group.append(GroupMember(photo, relation if group else "keep", likeness, known))
        return group

    def _worth(self, photo: Photo) -> tuple[bool, bool, int, int, bytes]:
        """Sort key of copies: available, not named as a copy, oldest, least deep path."""
        name = photo.path.rpartition(b"/")[2].decode(errors="replace")
        copied = COPIED.search(name) is not None
        depth = photo.path.count(b"/")
        return photo.folder in self.absent, copied, photo.mtime_ns, depth, photo.path


def _burst(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one camera took both within some seconds."""
    if not ({"taken_at", "camera"} <= {name for name in one if one[name] and other.get(name)}):
        return False
    apart = abs(float(one["taken_at"]) - float(other["taken_at"]))
    return one["camera"] == other["camera"] and apart <= BURST_SECONDS
