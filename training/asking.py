"""The queries of training.honesty (things.txt), and which photos match, by labels and captions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import Row

THINGS = Path(__file__).with_name("things.txt")
HEBREW = Path(__file__).with_name("things_he.txt")
MOST = 3  # of five descriptions
VALIDATION_OF = 3  # one thing of so many is asked to choose constants, the others to report
# Words of class names that say too little to call a caption like a class.
VAGUE = frozenset(
    """photo of the in on with and by from black white american green red blue brown old face man
    body side""".split()  # noqa: SIM905 (readable)
)

Words = frozenset[str]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Thing:
    """A thing to search for: the words of each of its names, and words that make it ambiguous."""

    name: str
    names: tuple[Words, ...]
    opens: Words

    @property
    def question(self) -> str:
        """As it is asked: half of them with an article."""
        article = "an" if self.name[0] in "aeiou" else "a"
        return f"{article} {self.name}" if _lot(self.name, 1) % 2 else self.name

    @property
    def part(self) -> str:
        """Whether it helps to choose, or to report."""
        return "test" if _lot(self.name, 0) % VALIDATION_OF else "validation"

    def is_of(self, texts: Iterable[str]) -> bool:
        """Whether any of these texts names it."""
        return any(name <= words_of(text) for text in texts for name in self.names)


def read_things() -> list[Thing]:
    """Those of things.txt."""
    lines = THINGS.read_text().splitlines()
    return [_thing(line) for line in lines if not line.startswith("#")]


def hebrew_names() -> dict[str, str]:
    """Things by name, as they are asked for in Hebrew: those of things_he.txt."""
    lines = HEBREW.read_text("utf-8").splitlines()
    pairs = (line.split(" = ") for line in lines if not line.startswith("#"))
    return {name: hebrew for name, hebrew in pairs}


def _thing(line: str) -> Thing:
    called, _, others = line.partition("?")
    name, _, more = called.partition("=")
    names = [name.strip(), *(other.strip() for other in more.split(",") if other.strip())]
    last = words_of(" ".join(one.split()[-1] for one in names))
    return Thing(names[0], tuple(words_of(one) for one in names), last | words_of(others))


def shown(rows: list[Row], things: list[Thing]) -> tuple[Flags, Flags]:
    """For each photo and thing (n, m): whether it shows it, and whether it may."""
    shows = np.zeros((len(rows), len(things)), bool)
    may = np.zeros_like(shows)
    known: dict[tuple[str, ...], tuple[Flags, Flags]] = {}
    for number, row in enumerate(rows):
        if row.captions not in known:
            known[row.captions] = _shown(row, things)
        shows[number], may[number] = known[row.captions]
    return shows, may


def _shown(row: Row, things: list[Thing]) -> tuple[Flags, Flags]:
    told = [words_of(caption) for caption in row.captions]
    every = frozenset().union(*told)
    enough = MOST if is_described(row) else 1
    counts = [sum(any(name <= one for name in t.names) for one in told) for t in things]
    may = [bool(t.opens & every) or any(name <= every for name in t.names) for t in things]
    return np.array(counts) >= enough, np.array(may)


def is_described(row: Row) -> bool:
    """Whether people described it; else its captions are class names."""
    return row.source.startswith("flickr8k/")


def words_of(text: str) -> Words:
    """Its words of two letters or more, without a plural's s."""
    found = re.findall(r"[a-z]{2,}", text.lower())
    plural = [word[-1] == "s" and word[-2:] != "ss" and len(word) > 3 for word in found]
    return frozenset(w[:-1] if cut else w for w, cut in zip(found, plural, strict=True))


def _lot(name: str, place: int) -> int:
    return hashlib.sha256(name.encode()).digest()[place]
