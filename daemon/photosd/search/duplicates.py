"""Duplicates: the same bytes twice, and pictures that look alike; nothing is ever deleted.

A group is begun by the photo with the most pixels, and only what is near to that one joins: in a
chain of neighbours the first and the last may have nothing in common.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from photosd.index.copies import Copies
from photosd.index.ground import Ground
from photosd.index.photo import Photo
from photosd.index.vectors import VectorStore
from photosd.ipc.messages import Relation
from photosd.search.pictures import middle_of

# Likeness: how far a cosine has come from that of unrelated photos (0) to that of the same (1);
# see docs/adr/0015-what-counts-as-alike.md.
ALIKE = 0.9  # the same picture, saved again
BURST, BURST_SECONDS = 0.75, 10.0  # what one camera takes within some seconds of the same scene
UNRELATED, FEW = 0.5, 50  # the cosine taken for that where there are fewer photos to tell it
SAMPLE = 500  # photos; what pairs of them come to is known to 0.01
NEIGHBOURS = 100  # of one photo that can join its group
LETTER = r"[^\W\d_]"
COPIED = re.compile(
    rf"\(\d+\)|(?<!{LETTER})(copy|kopie|copie|copia|העתק|עותק)(?!{LETTER})", re.IGNORECASE
)


class Member(msgspec.Struct, frozen=True):
    """A photo of a group. ``relation``: keep, copy, burst or alike; ``likeness``: to the first."""

    photo: Photo
    relation: Relation
    likeness: float
    facts: Mapping[str, Any]


Group = list[Member]  # the one to keep first; every file once, however many links lead to it


class Duplicates:
    """Looks through the photos in one directory, or (None) all of them."""

    def __init__(self, ground: Ground, store: VectorStore, below: bytes | None) -> None:
        self._ground, self._store, self._below = ground, store, below
        self._copies = Copies(ground.database)
        self.absent = {folder.id for folder in ground.folders.all() if not folder.present}

    def identical(self) -> Iterator[Group]:
        """Files with the same bytes, those that take the most room first."""
        for photos in self._copies.repeated(self._below):
            content = photos[0].content or ""
            facts = self._ground.contents.facts_of([content]).get(content, {})
            if len(group := self._group({content: ("copy", 1.0)}, {content: photos}, [facts])) > 1:
                yield group

    def alike(self) -> Iterator[tuple[int, int, Group]]:
        """How many contents have been looked at, of how many, and the group found, perhaps empty.

        Contents that have no vector yet are only grouped with their copies.
        """
        order = self._copies.largest_first(self._below)
        free, unrelated = set(order), self._unrelated(order)
        for seen, first in enumerate(order, 1):
            group: Group = []
            if first in free:
                free.remove(first)
                near = self._near(first, free, unrelated)
                free -= near.keys()
                relations: dict[str, tuple[Relation, float]] = {first: ("copy", 1.0), **near}
                facts = self._ground.contents.facts_of(list(relations))
                held = self._copies.holding(list(relations), self._below)
                group = self._group(relations, held, [facts.get(name, {}) for name in relations])
            yield seen, len(order), group if len(group) > 1 else []

    def _unrelated(self, contents: list[str]) -> float:
        """What two photos usually come to. Models differ widely: CLIP 0.5, the starter 0."""
        sample = random.sample(contents, min(SAMPLE, len(contents)))
        tiles = self._store.vectors_of(sample)
        if len(tiles) < FEW:
            return UNRELATED
        vectors = np.stack([middle_of(known) for known in tiles.values()])
        pairs = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
        return min(UNRELATED, float(np.median(pairs)))

    def _near(
        self, first: str, free: set[str], unrelated: float
    ) -> dict[str, tuple[Relation, float]]:
        """What of ``free`` is near to ``first``: burst or alike, and how near; best first."""
        known = self._store.vectors_of([first])
        if first not in known:
            return {}
        middle = middle_of(known[first])
        nearest = [name for name, _ in self._store.nearest(middle, NEIGHBOURS) if name in free]
        vectors = self._store.vectors_of(nearest)
        # Whole pictures are compared: what ranked them was the nearest tile of each.
        likeness = {
            name: (float(middle @ middle_of(tiles)) - unrelated) / (1 - unrelated)
            for name, tiles in vectors.items()
        }
        facts = self._ground.contents.facts_of([first, *likeness])
        near: dict[str, tuple[Relation, float]] = {}
        for name, alike in sorted(likeness.items(), key=lambda one: -one[1]):
            if alike >= BURST and _burst(facts.get(first, {}), facts.get(name, {})):
                near[name] = ("burst", alike)
            elif alike >= ALIKE:
                near[name] = ("alike", alike)
        return near

    def _group(
        self,
        relations: Mapping[str, tuple[Relation, float]],
        held: Mapping[str, list[Photo]],
        facts: list[dict[str, Any]],
    ) -> Group:
        """Members of the contents in ``relations``, each file once; the first is to be kept."""
        group: Group = []
        files: set[tuple[int, int]] = set()
        for (content, (relation, likeness)), known in zip(relations.items(), facts, strict=True):
            for photo in sorted(held.get(content, ()), key=self._worth):
                if (photo.device, photo.inode) not in files:
                    files.add((photo.device, photo.inode))
                    group.append(Member(photo, relation if group else "keep", likeness, known))
        return group

    def _worth(self, photo: Photo) -> tuple[bool, bool, int, int, bytes]:
        """Sorts copies: at hand, not named as a copy, the oldest, the one least deep down."""
        name = photo.path.rpartition(b"/")[2].decode(errors="replace")
        copied = COPIED.search(name) is not None
        return photo.folder in self.absent, copied, photo.mtime_ns, len(photo.path), photo.path


def _burst(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one camera took both within some seconds."""
    if not ({"taken_at", "camera"} <= {name for name in one if one[name] and other.get(name)}):
        return False
    apart = abs(float(one["taken_at"]) - float(other["taken_at"]))
    return one["camera"] == other["camera"] and apart <= BURST_SECONDS
