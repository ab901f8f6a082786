"""Text in a question that is meant literally: in quotes, names of files, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from photosd.core.calendar_names import months
from photosd.core.formats import PHOTO_SUFFIXES
from photosd.core.wording import fold

QUOTED = re.compile(
    r"(?<!\w)(\"[^\"\n]+\"|[“”][^“”\n]+[“”]|״[^״\n]+״|«[^»\n]+»|„[^“”\n]+[“”]|'[^'\n]+'"
    r"|[‘’][^‘’\n]+[‘’])(?!\w)"
)
CHUNK = re.compile(r"\S+")
HIDDEN = "\ufffc"  # is in no word


def literal_spans(text: str) -> Iterator[tuple[int, int]]:
    """Quoted text, and what looks like a file's name or an address."""
    yield from (found.span() for found in QUOTED.finditer(text))
    for found in CHUNK.finditer(text):
        if _is_name(found[0]):
            yield found.span()


def _is_name(chunk: str) -> bool:
    if "_" in chunk or "\\" in chunk or "@" in chunk or "://" in chunk:
        return True
    suffix = "." + chunk.rpartition(".")[2].lower() if "." in chunk else ""
    if suffix in PHOTO_SUFFIXES:
        return True
    if "/" not in chunk or not any(letter.isalpha() for letter in chunk):
        return False
    parts = [fold(part).removeprefix("ב") for part in chunk.strip(",.").split("/")]
    return not months().keys() >= set(parts)  # July/August


def hidden(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """``text`` with other characters, which mean nothing, in these spans."""
    for start, end in spans:
        text = text[:start] + HIDDEN * (end - start) + text[end:]
    return text
