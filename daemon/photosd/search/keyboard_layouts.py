"""Other readings of a query: its script, and the text in another keyboard layout."""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from photosd.index.vocabulary import Vocabulary
from photosd.models.spec import LANGUAGES, STARTER
from photosd.search.query_cache import QueryEmbedding

LATIN = "Latin"
CYRILLIC = "Cyrillic"
SCRIPTS = {
    **{"en": LATIN, "de": LATIN, "es": LATIN, "fr": LATIN},
    **{"he": "Hebrew", "ar": "Arabic", "ru": CYRILLIC},
}  # of languages
NAMED = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}
WORD = re.compile("[a-z]{4,}")  # shorter words resemble too many
NEAR = 0.75  # similarity of two spellings, by difflib
MIN_NEAR_LETTERS = 4  # of words that may be misspelled labels
MAX_NEAR_WORDS = 5  # each is compared with thousands of labels
NEAR_KEPT = 1000  # words: comparing one with all takes 3 ms
ENOUGH = 0.5  # of the letters; a foreign name among English words is not another language

# The same keys in the order of a US keyboard, by script; "ـ" marks a key without a letter.
KEYS = "qwertyuiop[]asdfghjkl;'zxcvbnm,./"
LAYOUTS = {
    "Hebrew": "/'קראטוןםפ][שדגכעיחלךף,זסבהנמצתץ.",
    CYRILLIC: "йцукенгшщзхъфывапролджэячсмитьбю.",
    "Arabic": "ضصثقفغعهخحجدشسيبلاتنمكطئءؤرـىةوزظ",
}
ARABIC_B = "\u0644\u0627"  # two letters that share the key b


def script_of(text: str) -> str | None:
    """The script of most of its letters: ``Hebrew``; None without letters."""
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return None
    (script, number), *_ = Counter(map(_script, letters)).most_common(1)
    return script if number >= ENOUGH * len(letters) else None


def scripts_of(languages: Sequence[str]) -> frozenset[str] | None:
    """The scripts that a model of these languages reads; None: any."""
    if not set(languages) <= set(SCRIPTS):
        return None
    return frozenset(SCRIPTS[language] for language in languages)


def other_layouts(text: str, scripts: frozenset[str] | None) -> list[str]:
    """The text of the same keys in other layouts, if all are letters there.

    Readings in other scripts than these, if given, are left out.
    """
    script = script_of(text)
    if script == LATIN:
        names = [name for name in LAYOUTS if scripts is None or name in scripts]
        return [reading for name in names if (reading := _to(text, LAYOUTS[name]))]
    for name, layout in LAYOUTS.items():
        if script == name:
            return _only(_translated(text.replace(ARABIC_B, "b"), layout, KEYS))
    return []


def foreign_script_warning(text: str, model: str, languages: Sequence[str]) -> list[str]:
    """Warning for a query in a script that a model of these languages does not read."""
    script, scripts = script_of(text), scripts_of(languages)
    if scripts is None or script is None or script in scripts:
        return []
    *most, last = (LANGUAGES[language] for language in languages)
    known = f"{', '.join(most)} and {last}" if most else last
    return [
        f"The model {model} understands {known} only, not {script}. "
        "Install and use one that does: photosd model pull multilingual; "
        "photosd model use multilingual"
    ]


def spelling_warning(unknown: Sequence[str]) -> list[str]:
    """Warning for words that resemble known words of a model with a word list."""
    return [
        f"{word}: did you mean {' or '.join(near)}?"
        for word in unknown
        if WORD.fullmatch(word) and (near := _near(word))
    ]


def label_warning(unknown: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Warning for words that resemble tags and people of the library, in any script."""
    said = []
    for word in unknown[:MAX_NEAR_WORDS]:
        if len(word) >= MIN_NEAR_LETTERS:
            near = [
                f"the {kind} {name!r}"
                for kind in ("tag", "person")
                for name in vocabulary.near(kind, word, 1)
            ]
            said += [f"{word}: did you mean {' or '.join(near)}?"] if near else []
    return said


@functools.lru_cache(NEAR_KEPT)
def _near(word: str) -> list[str]:
    alike = [other for other in _common_words() if abs(len(other) - len(word)) <= 1]
    return difflib.get_close_matches(word, alike, 2, NEAR)


@functools.cache
def _common_words() -> tuple[str, ...]:
    return tuple((STARTER / "words.txt").read_text("utf-8").split())


def cut_warning(embedding: QueryEmbedding | None) -> list[str]:
    """Warning for a text longer than the model reads."""
    if embedding is None or embedding.words_used is None:
        return []
    words = embedding.words_used
    first = "word was" if words == 1 else f"{words} words were"
    said = f"Only the first {first} used" if words else "Only the beginning of the text was used"
    return [f"{said}: the model reads no more. Shorten the text."]


def _script(character: str) -> str:
    first = unicodedata.name(character, "UNKNOWN").partition(" ")[0]
    return NAMED.get(first, first.capitalize())


def _to(text: str, layout: str) -> str | None:
    """``text`` in the layout; None if a key in it has no letter there."""
    return next(iter(_only(_translated(text.lower(), KEYS, layout))), None)


def _translated(text: str, keys: str, others: str) -> str | None:
    table = dict(zip(keys, others, strict=True))
    if any(character not in table and not character.isspace() for character in text):
        return None
    return "".join(table.get(character, character) for character in text)


def _only(reading: str | None) -> list[str]:
    if reading is None or not all(c.isalpha() or c.isspace() for c in reading):
        return []
    return [reading]
