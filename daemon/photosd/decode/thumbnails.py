"""Small copies of photos: from the cache on disk if present, else from a decoder.

The cache is by content and size; the least recently used are dropped first.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from photosd.core.clock import Deadline
from photosd.core.errors import StorageError
from photosd.decode.decode_errors import DecodeFailed, FileGone, TooSlow
from photosd.decode.messages import Form
from photosd.decode.pool import Pool, Thumbnail

log = structlog.get_logger()

NAME = re.compile(r"([0-9a-f]+-[0-9a-f]{32})\.(\d+)\.(\d+)x(\d+)\.jpg")
FULL_UNTIL = 0.9  # of the limit remains used after making space
TOUCH_SECONDS = 3600.0  # precision of the time of last use
REREAD_SECONDS = 60.0  # after an error, unless some are to be deleted
JPEG_BEGIN, JPEG_END = b"\xff\xd8", b"\xff\xd9"

Key = tuple[str, int]  # content id, requested longest side
# Longest sides that are cached: few, so that most sizes find one.
SIZES = (320, 640, 1280, 2560)
Box = tuple[int, int]


class KeptThumbnail(NamedTuple):
    """One file: its size in bytes and pixels, and when it was last used (Unix seconds)."""

    bytes: int
    width: int
    height: int
    used: float


class ThumbnailStore:
    """Safe from any thread. Missing or damaged files count as absent.

    Disk errors are logged once and do not prevent viewing a photo.
    """

    def __init__(self, directory: Path, room: int) -> None:
        """``room``: maximum total bytes of all files."""
        self._directory, self.room = directory, room
        self._lock = threading.Lock()
        # The longest unused first; read when used, and again after an error.
        self._kept: OrderedDict[Key, KeptThumbnail] | None = None
        self._unread: OSError | None = None
        self._read_at = 0.0  # monotonic
        self._bytes = 0
        self._complained = False

    def set_room(self, room: int) -> None:
        """Set the maximum total bytes."""
        with self._lock:
            self.room = room
            self._make_room(self._known())

    def get(self, content: str, longest: int) -> tuple[Thumbnail, Path] | None:
        """The thumbnail for this longest side, and its file."""
        key = (content, longest)
        with self._lock:
            known = self._known()
            kept = known.get(key)
            if kept is None:
                return None
            known.move_to_end(key)
        file = self._file(content, longest, kept)
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            data = b""
        except OSError as error:  # it may be intact, and readable later
            self._complain(error)
            return None
        if len(data) == kept.bytes and data[:2] == JPEG_BEGIN and data[-2:] == JPEG_END:
            self._touch(key, kept, file)
            return Thumbnail(data, kept.width, kept.height, content), file
        self._forget(key, file)
        return None

    def put(self, longest: int, thumbnail: Thumbnail) -> Path | None:
        """Store it; its file, or None if there is no space."""
        content, size = thumbnail.content_id, len(thumbnail.data)
        if size > self.room:
            return None
        kept = KeptThumbnail(size, thumbnail.width, thumbnail.height, time.time())
        file = self._file(content, longest, kept)
        draft = file.with_suffix(f".{threading.get_ident()}.new")
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_bytes(thumbnail.data)
            draft.replace(file)
        except OSError as error:
            self._complain(error)
            with contextlib.suppress(OSError):
                draft.unlink()
            return None
        with self._lock:
            known = self._known()
            self._remove(known, (content, longest))
            known[content, longest] = kept
            self._bytes += size
            self._make_room(known)
        return file

    def contents(self) -> set[str]:
        """Every content with a thumbnail; raises StorageError."""
        with self._lock:
            known = self._known(again=True)
            self._require([self._unread])
            return {content for content, _ in known}

    def drop(self, contents: Iterable[str]) -> None:
        """Delete every thumbnail of these contents; raises StorageError if any may be left."""
        gone = set(contents)
        with self._lock:
            known = self._known(again=True)
            found = [key for key in known if key[0] in gone]
            self._require([self._unread, *(self._delete(known, key) for key in found)])

    def expire(self, before: float) -> None:
        """Delete those last used before this time (Unix seconds); raises StorageError if any may be
        left.

        Times in the future are set to now.
        """
        now = time.time()
        with self._lock:
            known = self._known(again=True)
            errors = [self._unread]
            for key, kept in list(known.items()):
                if kept.used < before:
                    errors.append(self._delete(known, key))
                elif kept.used > now:
                    known[key] = kept._replace(used=now)
                    with contextlib.suppress(OSError):
                        os.utime(self._file(*key, kept))
            self._require(errors)

    # -- content, under the lock -----------------------------------------------------------------

    def _known(self, *, again: bool = False) -> OrderedDict[Key, KeptThumbnail]:
        """``again``: read them again at once if not all could be read; it takes long for many."""
        now = time.monotonic()
        again = again or now > self._read_at + REREAD_SECONDS
        if self._kept is None or (again and self._unread is not None):
            self._unread, self._read_at = None, now
            found = sorted(self._files(), key=lambda one: one[1].used)
            self._kept = OrderedDict(found)
            self._bytes = sum(kept.bytes for _, kept in found)
        return self._kept

    def _files(self) -> Iterator[tuple[Key, KeptThumbnail]]:
        for file in itertools.chain.from_iterable(map(self._listed, self._listed(self._directory))):
            match = NAME.fullmatch(file.name)
            try:
                if match is not None:
                    state, size = file.stat(), (int(match[3]), int(match[4]))
                    key = match[1], int(match[2])
                    yield key, KeptThumbnail(state.st_size, *size, state.st_mtime)
                elif file.suffix == ".new" and self._kept is None:  # left by a killed daemon
                    file.unlink()
            except FileNotFoundError:
                pass
            except OSError as error:
                self._unread = error

    def _listed(self, directory: Path) -> list[Path]:
        try:
            return list(directory.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self._unread = error
            return []

    def _require(self, errors: Iterable[OSError | None]) -> None:
        """Raise StorageError if there is an error."""
        if (error := next(filter(None, errors), None)) is not None:
            raise StorageError(
                f"thumbnails in {self._directory} cannot be deleted: {error.strerror}",
                remedy=f"check the disk and the permissions of {self._directory}",
            )

    def _make_room(self, known: OrderedDict[Key, KeptThumbnail]) -> None:
        if self._bytes > self.room:
            for key in list(known):
                if self._bytes <= FULL_UNTIL * self.room:
                    break
                self._delete(known, key)

    def _delete(self, known: OrderedDict[Key, KeptThumbnail], key: Key) -> OSError | None:
        """Delete one; returns the error if its file is still there."""
        try:
            self._file(*key, known[key]).unlink()
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._complain(error)
            return error
        self._remove(known, key)
        return None

    def _remove(self, known: OrderedDict[Key, KeptThumbnail], key: Key) -> None:
        kept = known.pop(key, None)
        self._bytes -= 0 if kept is None else kept.bytes

    def _forget(self, key: Key, file: Path) -> None:
        with self._lock:
            self._remove(self._known(), key)
        with contextlib.suppress(OSError):
            file.unlink()

    def _touch(self, key: Key, kept: KeptThumbnail, file: Path) -> None:
        """Update its time of last use on disk, at intervals."""
        now = time.time()
        if now - kept.used < TOUCH_SECONDS:
            return
        with contextlib.suppress(OSError):
            os.utime(file)
        with self._lock:
            known = self._known()
            if key in known:
                known[key] = kept._replace(used=now)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "thumbnails_not_kept",
                cause=str(error),
                remedy="free disk space, or: photosd config set thumbnails.cache_mb 0",
            )

    def _file(self, content: str, longest: int, kept: KeptThumbnail) -> Path:
        name = f"{content}.{longest}.{kept.width}x{kept.height}.jpg"
        return self._directory / content[-2:] / name


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
