"""The types of what the daemon says of copies, and of photos that look alike."""

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
    """Photos of which one may be enough; the bytes of all but the first."""

    photos: list[Duplicate]
    bytes: int


class DuplicatesProgress(TypedDict):
    """The groups found since the last one, and how many contents of how many were looked at."""

    groups: list[DuplicateGroup]
    looked_at: int
    of: int
