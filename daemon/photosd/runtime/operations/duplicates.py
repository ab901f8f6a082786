"""The operation that finds copies, and photos that look alike."""

from __future__ import annotations

import time

from photosd.core.errors import NotFound
from photosd.core.log import printable
from photosd.protocol import messages as m
from photosd.protocol.paths import path_fields, path_from
from photosd.protocol.server import Emit
from photosd.runtime.operations.base import Topic
from photosd.search.duplicate_groups import Duplicates as Search
from photosd.search.duplicate_groups import Group, GroupMember

PROGRESS_SECONDS = 0.2


class DuplicateOperations(Topic):
    """Find duplicates."""

    def duplicates(self, params: m.DuplicatesParams, emit: Emit) -> m.DuplicatesResult:
        library = self._library()
        below = None
        if params.path or params.path_b64:
            below = library.folders.real(path_from(params.path, params.path_b64))
            if not library.catalog.has_below(below):
                raise NotFound(
                    f"no photo is known below {printable(below)}", remedy="photosd folders"
                )
        runtime = library.serving
        search = Search(library.shared, runtime.store, runtime.spec.fingerprint, below)
        steps = search.alike() if params.near else ((0, 0, group) for group in search.identical())
        result = m.DuplicatesResult(groups=0, photos=0, bytes=0)
        part, told_at = m.DuplicatesProgress([], 0, 0), time.monotonic()
        for part.looked_at, part.of, group in steps:
            if group:
                part.groups.append(found := _message(group, search.absent))
                result.groups += 1
                result.photos += len(group) - 1
                result.bytes += found.bytes
            if time.monotonic() > told_at + PROGRESS_SECONDS:
                emit(part)
                part = m.DuplicatesProgress([], part.looked_at, part.of)
                told_at = time.monotonic()
        emit(part)
        return result


def _message(group: Group, absent: set[int]) -> m.DuplicateGroup:
    return m.DuplicateGroup(
        [_photo(member, offline=member.photo.folder in absent) for member in group],
        bytes=sum(member.photo.size for member in group[1:]),
    )


def _photo(member: GroupMember, *, offline: bool) -> m.Duplicate:
    facts = member.facts
    return m.Duplicate(
        **path_fields(member.photo.path),
        size=member.photo.size,
        relation=member.relation,
        likeness=round(member.likeness, 4),
        width=facts.get("width"),
        height=facts.get("height"),
        taken_at=facts.get("taken_at"),
        offline=offline,
    )
