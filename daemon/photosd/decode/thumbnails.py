"""Small copies of photos: from the cache if present, else from a decoder."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from photosd.core.clock import Deadline
from photosd.decode.failures import DecodeFailed, FileGone, TooSlow
from photosd.decode.messages import Form
from photosd.decode.pool import Pool
from photosd.decode.results import Thumbnail
from photosd.decode.thumbnail_store import ThumbnailStore

# Longest sides that are cached: few, so that most sizes find one.
SIZES = (320, 640, 1280, 2560)

Box = tuple[int, int]


class Thumbnails:
    """Creates and caches thumbnails. Any thread may use it."""

    def __init__(self, pool: Pool, store: ThumbnailStore) -> None:
        self._pool, self.store = pool, store

    def get(
        self, path: bytes, content: str | None, box: Box, form: Form, deadline: Deadline
    ) -> Thumbnail:
        """A small copy of the photo at ``path``; raises DecodeFailed, including TooSlow.

        ``content`` is its content id if it is in the library; only those are cached. ``rgb`` fits
        ``box`` (width, height); a JPEG has one of SIZES.
        """
        size = next((size for size in SIZES if size >= max(box)), SIZES[-1])
        if form == "jpeg":
            return self._jpeg(path, content, size, deadline)[0]
        if content is not None:
            _, file = self._jpeg(path, content, size, deadline)
            if file is not None:
                try:
                    small = self._ask(os.fsencode(file), box, form, deadline)
                    return msgspec.structs.replace(small, content_id=content)
                except FileGone:  # it was dropped meanwhile
                    pass
        return self._ask(path, box, form, deadline)

    def _jpeg(
        self, path: bytes, content: str | None, size: int, deadline: Deadline
    ) -> tuple[Thumbnail, Path | None]:
        """The JPEG of this size and its file; another size if the photo is offline."""
        if kept := self._kept(content, [size]):
            return kept
        try:
            made = self._ask(path, (size, size), "jpeg", deadline)
        except DecodeFailed:
            others = [s for s in SIZES if s > size] + [s for s in reversed(SIZES) if s < size]
            if kept := self._kept(content, others):
                return kept
            raise
        return made, None if content is None else self.store.put(size, made)

    def _kept(self, content: str | None, sizes: Sequence[int]) -> tuple[Thumbnail, Path] | None:
        if content is None:
            return None
        found = (self.store.get(content, size) for size in sizes)
        return next((kept for kept in found if kept is not None), None)

    def _ask(self, path: bytes, box: Box, form: Form, deadline: Deadline) -> Thumbnail:
        future = self._pool.thumbnail(path, box, deadline, form)
        try:
            return future.result(timeout=deadline.remaining)
        except concurrent.futures.TimeoutError as error:
            future.cancel()
            raise TooSlow from error
