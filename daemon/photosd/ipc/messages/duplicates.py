"""The shapes of the protocol that are about copies, and about photos that look alike."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from photosd.ipc.messages.library import PathParams

Relation = Literal["keep", "copy", "burst", "alike"]


class DuplicatesParams(PathParams):
    """Where to look: everywhere when the path is empty. ``near``: for photos that look alike, too.

    What lies outside that directory is no duplicate of what lies in it.
    """

    near: bool = False


class Duplicate(Struct, omit_defaults=True):
    """A photo of a group; the first, ``keep``, is the one to keep.

    ``likeness``: to the first, from 0 (as two
    photos usually are) to 1. ``offline``: its folder is away.
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
    """Photos of which one may be enough; the bytes of all but the first."""

    photos: list[Duplicate]
    bytes: int


class DuplicatesProgress(Struct):
    """The groups found since the last one, and how many contents of how many were looked at."""

    groups: list[DuplicateGroup]
    looked_at: int
    of: int


class DuplicatesResult(Struct):
    """The end: how many groups, photos beside those to keep, and their bytes. All still exist."""

    groups: int
    photos: int
    bytes: int
