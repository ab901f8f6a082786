"""Operations for viewing photos."""

from __future__ import annotations

import base64

from photosd.core.clock import Deadline
from photosd.core.errors import (
    Busy,
    DeadlineExceeded,
    NotFound,
    PhotosdError,
    UnreadablePhoto,
)
from photosd.core.log import printable
from photosd.decode.failures import DecodeFailed, DecoderUnavailable, FileGone, Stopped, TooSlow
from photosd.protocol import messages as m
from photosd.protocol.paths import path_from
from photosd.protocol.server import Emit
from photosd.runtime.library import Library
from photosd.runtime.operations.base import Topic


class ThumbnailOperations(Topic):
    """Show photos."""

    def thumbnail(self, params: m.ThumbnailParams, _emit: Emit) -> m.ThumbnailResult:
        deadline = Deadline.after(params.deadline_ms / 1000)
        library = self._library(deadline.remaining)
        path = path_from(params.path, params.path_b64)
        box = (params.pixels, params.height or params.pixels)
        try:
            small = library.thumbnails.get(
                path, _content(library, path), box, params.form, deadline
            )
        except DecodeFailed as failed:
            raise _error(library, path, failed) from failed
        return m.ThumbnailResult(
            width=small.width,
            height=small.height,
            form=params.form,
            content_id=small.content_id,
            data_b64=base64.b64encode(small.data).decode(),
        )


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
