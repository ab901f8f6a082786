"""Which of a place's many names are shown, and by which it is found.

GeoNames lists alternate names without their languages, so they are told apart by their script.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from photosd.core import wording

HEBREW = re.compile("[\u05d0-\u05ea]")
LATIN = re.compile("[A-Za-z]")
MARKED = re.compile("[\u0591-\u05c7\u200e\u200f]")  # niqqud, cantillation, direction marks
YIDDISH = re.compile("\\Bא\\B|[ע]")  # vowels: פאריז, בערלין
OLD = ("ביזנטיון", "קושטא", "יבוס", "מוריה", "ציון", "שלם")  # names of former times
MISSING = {"Istanbul": "איסטנבול"}  # among GeoNames' alternates
AIRPORT = re.compile("[A-Z]{3}")
LONGEST = 60  # characters of a name; longer ones are descriptions
MAX_HEBREW = 3
MAX_ALIKE = 20  # names to compare with
HEBREW_COUNTRIES = ("IL", "PS")

# The script that a country's local names are written in, by the languages of GeoNames, as the
# beginning of the Unicode names of its letters.
SCRIPTS = {
    "he": "HEBREW", "ar": "ARABIC", "fa": "ARABIC", "ps": "ARABIC", "ur": "ARABIC",
    "ru": "CYRILLIC", "uk": "CYRILLIC", "be": "CYRILLIC", "bg": "CYRILLIC", "sr": "CYRILLIC",
    "mk": "CYRILLIC", "kk": "CYRILLIC", "ky": "CYRILLIC", "tg": "CYRILLIC", "mn": "CYRILLIC",
    "el": "GREEK", "hy": "ARMENIAN", "ka": "GEORGIAN", "th": "THAI", "lo": "LAO", "km": "KHMER",
    "my": "MYANMAR", "ja": "CJK", "zh": "CJK", "yue": "CJK", "ko": "HANGUL", "am": "ETHIOPIC",
    "hi": "DEVANAGARI", "ne": "DEVANAGARI", "bn": "BENGALI", "si": "SINHALA", "dz": "TIBETAN",
}  # fmt: skip
# Letters of countries whose script others write with other letters.
STANDARDS = {
    "JP": "euc_jp", "CN": "gb2312", "TW": "big5", "HK": "big5", "KR": "euc_kr",
    **dict.fromkeys(("EG", "JO", "LB", "SY", "IQ", "SA", "AE", "MA", "DZ", "TN"), "iso8859_6"),
}  # fmt: skip
# English names that differ from local ones in Latin script, for places that GeoNames calls by
# their English name; a name counts only for a place that has it as an alternate.
LOCAL = {
    "Antwerp": "Antwerpen", "Athens": "Athina", "Belgrade": "Beograd", "Brussels": "Bruxelles",
    "Bucharest": "București", "Cologne": "Köln", "Copenhagen": "København", "Dunkirk": "Dunkerque",
    "Florence": "Firenze", "Geneva": "Genève", "Genoa": "Genova", "Ghent": "Gent",
    "Gothenburg": "Göteborg", "Hanover": "Hannover", "Havana": "La Habana", "Istanbul": "İstanbul",
    "Krakow": "Kraków", "Lisbon": "Lisboa", "Lucerne": "Luzern", "Mantua": "Mantova",
    "Mexico City": "Ciudad de México", "Milan": "Milano", "Munich": "München", "Naples": "Napoli",
    "Nuremberg": "Nürnberg", "Padua": "Padova", "Prague": "Praha", "Rome": "Roma",
    "Seville": "Sevilla", "Syracuse": "Siracusa", "The Hague": "Den Haag", "Turin": "Torino",
    "Venice": "Venezia", "Vienna": "Wien", "Warsaw": "Warszawa", "Zurich": "Zürich",
}  # fmt: skip


def hebrew_names(names: Iterable[str], country: str, english: str = "") -> list[str]:
    """Those in Hebrew letters, the one to show first: plain, not Yiddish, with all letters.

    ``country``: its code; in Israel every letter may be Hebrew.
    """
    found = {unicodedata.normalize("NFC", name.strip()) for name in names if HEBREW.search(name)}
    found.difference_update(OLD)
    if english in MISSING:
        found.add(MISSING[english])

    def order(name: str) -> tuple[int, bool, int, str]:
        yiddish = 0 if country in HEBREW_COUNTRIES else len(YIDDISH.findall(name))
        return yiddish, "-" in name, -len(name), name

    plain = {name for name in found if not MARKED.search(name)}
    found = plain or found
    each = {wording.key(name): name for name in sorted(found, key=order, reverse=True)}
    return sorted(each.values(), key=order)[:MAX_HEBREW]


def local_name(english: str, names: Sequence[str], country: str, language: str) -> str | None:
    """The name in the script of the country's main language, if that is not Latin.

    If there are several: the one that most of the others contain (東京 is in 東京都), or are like.
    Else the local one of a few in Latin letters; for others GeoNames' main name is the local one.
    """
    script = SCRIPTS.get(language)
    if script is None:
        local = LOCAL.get(english)
        return local if local in names else None
    if script == "HEBREW":
        return next(iter(hebrew_names(names, country, english)), None)
    found = [name for name in names if _is_in(name, script)]
    written = [name for name in found if _is_written(name, country)] or found

    def order(name: str) -> tuple[int, float, int, str]:
        held = sum(name in other for other in found) if script in ("CJK", "HANGUL") else 0
        return -held, -_likeness(name, found), abs(len(name) - len(english)), name

    return min(written, key=order, default=None)


def _likeness(name: str, others: Sequence[str]) -> float:
    """Sum of how much the others are like it, each from 0 to 1."""
    return sum(difflib.SequenceMatcher(None, name, other).ratio() for other in others[:MAX_ALIKE])


def _is_in(name: str, script: str) -> bool:
    letters = [letter for letter in name if letter.isalpha()]
    return bool(letters) and all(
        unicodedata.name(letter, "").startswith(script) for letter in letters
    )


def _is_written(name: str, country: str) -> bool:
    """Whether the country's own standard of letters has all of them: 東京 in Japan, not 东京."""
    try:
        name.encode(STANDARDS.get(country, "utf-8"))
    except UnicodeEncodeError:
        return False
    return True


def lookup_keys(name: str, alternates: Iterable[str]) -> set[str]:
    """Keys (`core.wording.key`) of the names by which a place is found.

    Without codes of airports, and without transcriptions from other scripts, which GeoNames writes
    in small letters.
    """
    kept = [name]
    for alternate in alternates:
        first = alternate[:1]
        if len(alternate) > LONGEST or AIRPORT.fullmatch(alternate):
            continue
        if LATIN.match(first) and first.islower():
            continue
        kept.append(alternate)
    return {found for found in map(wording.key, kept) if found}
