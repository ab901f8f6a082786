"""Reads Arabic, French, German, Russian and Spanish as English, word by word.

A line of the table is ``English ; Arabic ; Russian ; French ; Spanish ; German``, in each column
with other spellings after commas. Words below ``[word]`` describe nothing visible. Below
``[english]`` are words of the Latin columns that are English as well, below ``[foreign]`` words
whose endings would make them count as English.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from photosd.encoder.glossary import WordReading

COLUMNS = ("ar", "ru", "fr", "es", "de")
LATIN = ("fr", "es", "de")
SCRIPTS = {"ar": re.compile("[\u0621-\u064a]"), "ru": re.compile("[\u0400-\u04ff]")}
MARKS = re.compile("[\u0300-\u036f\u064b-\u065f\u0670]")
SPLIT = re.compile(r"[^\W_]+")
LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "ة": "ه", "ى": "ي", "ـ": None})
MIN_STEM = 2  # letters of a word without its ending
MIN_PART = 3  # letters of a part of a compound

# Arabic: and, so, in, like, for, the.
STARTS = {"ar": ("ال", "و", "ب", "ل", "ف", "ك", "وال", "بال", "لل", "كال", "ول", "وب", "ولل")}
# Russian, folded.
ADJECTIVES = """ыми ими ого его ому ему ых их ым им ую юю ая яя ое ее ие ые ои еи ою ом
    ем""".split()  # noqa: SIM905 (readable)
NOUNS = """ами ями ах ях ам ям ов ев еи ои ом ем ью ии ию ия у ю а я ы и е о
    ь""".split()  # noqa: SIM905 (readable)
# Endings, and what the word in the table ends with instead.
ENDINGS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "ar": (
        *((one, ("", "ه")) for one in ("ات", "ون", "ين", "ان")),
        *((one, ("ه",)) for one in ("تان", "تين", "ت")),
        *((one, ("",)) for one in ("ه", "ها", "هم", "نا", "ي", "ا")),
    ),
    "ru": (
        *((one, ("ыи", "ии", "ои")) for one in ADJECTIVES),
        *((one, ("", "а", "я", "ь", "и", "о", "е", "ия", "ие")) for one in NOUNS),
        *((one, ("ка",)) for one in ("ек", "ок")),
        ("", ("а", "о", "я")),
    ),
    "fr": (
        *((one, ("",)) for one in ("s", "x", "e", "es", "nt")),
        ("aux", ("al",)),
        ("ent", ("",)),
        ("ees", ("e",)),
        ("ives", ("if",)),
        ("euses", ("eux", "eur")),
        ("euse", ("eux", "eur")),
        ("nes", ("",)),
        ("ne", ("",)),
    ),
    "es": (
        ("s", ("",)),
        ("es", ("",)),
        ("a", ("o", "")),
        ("as", ("o", "")),
        ("os", ("o",)),
        ("ces", ("z",)),
        ("n", ("",)),
        *((one, ("o",)) for one in ("ito", "itos")),
        *((one, ("a", "o")) for one in ("ita", "itas")),
    ),
    "de": tuple(
        (one, ("", "e")) for one in ("n", "en", "e", "er", "es", "em", "s", "in", "innen", "chen")
    ),
}
LINKS = ("", "s", "es", "n", "en", "e", "er")  # between the parts of a German compound


class LanguageEntry(NamedTuple):
    """What a phrase means, as folded words, and whether it can be seen."""

    phrase: tuple[str, ...]
    english: str
    seen: bool


class Piece(NamedTuple):
    """So many words of a text; no entry: unknown."""

    length: int
    entry: LanguageEntry | None


class Languages:
    """Everyday words of these languages with their English meanings."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._vocabularies = {code: LanguageWords(code) for code in COLUMNS}
        self._also_english: set[str] = set()
        self._foreign: set[str] = set()
        kind = "noun"
        for line in lines:
            if line.startswith("#") or not line:
                continue
            if line.startswith("["):
                kind = line.strip("[]")
            elif kind == "english":
                self._also_english.update(line.split())
            elif kind == "foreign":
                self._foreign.update(line.split())
            else:
                self._add(line, kind != "word")

    @classmethod
    def of(cls, file: Path) -> Languages:
        """Those in ``file``."""
        return cls(file.read_text("utf-8").splitlines())

    def _add(self, line: str, seen: bool) -> None:
        english, *columns = fold(line).split(";")
        for code, spellings in zip(COLUMNS, columns, strict=True):
            for spelling in spellings.split(","):
                if phrase := tuple(SPLIT.findall(spelling)):
                    self._vocabularies[code].add(LanguageEntry(phrase, english.strip(), seen))

    def read(self, tokens: Sequence[str], knows: Callable[[str], bool]) -> WordReading | None:
        """These words in English; None if they are English or of no known language.

        ``knows``: whether a word is English. A text in Latin letters is read only if more of its
        words are foreign and not English than are English and not foreign.
        """
        folded = [fold(token) for token in tokens]
        for code, script in SCRIPTS.items():
            foreign = [bool(script.search(token)) for token in folded]
            if any(foreign):
                pieces = self._vocabularies[code].pieces(folded)
                return _reading(tokens, pieces, [not one for one in foreign])
        english = [
            one not in self._foreign and (knows(token) or self._is_also_english(token))
            for token, one in zip(tokens, folded, strict=True)
        ]
        if all(english):
            return None
        readings = []
        for code in LATIN:
            pieces = self._vocabularies[code].pieces(folded)
            gain = _gain(pieces, english)
            if gain > 0 and any(piece.entry and piece.entry.seen for piece in pieces):
                readings.append((gain, pieces))
        if not readings:
            return None
        best = max(readings, key=lambda one: one[0])[1]
        return _reading(tokens, best, english)

    def _is_also_english(self, word: str) -> bool:
        return word in self._also_english or word.removesuffix("s") in self._also_english


class LanguageWords:
    """The words of one language."""

    def __init__(self, code: str) -> None:
        self._starts, self._endings = STARTS.get(code, ()), ENDINGS[code]
        self._compounds = code == "de"
        self._entries: dict[str, list[LanguageEntry]] = {}  # by the first word

    def add(self, entry: LanguageEntry) -> None:
        """Later meanings of the same words are left out."""
        entries = self._entries.setdefault(entry.phrase[0], [])
        if all(other.phrase != entry.phrase for other in entries):
            entries.append(entry)

    def pieces(self, words: Sequence[str]) -> list[Piece]:
        """The text in phrases, the longest that are known, and single unknown words."""
        found: list[Piece] = []
        place = 0
        while place < len(words):
            entry = self._find(words[place:])
            found.append(Piece(len(entry.phrase) if entry else 1, entry))
            place += found[-1].length
        return found

    def _find(self, words: Sequence[str]) -> LanguageEntry | None:
        best: LanguageEntry | None = None
        for form in self._forms(words[0]):
            for entry in self._entries.get(form, ()):
                longer = best is None or len(entry.phrase) > len(best.phrase)
                if longer and self._begins(words, entry.phrase):
                    best = entry
        return best or (self._compound(words[0]) if self._compounds else None)

    def _begins(self, words: Sequence[str], phrase: tuple[str, ...]) -> bool:
        rest = zip(words[1:], phrase[1:], strict=False)
        return len(words) >= len(phrase) and all(
            word == part or part in self._forms(word) for word, part in rest
        )

    def _forms(self, word: str) -> Iterator[str]:
        """The word, and what the table may have for it; the likeliest first."""
        bare = [word]
        for start in self._starts:
            if word.startswith(start) and len(word) - len(start) >= MIN_STEM:
                bare.append(word[len(start) :])
        yield from bare
        for one in bare:
            for ending, others in self._endings:
                if one.endswith(ending) and len(one) - len(ending) >= MIN_STEM:
                    stem = one[: len(one) - len(ending)]
                    yield from (stem + other for other in others)

    def _compound(self, word: str) -> LanguageEntry | None:
        """A word of two known parts, the first as long as possible: ``Apfelkuchen``."""
        for place in range(len(word) - MIN_PART, MIN_PART - 1, -1):
            last = self._single(word[place:])
            if last is None:
                continue
            for link in LINKS:
                first = word[:place].removesuffix(link) if word[:place].endswith(link) else ""
                known = self._single(first) if len(first) >= MIN_PART else None
                if known is not None:
                    return LanguageEntry((word,), f"{known.english} {last.english}", True)
        return None

    def _single(self, word: str) -> LanguageEntry | None:
        for form in self._forms(word):
            for entry in self._entries.get(form, ()):
                if len(entry.phrase) == 1 and entry.seen:
                    return entry
        return None


def fold(word: str) -> str:
    """``word`` in lower case, without accents; ß is ss."""
    return MARKS.sub("", unicodedata.normalize("NFKD", word.casefold().translate(LETTERS)))


def _gain(pieces: Sequence[Piece], english: Sequence[bool]) -> int:
    """The number of words that are only foreign, minus those that are only English."""
    gain = place = 0
    for piece in pieces:
        for also in english[place : place + piece.length]:
            gain += (piece.entry is not None) - also
        place += piece.length
    return gain


def _reading(
    tokens: Sequence[str], pieces: Sequence[Piece], as_they_are: Sequence[bool]
) -> WordReading:
    """Unknown words are left out, except those that are to be kept as they are."""
    said: list[str] = []
    words: list[tuple[str, str | None]] = []
    place = 0
    for piece in pieces:
        several = tokens[place : place + piece.length]
        if piece.entry is None:
            kept = several[0] if as_they_are[place] else None
            said += [kept] if kept else []
            words.append((several[0], kept))
        else:
            said.append(piece.entry.english)
            if piece.entry.seen:
                words += [(token, piece.entry.english) for token in several]
        place += piece.length
    text = " ".join(filter(None, said))
    return WordReading((text,) if text else (), tuple(words))
