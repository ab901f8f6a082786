"""Replaces words that a text tower does not know by words that it knows.

A line of the file is ``word = the same thing`` or ``word ~ something like it``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

LINE = re.compile(r"(\w+) ([=~]) (.+)")
WORD = re.compile(r"[^\W_]+")
TWICE = re.compile(r"\b(\w+(?: \w+){0,3})(?: \1\b)+")  # the same words, once for each word


class Synonyms:
    """The texts that replace unknown words."""

    def __init__(self, lines: Sequence[str]) -> None:
        found = [match.groups() for line in lines if (match := LINE.fullmatch(line))]
        self._texts = {word: text for word, _, text in found}
        self._same = frozenset(word for word, sign, _ in found if sign == "=")

    @classmethod
    def of(cls, file: Path) -> Synonyms:
        """Those in ``file``."""
        return cls(file.read_text("utf-8").splitlines())

    def has(self, word: str) -> bool:
        """Whether the tower has another word for the same thing; plurals count."""
        return self._key(word) in self._same

    def covers(self, word: str) -> bool:
        """Whether there is something to read for it, the same or not."""
        return self._key(word) in self._texts

    def said(self, text: str, knows: Callable[[str], bool]) -> str:
        """``text`` without the words that the tower does not know, as far as there are others."""

        def other(match: re.Match[str]) -> str:
            word = match[0].lower()
            return match[0] if knows(word) else self._texts.get(self._key(word), match[0])

        said = WORD.sub(other, text)
        while said != text and (once := TWICE.sub(r"\1", said)) != said:
            said = once
        return said

    def _key(self, word: str) -> str:
        return word if word in self._texts else word.removesuffix("s")
