"""What remains of a question without the words that were read: the words for the model."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from photosd.core import wording
from photosd.search.function_words import (
    ABOUT_PHOTOS,
    ALTERNATIVES,
    BEFORE_THE,
    DANGLING,
    LEADING,
)
from photosd.search.request_words import request_end
from photosd.search.spellings import WORD

Span = tuple[int, int]  # of characters of the text

EMOJI = "So"  # their category in Unicode
EDGES = " \t\n\r,;:.-–—־·/&|?!"


def remainder(text: str, spans: Sequence[Span], literal: Sequence[Span]) -> list[Span]:
    """The text between the spans, without words such as ``in`` and ``with`` next to them; nothing
    if it only asks for photos, without an emoji. ``literal``: spans that stay as they are.
    """
    taken = [edge for span in spans for edge in span]
    edges = [min([request_end(text), *taken]), *taken, len(text)]
    found = []
    for number in range(0, len(edges), 2):
        start, end = _trimmed(text, edges[number], edges[number + 1], literal)
        if start < end:
            found.append((start, end))
    rest = " ".join(text[start:end] for start, end in found)
    if all(word in ABOUT_PHOTOS for word in wording.words(rest)):
        return found if any(unicodedata.category(sign) == EMOJI for sign in rest) else []
    return found


def _trimmed(text: str, start: int, end: int, literal: Sequence[Span]) -> Span:
    first, last = start > 0, end < len(text)
    while True:
        kept = text[start:end]
        if not (kept := kept.strip(EDGES if first or last else None)):
            return start, start
        start = text.index(kept, start)
        end = start + len(kept)
        words = [one for one in WORD.finditer(kept)]
        if any(begin <= start and end <= until for begin, until in literal) or not words:
            return start, end
        opening, closing = wording.fold(words[0][0]), wording.fold(words[-1][0])
        the = len(words) > 1 and wording.fold(words[1][0]) == "the"
        if last and closing in DANGLING | ALTERNATIVES and words[-1].end() == len(kept):
            end = start + words[-1].start()
        elif (
            first
            and words[0].start() == 0
            and (opening in LEADING | ALTERNATIVES or (the and opening in BEFORE_THE))
        ):
            start += words[0].end()
        else:
            return start, end
