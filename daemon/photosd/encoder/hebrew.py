"""Hebrew words without their prefixes and endings, spelled with or without vowel letters.

Rules of spelling only: whether a form is a word is for the glossary to say (see glossary.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

QUOTES = str.maketrans({"\u05f3": "'", "\u2019": "'", "\u05f4": '"', "\u201d": '"'})

# And, that, when; then in, to, from, like; then the. Longer ones come first in no word.
PREFIX = re.compile("(ו?)((?:כש|לכש|מש|ש)?)([בלמכ]?)(ה?)")
FINAL = str.maketrans("כמנפצ", "ךםןףץ")
MEDIAL = str.maketrans("ךםןףץ", "כמנפצ")
PLURALS = ("ים", "ות")
MIN_STEM = 2  # letters of a word without its prefix
MIN_OWNED = 3  # letters of a thing without the letters for its owner
VOWEL_LETTERS = "וי"
MIN_SKELETON = 3


def plain(word: str) -> str:
    """``word`` with ASCII quotes, and with final letters at its end only."""
    letters = word.translate(QUOTES).translate(MEDIAL)
    stem = letters.rstrip("'")
    return stem[:-1] + stem[-1:].translate(FINAL) + letters[len(stem) :]


def is_hebrew(text: str) -> bool:
    """Whether any letter of ``text`` is Hebrew."""
    return any("\u05d0" <= letter <= "\u05ea" for letter in text)


def splits(word: str) -> Iterator[tuple[str, str]]:
    """All divisions of a word into prefixes and the rest, short prefixes first."""
    for length in range(min(6, len(word) - MIN_STEM) + 1):
        if PREFIX.fullmatch(word[:length]):
            yield word[:length], word[length:]


def stems(word: str) -> Iterator[tuple[str, str]]:
    """Dictionary forms that ``word`` may be a form of, and which form: ``plural``, ``feminine``
    or ``construct``.
    """
    for ending, replacements, form in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= MIN_STEM:
            stem = word[: -len(ending)]
            for replacement in replacements:
                yield _ended(stem, replacement), form


# Endings of words, what the dictionary form ends with instead ("-" takes off a letter), the form.
ENDINGS = (
    ("ים", ("", "ה", "י"), "plural"),
    ("ות", ("ה", "ת", "", "-ת", "-"), "plural"),
    ("יים", ("", "ה", "ת"), "plural"),
    ("אות", ("", "ה"), "plural"),
    ("ת", ("ה",), "construct"),
    ("י", ("", "ה"), "construct"),
    ("ה", ("",), "feminine"),
    ("ת", ("",), "feminine"),
    ("יה", ("",), "feminine"),
    ("יות", ("", "ית"), "plural"),
    ("ית", ("", "י"), "feminine"),
)


def owned(word: str) -> Iterator[tuple[str, str]]:
    """Dictionary forms of what is mine, yours or theirs: ``כלבתי``, ``ילדינו``."""
    for ending, replacements in OWNERS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= MIN_OWNED:
            for replacement in replacements:
                yield _ended(stem, replacement), "construct"


# Whose it is; of singular, feminine and plural words.
OWNERS = (
    *((ending, ("ה",)) for ending in ("תי", "תך", "תו", "תה", "תנו", "תכם", "תם")),
    *((ending, ("", "ה")) for ending in ("יי", "ייך", "יך", "יו", "ינו", "יכם", "יהם", "יהן")),
    *((ending, ("ה", "ת", "")) for ending in ("ותי", "ותיי", "ותיו", "ותינו", "ותיהם")),
    ("נו", ("",)),
)


def tenses(word: str) -> Iterator[str]:
    """What the present of a verb may be, for other tenses: ``קפצתי``, ``נקפוץ``, ``לטייל``."""
    stems = [word[: -len(one)] for one in PAST if word.endswith(one)]
    if word.startswith(FUTURE):
        stems += [word[1:].removesuffix("י").removesuffix("ו")]
    for stem in stems:
        if len(stem) >= MIN_STEM:
            yield stem
            yield "מ" + stem.removeprefix("ה")
            if stem.endswith("י"):
                yield stem[:-1] + "ה"
            if len(stem) > MIN_STEM and stem[1] in VOWEL_LETTERS:
                yield stem[0] + stem[2:]


PAST = ("תי", "נו", "תם", "תן")  # I, we, you
FUTURE = ("נ", "ת", "ל")  # we, you; or to do it


def skeleton(word: str) -> str:
    """``word`` without vowel letters inside: equal for the spellings of one word."""
    medial = word.replace("'", "").translate(MEDIAL)
    return medial[:1] + "".join(one for one in medial[1:] if one not in VOWEL_LETTERS)


def doubled(word: str) -> str:
    """``word`` with each double vowel letter once."""
    return word.replace("יי", "י").replace("וו", "ו")


def crude(word: str) -> str:
    """A key that forms of one word share; other words may share it as well."""
    medial = word.replace("'", "").translate(MEDIAL)
    if medial.startswith("ה") and len(medial) > MIN_STEM + 1:
        medial = medial[1:]
    for ending in ("יימ", "ימ", "ות", "י", "ה", "ת"):
        if medial.endswith(ending) and len(medial) - len(ending) >= MIN_STEM:
            medial = medial[: -len(ending)]
            break
    return doubled(medial)


def _ended(stem: str, replacement: str) -> str:
    if replacement.startswith("-"):
        stem, replacement = stem[:-1], replacement[1:]
    whole = stem + replacement
    return whole[:-1] + whole[-1:].translate(FINAL)
