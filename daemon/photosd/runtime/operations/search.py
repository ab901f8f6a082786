"""Operations that find photos and show them."""

from __future__ import annotations

import base64
import time

import msgspec

from photosd.core.clock import Deadline
from photosd.core.errors import (
    Busy,
    DeadlineExceeded,
    NotFound,
    PhotosdError,
    UnreadablePhoto,
)
from photosd.core.log import printable
from photosd.core.query_priority import answering
from photosd.decode.decode_errors import (
    DecodeFailed,
    DecoderUnavailable,
    FileGone,
    Stopped,
    TooSlow,
)
from photosd.gemini.pending_question import SendPermission
from photosd.index.moments import moment_of
from photosd.protocol import replies, requests
from photosd.protocol.paths import path_b64, path_from, path_text
from photosd.protocol.server import Emit
from photosd.runtime.library import Library
from photosd.runtime.operations.base import Topic
from photosd.search.duplicate_groups import Duplicates as Search
from photosd.search.duplicate_groups import Group, GroupMember

PROGRESS_SECONDS = 0.2


class SearchOperations(Topic):
    """Find photos, show them, find duplicates."""

    def query(self, params: requests.QueryParams) -> replies.QueryResult:
        with answering():
            return self._answer(params)

    def _answer(self, params: requests.QueryParams) -> replies.QueryResult:
        deadline = Deadline.after(params.deadline_ms / 1000)
        library = self._library(deadline.remaining - 0.1)
        left = max(1, int(deadline.remaining * 1000))
        limit = params.limit
        if limit is None and params.cursor is None:
            limit = self._daemon.settings.search.limit
        params = msgspec.structs.replace(params, limit=limit, deadline_ms=left)
        permission: SendPermission | None = None  # queries of a page are never sent
        match params.asker:
            case "person":
                permission = library.gemini.permission("query", params.mode)
            case "agent":
                permission = library.gemini.permission("agent", params.mode)
        return library.engine.query(params, permission)

    def facets(self, params: requests.FacetsParams) -> replies.FacetsResult:
        with answering():
            deadline = Deadline.after(params.deadline_ms / 1000)
            library = self._library(deadline.remaining - 0.1)
            left = max(1, int(deadline.remaining * 1000))
            return library.engine.facets(msgspec.structs.replace(params, deadline_ms=left))

    def thumbnail(self, params: requests.ThumbnailParams) -> replies.ThumbnailResult:
        deadline = Deadline.after(params.deadline_ms / 1000)
        library = self._library(deadline.remaining)
        content = params.content_id
        if content:
            path = self._file_of(content)
        else:
            path = path_from(params.path, params.path_b64)
            content = _content(library, path)
        box = (params.pixels, params.height or params.pixels)
        try:
            small = library.thumbnails.get(path, content, box, params.form, deadline)
        except DecodeFailed as failed:
            raise _error(library, path, failed) from failed
        return {
            "width": small.width,
            "height": small.height,
            "form": params.form,
            "content_id": small.content_id,
            "data_b64": base64.b64encode(small.data).decode(),
        }

    def duplicates(self, params: requests.DuplicatesParams, emit: Emit) -> replies.DuplicatesResult:
        library = self._library()
        below = None
        if params.path or params.path_b64:
            below = self._path(params)
            if not library.catalog.has_below(below):
                raise NotFound(
                    f"no photo is known below {printable(below)}", remedy="photosd folders"
                )
        runtime = library.serving
        search = Search(library.shared, runtime.store, runtime.spec.fingerprint, below)
        steps = search.alike() if params.near else ((0, 0, group) for group in search.identical())
        result = replies.DuplicatesResult(groups=0, photos=0, bytes=0)
        part, told_at = _part(0, 0), time.monotonic()
        for part["looked_at"], part["of"], group in steps:
            if group:
                part["groups"].append(found := _message(group, search.absent))
                result["groups"] += 1
                result["photos"] += len(group) - 1
                result["bytes"] += found["bytes"]
            if time.monotonic() > told_at + PROGRESS_SECONDS:
                emit(part)
                part = _part(part["looked_at"], part["of"])
                told_at = time.monotonic()
        emit(part)
        return result


def _content(library: Library, path: bytes) -> str | None:
    """The content id of ``path`` in the library; the disk, which may hang, is not accessed."""
    photo = library.catalog.get(path) or library.catalog.get(library.folders.real(path))
    return photo.content if photo is not None and photo.state != "gone" else None


def _error(library: Library, path: bytes, failed: DecodeFailed) -> PhotosdError:
    """The error for the client."""
    match failed:
        case TooSlow():
            return DeadlineExceeded(
                failed.reason, remedy="try again, or wait longer", retry_after_ms=1000
            )
        case DecoderUnavailable() | Stopped():
            return Busy(failed.reason, remedy=failed.remedy, retry_after_ms=1000)
        case FileGone():
            return _gone(library, path)
    return UnreadablePhoto(f"{printable(path)}: {failed.reason}", remedy=failed.remedy)


def _gone(library: Library, path: bytes) -> NotFound:
    folder = library.folders.containing(path)
    if folder is not None and not folder.present:
        return NotFound(
            f"the folder of {printable(path)} is offline, and there is no cached thumbnail",
            remedy=f"connect the disk with {printable(folder.path)} and try again",
        )
    return NotFound(f"no such file: {printable(path)}", remedy="photosd list")


def _part(looked_at: int, of: int) -> replies.DuplicatesProgress:
    return {"groups": [], "looked_at": looked_at, "of": of}


def _message(group: Group, absent: set[int]) -> replies.DuplicateGroup:
    return {
        "photos": [_photo(member, offline=member.photo.folder in absent) for member in group],
        "bytes": sum(member.photo.size for member in group[1:]),
    }


def _photo(member: GroupMember, *, offline: bool) -> replies.Duplicate:
    photo: replies.Duplicate = {
        "path": path_text(member.photo.path),
        "size": member.photo.size,
        "relation": member.relation,
        "likeness": round(member.likeness, 4),
    }
    if member.photo.content is not None:
        photo["content_id"] = member.photo.content
    if (encoded := path_b64(member.photo.path)) is not None:
        photo["path_b64"] = encoded
    for fact in ("width", "height"):
        if (value := member.facts.get(fact)) is not None:
            photo[fact] = value
    moment = moment_of(member.facts, [member.photo.path], None)
    if moment is not None and moment.unix is not None:
        photo["taken_at"] = moment.unix
    if offline:
        photo["offline"] = True
    return photo
