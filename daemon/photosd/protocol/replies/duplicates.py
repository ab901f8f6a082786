"""Types of replies about copies, and photos that look alike."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Duplicate(TypedDict):
    """A photo of a group; the first, ``keep``, is the one to keep."""

    path: str
    size: int
    relation: Literal["keep", "copy", "burst", "alike"]
    path_b64: NotRequired[str]
    likeness: NotRequired[float]
    width: NotRequired[int]
    height: NotRequired[int]
    taken_at: NotRequired[float]
    offline: NotRequired[bool]


class DuplicateGroup(TypedDict):
    """A group of duplicates; ``bytes`` of all but the first."""

    photos: list[Duplicate]
    bytes: int


class DuplicatesProgress(TypedDict):
    """The groups found since the last one, and how many contents were examined, of how many."""

    groups: list[DuplicateGroup]
    looked_at: int
    of: int
