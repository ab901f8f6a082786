"""Turns contents into hits: paths, dates, copies folded into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.filters import Filter
from photosd.index.folders import Folders
from photosd.protocol.messages import Hit
from photosd.protocol.paths import path_fields

Place = tuple[bytes, int]  # a path and the number of its folder


class FoundPhoto(msgspec.Struct, frozen=True):
    """One content of a ranking: its cosine, its rating, and its kinds of evidence.

    ``path``: the copy whose name matched, if any.
    """

    content: str
    score: float
    strength: str
    sources: list[str]
    path: bytes | None = None


class Hits:
    """Looks up the protocol's fields of contents. Any thread may use it."""

    def __init__(self, catalog: Catalog, contents: Contents, folders: Folders) -> None:
        self._catalog, self._contents, self._folders = catalog, contents, folders

    def of(
        self, found: Sequence[FoundPhoto], *, every_copy: bool = False, where: Filter | None = None
    ) -> list[list[Hit]]:
        """The hits of each content: one, or one per path; none if it has no path.

        Only paths that ``where`` accepts. The copy shown is the one whose name matched; else an
        available one, the first by name. The caller sets the ranks.
        """
        names = [one.content for one in found]
        paths, facts = self._catalog.paths_of(names), self._contents.facts_of(names)
        absent = {folder.id for folder in self._folders.all() if not folder.present}
        lies, hits = (where or Filter()).holds_path(), []
        for one in found:
            places = sorted(
                paths.get(one.content, ()),
                key=lambda place: (place[0] != one.path, place[1] in absent),
            )
            places = [place for place in places if lies(place[0])]
            copies, known = len(places), facts.get(one.content, {})
            if every_copy:
                copies = 1
            chosen = places if every_copy else places[:1]
            hits.append([_hit(one, p, copies, known, offline=p[1] in absent) for p in chosen])
        return hits


def _hit(
    one: FoundPhoto, place: Place, copies: int, facts: Mapping[str, Any], *, offline: bool
) -> Hit:
    return Hit(
        rank=0,
        **path_fields(place[0]),
        score=round(one.score, 4),
        strength=one.strength,
        sources=one.sources,
        taken_at=facts.get("taken_at"),
        taken=facts.get("taken"),
        offline=offline,
        copies=copies,
    )
