"""Words of paths as they are compared: folded, so that one word has one spelling.

Case, accents, niqqud, final letters, quotation marks and the two ways to write an accented letter
(NFC, NFD) make no difference. Files are named by people, cameras and other systems' file managers.
"""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
FINAL_LETTERS = str.maketrans("ךםןףץ", "כמנפצ")
MARKS = dict.fromkeys(map(ord, "'\"`\u00b4\u2018\u2019\u201c\u201d\u02bc\u05f3\u05f4\u2032\u2033"))


def fold(text: str) -> str:
    """``text`` in its one spelling; what joins, accents or quotes letters is gone."""
    folded = text.casefold()
    if not folded.isascii():
        apart = unicodedata.normalize("NFKD", folded).translate(FINAL_LETTERS)
        folded = "".join(letter for letter in apart if not _is_silent(letter))
    return folded.translate(MARKS)


def words(text: str) -> list[str]:
    """Its words, folded: runs of letters and digits."""
    return WORD.findall(fold(text))


def key(name: str) -> str:
    """What two names have in common that differ in blanks, dashes and the like alone."""
    return "".join(words(name)) or fold(name).strip()


def stem(name: str) -> str:
    """A file's name without its suffix."""
    before, _, suffix = name.rpartition(".")
    return before if before and suffix else name


def read(path: bytes) -> str:
    """A path as text; bytes that are not UTF-8 cannot be typed, and are left out."""
    return path.decode("utf-8", "ignore")


# -- as SQL functions of a path (BLOB), for triggers and migrations -------------------------------


def name_words(path: bytes) -> str:
    """The words of the file's own name."""
    return " ".join(words(read(path.rpartition(b"/")[2])))


def folder_words(path: bytes) -> str:
    """The words of the folders that it lies in."""
    return " ".join(words(read(path.rpartition(b"/")[0])))


def name_key(path: bytes) -> str:
    """The key of its own name, without the suffix."""
    return key(stem(read(path.rpartition(b"/")[2])))


def _is_silent(letter: str) -> bool:
    return unicodedata.combining(letter) != 0 or unicodedata.category(letter) in ("Cf", "Cs")
