"""How much evidence is worth: strong, fair or weak. The one judge of queries and alerts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from photosd.index.matrix import Vectors
from photosd.search.names import Degree, Named, telling_words
from photosd.search.remembered import Meaning

UNSEEN = -2.0  # how near is what no model was asked about, or what it did not understand


class Look(msgspec.Struct, frozen=True):
    """How near a photo is to a question: its cosine, and by how much more than to others."""

    score: float = 0.0
    beyond: float = UNSEEN


class Match(msgspec.Struct, frozen=True):
    """How well one content answers a question."""

    score: float
    strength: str

    @property
    def convincing(self) -> bool:
        """Whether somebody who asked this would be content with it."""
        return self.strength != "weak"


class Scale(msgspec.Struct, frozen=True):
    """From how far beyond ``centre`` (d,) on cosines mean something; None: as they are.

    The rest are cosines, whatever else there is in the library: ``same`` is strong and ``close``
    fair at least, and below ``apart`` everything is weak.
    """

    centre: Vectors | None
    fair: float
    strong: float
    same: float = math.inf
    close: float = math.inf
    apart: float = -math.inf


class Judge(msgspec.Struct, frozen=True):
    """Judges photos by a scale (see calibration.py). A photo has its verdict from its own evidence
    alone, whatever other photos there are."""

    scale: Scale

    def looks(self, words: str, meaning: Meaning, tiles: Sequence[Vectors]) -> list[Look]:
        """How near photos, each (tiles, d), are to what ``words`` mean; the best tile counts.

        What the model does not know at all looks like nothing.
        """
        if not tiles:
            return []
        starts = np.cumsum([0, *map(len, tiles[:-1])])
        every = np.concatenate(tiles)
        scores = np.maximum.reduceat(every @ meaning.vector, starts)
        beyond = np.full(len(tiles), UNSEEN)
        if understood(words, meaning):
            centre = self.scale.centre
            vector = meaning.vector if centre is None else meaning.vector - centre
            beyond = np.maximum.reduceat(every @ vector, starts)
        return [Look(s, b) for s, b in zip(scores.tolist(), beyond.tolist(), strict=True)]

    def of_look(self, look: Look) -> str:
        """What looking so is worth."""
        scale = self.scale
        if look.beyond == UNSEEN or look.score < scale.apart:
            return "weak"
        if look.beyond >= scale.strong or look.score >= scale.same:
            return "strong"
        return "fair" if look.beyond >= scale.fair or look.score >= scale.close else "weak"

    def match(self, look: Look, name: Named | None = None, *, outstanding: bool = False) -> Match:
        """What all there is of one photo is worth: as much as the best of it.

        ``outstanding``: it stands out for Gemini.
        """
        found = {self.of_look(look), of_name(name), "fair" if outstanding else "weak"}
        return Match(look.score, next(one for one in ("strong", "fair", "weak") if one in found))


def of_name(name: Named | None) -> str:
    """What being named so is worth: the whole name leaves no doubt, every word little."""
    if name is None or name.degree == Degree.SOME:
        return "weak"
    return "strong" if name.degree >= Degree.WHOLE else "fair"


def understood(words: str, meaning: Meaning) -> bool:
    """Whether the model knows anything of what was asked for; "a" and "the" are nothing."""
    unknown = {word for text in meaning.unknown for word in telling_words(text)}
    telling = telling_words(words)
    known = not telling or any(word not in unknown for word in telling)
    return meaning.understood > 0 and known
