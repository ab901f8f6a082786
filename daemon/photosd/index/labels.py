"""Labels: numbers of filterable values; the values of a photo that have names; words of its facts.

A value is a person, a tag, a place, a country or a camera. Its key is its folded spelling, so that
case, accents, niqqud, blanks and dashes make no difference.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import xxhash

from photosd.core import wording

# The place of a kind here is in each of its labels. Only append: labels are stored.
KINDS = (
    "in", "format", "rating", "camera", "orientation", "person", "tag", "place", "country",
    "undated",
)  # fmt: skip
OF_KIND = 15  # the bits of a label that tell its kind

# In the text index, the key of a whole value begins with WHOLE, and the word DESCRIBED is in every
# row with facts. No text of a query has a word with these characters.
WHOLE, DESCRIBED = "\ue000", "\ue001"
# By name, the number of arguments: the columns facts and place of contents.
SQL_FUNCTIONS = {
    "said_values": 2, "title_words": 1, "caption_words": 1, "place_words": 2, "tag_words": 1,
    "people_words": 1, "folder_of": 1, "folder_label": 1, "named_facts": 1, "located_facts": 1,
}  # fmt: skip

# Facts that tell the place, and those with words and values.
LOCATED = (
    "latitude", "longitude", "city", "sublocation", "region", "country", "country_code",
)  # fmt: skip
NAMED = ("people", "tags", "camera", "title", "caption", *LOCATED[2:])

Facts = Mapping[str, Any]


class NamedValue(NamedTuple):
    """A value of a photo as its metadata spells it; ``main``: not another name of a place."""

    kind: str
    key: str
    shown: str
    main: bool = True

    @property
    def label(self) -> int:
        """Its number."""
        # Cameras are compared by parts of their names, blanks included.
        return label(self.kind, camera_key(self.shown) if self.kind == "camera" else self.key)


def label(kind: str, name: object) -> int:
    """The signed 64-bit number for a value of this kind and name; its lowest bits are the kind."""
    text = name if isinstance(name, bytes) else str(name).encode()
    digest = xxhash.xxh3_64_digest(kind.encode() + b"\0" + text)
    return int.from_bytes(digest, signed=True) & ~OF_KIND | KINDS.index(kind)


def camera_key(camera: object) -> str | None:
    """A camera's name for comparison; None if empty."""
    return (camera.casefold().strip() or None) if isinstance(camera, str) else None


def values_of(facts: Facts, place: Facts | None = None) -> list[NamedValue]:
    """Every named value of a content, each once, by its first spelling.

    ``facts``: see decode.messages.Facts; ``place``: see index.placing.
    """
    found: dict[tuple[str, str], NamedValue] = {}
    for kind, shown, main in _values(facts, place or {}):
        if key := wording.key(shown):
            found.setdefault((kind, key), NamedValue(kind, key, shown, main))
    return list(found.values())


def _values(facts: Facts, place: Facts) -> Iterator[tuple[str, str, bool]]:
    yield from (("person", name, True) for name in _texts(facts.get("people")))
    yield from (("tag", name, True) for name in _texts(facts.get("tags")))
    yield from (("place", name, n == 0) for n, name in enumerate(_places(facts, place)))
    yield from (("country", name, n == 0) for n, name in enumerate(_countries(facts, place)))
    yield from (("camera", name, True) for name in _texts(facts.get("camera")))


def _places(facts: Facts, place: Facts) -> list[str]:
    """Names of the place where it was taken, the one to show first."""
    named = [*_texts(place.get("city")), *_texts(facts.get("city"))]
    named += [*_texts(facts.get("sublocation")), *_texts(place.get("names"))]
    return [*named, *_texts(place.get("region")), *_texts(facts.get("region"))]


def _countries(facts: Facts, place: Facts) -> list[str]:
    named = [*_texts(place.get("country")), *_texts(facts.get("country"))]
    return [*named, *_texts(place.get("countries"))]


def _texts(value: object) -> list[str]:
    """A text or a list of texts as a list; anything else is ignored."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return [one for one in values if isinstance(one, str) and one.strip()]


# -- as SQL functions of the columns facts and place, for triggers and migrations ------------------


def named_facts(facts: str | None) -> str:
    """Those of which `said_values` and the words of a row are made."""
    return _some(facts, NAMED)


def located_facts(facts: str | None) -> str:
    """Those that tell the place."""
    return _some(facts, LOCATED)


def _some(facts: str | None, names: Sequence[str]) -> str:
    found = _decoded(facts)
    return msgspec.json.encode([found.get(name) for name in names]).decode()


@functools.lru_cache(4)  # triggers ask several times for one row
def said_values(facts: str | None, place: str | None) -> str:
    """A JSON list of [label, spelling, kind, key, 1 if main] for each named value."""
    found = values_of(_decoded(facts), _decoded(place))
    rows = [[one.label, one.shown, one.kind, one.key, int(one.main)] for one in found]
    return msgspec.json.encode(rows).decode()


def folder_of(path: bytes) -> bytes:
    """The folder of a photo."""
    return path.rpartition(b"/")[0]


def folder_label(path: bytes) -> int:
    """The label of the folder of a photo."""
    return label("in", folder_of(path))


def title_words(facts: str | None) -> str:
    """The words of the title."""
    return _words_of(_texts(_decoded(facts).get("title")), 2)


def caption_words(facts: str | None) -> str:
    """The words of the caption."""
    words = wording.words(" ".join(_texts(_decoded(facts).get("caption"))))
    return " ".join([DESCRIBED, *dict.fromkeys(words)]) if words else ""


def tag_words(facts: str | None) -> str:
    """The words of the tags."""
    return _words_of(_texts(_decoded(facts).get("tags")), 2)


def people_words(facts: str | None) -> str:
    """The words of people's names."""
    return _words_of(_texts(_decoded(facts).get("people")), 1)


def place_words(facts: str | None, place: str | None) -> str:
    """The words of the names of its place, the region and the country included."""
    found, where = _decoded(facts), _decoded(place)
    return _words_of([*_places(found, where), *_countries(found, where)], 2)


def _words_of(names: Sequence[str], least: int) -> str:
    """The words of names, and the whole key of each name that has at least so many words."""
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys(words := wording.words(name))
        if len(words) >= least:
            found[WHOLE + "".join(words)] = None
    return " ".join([DESCRIBED, *found]) if found else ""


@functools.lru_cache(4)  # each function of a row decodes the same
def _decoded(text: str | None) -> Facts:
    """A JSON object; empty if damaged."""
    try:
        found = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, UnicodeError):
        return {}
    return found if isinstance(found, dict) else {}
