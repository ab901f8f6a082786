"""How much a score is worth: strong, fair or weak, and whether an answer convinces."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from photosd.index.matrix import Vectors
from photosd.search.hits import Found
from photosd.search.remembered import Meaning


class Match(msgspec.Struct, frozen=True):
    """How well one content answers a question."""

    score: float
    strength: str
    convincing: bool


class Scale(msgspec.Struct, frozen=True):
    """From how far beyond ``centre`` (d,) on cosines mean something; None: as they are."""

    centre: Vectors | None
    fair: float
    strong: float


class Judge(msgspec.Struct, frozen=True):
    """Judges photos by a scale (see calibration.py).

    ``words``: what was asked for, without articles and the like.
    """

    scale: Scale
    words: Sequence[str] = ()

    def beyond(self, meaning: Meaning, tiles: Vectors) -> float:
        """How much nearer a photo (tiles, d) is to this than to unrelated things."""
        vector, centre = meaning.vector, self.scale.centre
        return float(np.max(tiles @ (vector if centre is None else vector - centre)))

    def strength(self, beyond: float, named: float = 0.0, *, outstanding: bool = False) -> str:
        """What that is worth.

        Never weak: a photo whose name has all the words asked for, or ``outstanding`` for Gemini.
        """
        if beyond >= self.scale.strong:
            return "strong"
        return "fair" if beyond >= self.scale.fair or named >= 1 or outstanding else "weak"

    def convincing(self, found: Sequence[Found], meaning: Meaning | None) -> bool:
        """Whether somebody who asked this would be content with the first of these photos."""
        if not found or found[0].strength == "weak":
            return False
        elsewhere = not {"name", "gemini"}.isdisjoint(found[0].sources)
        return meaning is None or elsewhere or self._understood(meaning)

    def match(self, meaning: Meaning, tiles: Vectors) -> Match:
        """What a single photo (tiles, d) is worth as an answer."""
        score = float(np.max(tiles @ meaning.vector))
        strength = self.strength(self.beyond(meaning, tiles))
        return Match(score, strength, strength != "weak" and self._understood(meaning))

    def _understood(self, meaning: Meaning) -> bool:
        """Whether the model knows anything of what was asked for; "a" and "the" are nothing."""
        known = not self.words or any(word not in meaning.unknown for word in self.words)
        return meaning.understood > 0 and known
