"""Text of metadata: its encodings, and its limits.

EXIF and IPTC declare no encoding, or a wrong one, so it is recognised: UTF-8, UTF-16, windows-1255
(Hebrew), windows-1252 (Latin).
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterable

from photosd.core.wording import fold

MAX_CHARACTERS = 80  # of a camera, a lens, a label
TITLE_CHARACTERS = 300
CAPTION_CHARACTERS = 4000
NAME_CHARACTERS = 120  # of a tag, a person, a place
MAX_WORDS = 256  # tags, or people
MAX_BYTES = 65_536  # of one text that is decoded
HEBREW = re.compile(rb"[\xe0-\xfa]{2}|[\xe0-\xfa][\xc0-\xd2]")  # letters, niqqud: windows-1255
MIXED = re.compile(rb"[A-Za-z][\xc0-\xff]|[\xc0-\xff][A-Za-z]")  # Latin words have ASCII letters
LAST_ALPHABET = 7  # the high byte of Latin, Greek, Cyrillic, Hebrew and Arabic letters in UTF-16
# What cameras and programs write where a person has written nothing.
DEFAULT_CAPTIONS = frozenset(
    (
        "apple", "appleimage", "applemark", "ascii", "burst", "camera", "charset=ascii", "cof",
        "created with gimp", "dav", "default", "dcim", "dsc", "dscn", "edf", "exif_jpeg_picture",
        "exif_jpeg_t422", "fznor", "hdr", "hdrpl", "img", "jpeg", "lead technologies inc. v1.01",
        "mde", "none", "nor", "null", "oznor", "ozedf", "ozmde", "photo", "picture", "rbt", "rhdr",
        "samsung", "sdr", "sony dsc", "untitled",
    )
)  # fmt: skip
DEFAULT_FORMS = re.compile(
    r"[\w .<>-]*\bdigital (still )?camera\W*|<digimax .*>|digimax \w+|file written by adobe .*"
)


def decoded(data: bytes) -> str:
    """Bytes as text; never fails."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if code := _wide_code(data):
        return data.decode(code, "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3 and error.reason == "unexpected end of data":
            return data[: error.start].decode("utf-8-sig")  # cut off in the middle of a letter
    if len(HEBREW.findall(data)) > len(MIXED.findall(data)):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("cp1255")
    return data.decode("cp1252", "replace")


def _wide_code(data: bytes) -> str | None:
    """The form of UTF-16 of a text without a mark of the order of bytes, if it is one: then each
    second byte is the number of an alphabet, and no text has such bytes.
    """
    for code, alphabets in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        if len(data) >= 4 and len(data) % 2 == 0 and max(alphabets) <= LAST_ALPHABET:
            return code
    return None


def text(value: object, most: int = MAX_CHARACTERS) -> str | None:
    """One line of printable characters, up to the first NUL; None if nothing is left.

    ``value``: bytes, or text that Pillow has decoded as Latin-1.
    """
    if isinstance(value, str):
        try:
            data = value.encode("latin-1")
        except UnicodeEncodeError:
            return line(value, most)
    elif isinstance(value, bytes):
        data = value
    else:
        return None
    return line(decoded(data[:MAX_BYTES]), most)


def wide(value: object, most: int) -> str | None:
    """The text of Windows' EXIF tags, UTF-16."""
    if isinstance(value, tuple):
        value = b"".join(one.to_bytes() for one in value if one in range(256))
    if not isinstance(value, bytes):
        return None
    return line(value[:MAX_BYTES].decode("utf-16-le", "replace"), most)


def line(value: str | None, most: int = MAX_CHARACTERS) -> str | None:
    """Decoded text as `text` returns it."""
    if not value:
        return None
    value = value[: 2 * MAX_BYTES].partition("\0")[0]
    if not value.isprintable():
        value = "".join(letter if _is_shown(letter) else " " for letter in value)
    # Lone surrogates would break JSON output.
    return " ".join(value.split())[:most].strip() or None


def _is_shown(letter: str) -> bool:
    """Without controls, surrogates and marks of direction, which may reorder other text."""
    joins = letter in "\u200c\u200d"
    return letter.isprintable() or joins or unicodedata.category(letter) == "Zs"


def caption(value: str | None, camera: str | None = None) -> str | None:
    """``value`` unless cameras write it by themselves."""
    plain = (value or "").casefold().strip(" .\"'-_")
    if plain in DEFAULT_CAPTIONS or DEFAULT_FORMS.fullmatch(plain):
        return None
    if not any(letter.isalnum() for letter in plain) or (camera and plain in camera.casefold()):
        return None
    return value


def each_once(words: Iterable[str | None], most: int = MAX_WORDS) -> tuple[str, ...]:
    """Words without those that differ from an earlier one only in case, accents and the like."""
    found: dict[str, str] = {}
    for word in words:
        if word:
            found.setdefault(fold(word) or word, word)
        if len(found) == most:
            break
    return tuple(found.values())
