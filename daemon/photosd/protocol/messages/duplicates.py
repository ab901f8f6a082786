"""The types of the protocol about copies, and photos that look alike."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from photosd.protocol.messages.library import PathParams

Relation = Literal["keep", "copy", "burst", "alike"]


class DuplicatesParams(PathParams):
    """Where to look: everywhere if the path is empty. ``near``: also photos that look alike.

    Files outside the directory are not compared with files in it.
    """

    near: bool = False


class Duplicate(Struct, omit_defaults=True):
    """A photo of a group; the first, ``keep``, is the one to keep.

    ``likeness``: to the first, from 0 (unrelated photos) to 1. ``offline``: its folder is offline.
    """

    path: str
    size: int
    relation: Relation
    path_b64: str | None = None
    likeness: float = 1.0
    width: int | None = None
    height: int | None = None
    taken_at: float | None = None
    offline: bool = False


class DuplicateGroup(Struct):
    """A group of duplicates; ``bytes`` of all but the first."""

    photos: list[Duplicate]
    bytes: int


class DuplicatesProgress(Struct):
    """The groups found since the last one, and how many contents were examined, of how many."""

    groups: list[DuplicateGroup]
    looked_at: int
    of: int


class DuplicatesResult(Struct):
    """Number of groups, extra copies, and their bytes. Nothing was deleted."""

    groups: int
    photos: int
    bytes: int
