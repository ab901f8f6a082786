"""Normalises words of paths, so that each word has one spelling.

Case, accents, niqqud, final letters, quotation marks and the two forms of an accented letter (NFC,
NFD) are ignored. Files are named by people, cameras and other systems' file managers.
"""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
# wedding12; not cafe12, which may be a hexadecimal number.
NUMBERED = re.compile(r"(?![a-f]+\d)([^\W\d_]{3,})\d+")
# Hebrew prefixes in their order: "and", "that" or "when", "in" or the like, "the".
PREFIXES = re.compile("ו?(?:ל?כש|מש|ש)?[בלמכ]?ה?")
FINAL_LETTERS = str.maketrans("ךםןףץ", "כמנפצ")
MARKS = dict.fromkeys(map(ord, "'\"`\u00b4\u2018\u2019\u201c\u201d\u02bc\u05f3\u05f4\u2032\u2033"))


def fold(text: str) -> str:
    """``text`` normalised; joiners, accents and quotation marks are removed."""
    folded = text.casefold()
    if not folded.isascii():
        apart = unicodedata.normalize("NFKD", folded).translate(FINAL_LETTERS)
        folded = "".join(letter for letter in apart if not _is_silent(letter))
    return folded.translate(MARKS)


def words(text: str) -> list[str]:
    """Normalised words: runs of letters and digits."""
    return WORD.findall(fold(text))


def key(name: str) -> str:
    """Equal for two names that differ only in blanks, dashes and similar characters."""
    return "".join(words(name)) or fold(name).strip()


def are_prefixes(letters: str) -> bool:
    """Whether these Hebrew letters, the first ones of a word, can be prefixes: not `המו`."""
    return PREFIXES.fullmatch(letters) is not None


def stem(name: str) -> str:
    """A file's name without its suffix."""
    before, _, suffix = name.rpartition(".")
    return before if before and suffix else name


def read(path: bytes) -> str:
    """A path as text, without bytes that are not UTF-8, which cannot be typed."""
    return path.decode("utf-8", "ignore")


# -- as SQL functions of a path (BLOB), for triggers and migrations -------------------------------


def name_words(path: bytes) -> str:
    """The words of the file's own name."""
    return " ".join(_with_bare(words(read(path.rpartition(b"/")[2]))))


def folder_words(path: bytes) -> str:
    """The words of its folders."""
    return " ".join(_with_bare(words(read(path.rpartition(b"/")[0]))))


def name_key(path: bytes) -> str:
    """The key of its own name, without the suffix."""
    return key(stem(read(path.rpartition(b"/")[2])))


def _with_bare(found: list[str]) -> list[str]:
    """These words, and those with a number at their end also without it."""
    return found + [match[1] for word in found if (match := NUMBERED.fullmatch(word)) is not None]


def _is_silent(letter: str) -> bool:
    return unicodedata.combining(letter) != 0 or unicodedata.category(letter) in ("Cf", "Cs")
