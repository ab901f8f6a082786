"""How much a score is worth: strong, fair or weak, and whether an answer convinces."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from photosd.models.spec import Strength
from photosd.search.hits import Found
from photosd.search.remembered import Meaning


class Match(msgspec.Struct, frozen=True):
    """How well one content answers a question."""

    score: float
    strength: str
    convincing: bool


class Judge(msgspec.Struct, frozen=True):
    """Judges scores by the cosines from which on they mean something.

    ``words``: what was asked for, without articles and the like.
    """

    thresholds: Strength
    words: Sequence[str] = ()

    def strength(self, score: float, named: float = 0.0) -> str:
        """What a cosine is worth; a photo whose name has all the words asked for is never weak."""
        if score >= self.thresholds.strong:
            return "strong"
        return "fair" if score >= self.thresholds.fair or named >= 1 else "weak"

    def convincing(self, found: Sequence[Found], meaning: Meaning | None) -> bool:
        """Whether somebody who asked this would be content with the first of these photos."""
        if not found or found[0].strength == "weak":
            return False
        return meaning is None or self._understood(meaning) or "name" in found[0].sources

    def match(self, score: float, meaning: Meaning) -> Match:
        """What a single photo is worth as an answer."""
        strength = self.strength(score)
        return Match(score, strength, strength != "weak" and self._understood(meaning))

    def _understood(self, meaning: Meaning) -> bool:
        """Whether the model knows anything of what was asked for; "a" and "the" are nothing."""
        known = not self.words or any(word not in meaning.unknown for word in self.words)
        return meaning.understood > 0 and known
