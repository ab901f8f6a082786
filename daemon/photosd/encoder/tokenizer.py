"""Converts text to token ids, and measures how much of it the model knows."""

from __future__ import annotations

import bisect
import importlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photosd.encoder.glossary import Glossary, WordReading
from photosd.encoder.hebrew import is_hebrew
from photosd.encoder.languages import Languages
from photosd.encoder.synonyms import Synonyms
from photosd.models.spec import ModelSpec

Tokens = NDArray[np.int64]

# Hebrew letters with geresh or gershayim; letters and digits; or signs such as emoji.
WORD = re.compile("[א-ת]+(?:['\"׳״’][א-ת]+)*['׳’]?|[^\\W_א-ת]+|[^\\w\\s]+")
MAQAF = "\u05be"  # the Hebrew hyphen
POINTS = re.compile("[\u0591-\u05c7\u064b-\u0652\u0670]")  # vowels and accents; rarely typed
ENDINGS = ("'s", "s", "es", "ies", "ing", "ed", "er", "est")
CHARACTERS = 2000  # more cannot change the first tokens of any model


class TextTokenizer:
    """The tokenizer of one model, read from its directory; never from the network."""

    def __init__(self, spec: ModelSpec, directory: Path) -> None:
        self._spec, self._length = spec.tokenizer, spec.tokenizer.context_length
        self._room = self._length - (
            2
            if spec.tokenizer.kind == "clip-bpe"
            else (spec.tokenizer.bos is not None) + (spec.tokenizer.eos is not None)
        )
        self._words = (
            _read_words(directory / spec.tokenizer.words) if spec.tokenizer.words else None
        )
        glossary = spec.tokenizer.glossary
        self._glossary = Glossary.of(directory / glossary) if glossary else None
        languages = spec.tokenizer.languages
        self._languages = Languages.of(directory / languages) if languages else None
        synonyms = spec.tokenizer.synonyms
        self._synonyms = Synonyms.of(directory / synonyms) if synonyms else None
        self._latin_only = set(spec.languages) == {"en"}
        if spec.tokenizer.kind == "clip-bpe":
            bundled = importlib.import_module("open_clip.tokenizer")
            self._tokenizer: Any = bundled.SimpleTokenizer(context_length=self._length)
        else:
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(str(directory / (spec.tokenizer.file or "")))
            self._tokenizer.no_truncation()  # set both here, also for unusual files
            self._tokenizer.no_padding()
        self._clean = _cleaner(spec.tokenizer.clean)

    def encode(self, texts: Sequence[str]) -> Tokens:
        """Token ids, (n, context length) int64, padded; long texts keep their end token."""
        prepared = [self._clean(_prepare(text)) for text in texts]
        if self._spec.kind == "clip-bpe":
            return np.asarray(self._tokenizer(prepared).numpy(), np.int64)
        rows = np.full((len(prepared), self._length), self._spec.pad_id, np.int64)
        for row, text in zip(rows, prepared, strict=True):
            ids = self._tokenizer.encode(text, add_special_tokens=False).ids[: self._room]
            if self._spec.bos is not None:
                ids = [self._spec.bos, *ids]
            if self._spec.eos is not None:
                ids = [*ids, self._spec.eos]
            row[: len(ids)] = ids
        return rows

    def readings(self, text: str) -> tuple[str, ...]:
        """What to encode for ``text``: itself, or its English meanings, the likeliest first.

        Unknown words of other languages are left out, except if there is no other word.
        """
        reading = self.translated(text)
        texts = (reading.texts if reading else ()) or (text,)
        if self._synonyms is None:
            return texts
        return tuple(self._synonyms.said(one, self.knows) for one in texts)

    def understood(self, text: str) -> tuple[float, list[str]]:
        """The share of the words that the model knows, 0 to 1, and the unknown words."""
        reading = self.translated(text)
        words = reading.words if reading else tuple((word, word) for word in words_of(text))
        unknown = [word for word, meaning in words if not self._understands(meaning)]
        share = 1 - len(unknown) / len(words) if words else 0.0
        return share, list(dict.fromkeys(unknown))[:20]

    def words_used(self, text: str) -> int | None:
        """How many words the model sees of a truncated text; None: all."""
        if self._fits(text):
            return None
        words = text[: 2 * CHARACTERS].split()
        return bisect.bisect_left(
            range(1, len(words) + 1),
            True,
            key=lambda number: not self._fits(" ".join(words[:number])),
        )

    def translated(self, text: str) -> WordReading | None:
        """A text of another language in English; None if it is English."""
        if self._glossary is not None and is_hebrew(text):
            return self._glossary.read(words_of(text))
        if self._languages is not None:
            return self._languages.read(words_of(text), self._is_english)
        return None

    def _is_english(self, word: str) -> bool:
        return self.knows(word) or (self._synonyms is not None and self._synonyms.covers(word))

    def _fits(self, text: str) -> bool:
        if len(_normalised(text)) > CHARACTERS:
            return False
        return all(map(self._has_room, self.readings(text)))

    def _has_room(self, text: str) -> bool:
        prepared = self._clean(_prepare(text))
        if self._spec.kind == "clip-bpe":
            return len(self._tokenizer.encode(prepared)) <= self._room
        return len(self._tokenizer.encode(prepared, add_special_tokens=False).ids) <= self._room

    def _understands(self, meaning: str | None) -> bool:
        """Whether most words are known, or have a synonym."""
        words = words_of(meaning or "")
        known = [self.knows(one) or self._has_synonym(one) for one in words]
        return sum(known) * 2 >= len(known) > 0

    def _has_synonym(self, word: str) -> bool:
        return self._synonyms is not None and self._synonyms.has(word)

    def knows(self, word: str) -> bool:
        """Whether its list of words has this English word, in any form; without a list, a guess."""
        if self._words is None:
            return not self._latin_only or _is_latin(word)
        return word.isdecimal() or any(form in self._words for form in _forms(word))


def words_of(text: str) -> list[str]:
    """The words that `TextTokenizer.understood` counts, in order; some are pictures."""
    found = WORD.findall(_prepare(text).lower())
    return [word for word in found if word[0].isalnum() or _is_picture(word)]


def _prepare(text: str) -> str:
    return _normalised(text)[:CHARACTERS]


def _normalised(text: str) -> str:
    return POINTS.sub("", unicodedata.normalize("NFC", text).replace(MAQAF, "-"))


def _cleaner(kind: str) -> Callable[[str], str]:
    """open_clip's text cleaning; its bundled tokenizer does this itself."""
    if not kind:
        return lambda text: text
    clean: Callable[[str], str] = importlib.import_module("open_clip.tokenizer").get_clean_fn(kind)
    return clean


def _forms(word: str) -> list[str]:
    """The word, and its stem without an English ending (docs/starter-model.md)."""
    forms = [word]
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            stem = word[: -len(ending)]
            forms += [stem, stem + "e", stem + "y"]
            if len(stem) > 2 and stem[-1] == stem[-2]:
                forms.append(stem[:-1])  # running: run
    return forms


def _is_picture(signs: str) -> bool:
    """Whether it contains a picture, not only punctuation: ``🐶``, ``♥``."""
    return any(unicodedata.category(sign) == "So" for sign in signs)


def _is_latin(word: str) -> bool:
    return all("LATIN" in unicodedata.name(c, "") for c in word if c.isalpha())


def _read_words(file: Path) -> frozenset[str]:
    return frozenset(file.read_text("utf-8").split())
