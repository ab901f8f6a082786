"""Thumbnails kept on the disk: found by content and size, the longest unused dropped for room."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import structlog

from photosd.decode.results import Thumbnail

log = structlog.get_logger()

NAME = re.compile(r"([0-9a-f]+-[0-9a-f]{32})\.(\d+)\.(\d+)x(\d+)\.jpg")
FULL_UNTIL = 0.9  # of the room is left in use when some had to be made
TOUCH_SECONDS = 3600.0  # how exactly a file's time says when it was last used
JPEG_BEGIN, JPEG_END = b"\xff\xd8", b"\xff\xd9"


class KeptThumbnail(NamedTuple):
    """One file: its size in bytes and pixels, and when it was last used (Unix seconds)."""

    bytes: int
    width: int
    height: int
    used: float


Key = tuple[str, int]  # content id, longest side that was asked for


class ThumbnailStore:
    """Safe from any thread. Files that vanish or rot are no loss: there is just no such thumbnail.

    Whatever the disk refuses is logged once and does not keep anybody from looking at a photo.
    """

    def __init__(self, directory: Path, room: int) -> None:
        """``room``: bytes that all files together may take."""
        self._directory, self._room = directory, room
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, KeptThumbnail] | None = (
            None  # the longest unused first; read when used
        )
        self._bytes = 0
        self._complained = False

    def set_room(self, room: int) -> None:
        """So many bytes from now on."""
        with self._lock:
            self._room = room
            self._make_room(self._known())

    def get(self, content: str, longest: int) -> tuple[Thumbnail, Path] | None:
        """The thumbnail made for this longest side, and its file."""
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
        except OSError as error:  # it may be whole, and readable later
            self._complain(error)
            return None
        if len(data) == kept.bytes and data[:2] == JPEG_BEGIN and data[-2:] == JPEG_END:
            self._touch(key, kept, file)
            return Thumbnail(data, kept.width, kept.height, content), file
        self._forget(key, file)
        return None

    def put(self, longest: int, thumbnail: Thumbnail) -> Path | None:
        """Keep it; its file, or None where there is no room."""
        content, size = thumbnail.content_id, len(thumbnail.data)
        if size > self._room:
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
        """Every content with a thumbnail."""
        with self._lock:
            return {content for content, _ in self._known()}

    def drop(self, contents: Iterable[str]) -> None:
        """Delete every thumbnail of these contents."""
        gone = set(contents)
        with self._lock:
            known = self._known()
            for key in [key for key in known if key[0] in gone]:
                self._delete(known, key)

    def expire(self, before: float) -> None:
        """Delete those that were last used before then (Unix seconds).

        Of those that were used while the clock was ahead the age begins now.
        """
        now = time.time()
        with self._lock:
            known = self._known()
            for key, kept in list(known.items()):
                if kept.used < before:
                    self._delete(known, key)
                elif kept.used > now:
                    known[key] = kept._replace(used=now)
                    with contextlib.suppress(OSError):
                        os.utime(self._file(*key, kept))

    # -- what is there, under the lock --------------------------------------------------------

    def _known(self) -> OrderedDict[Key, KeptThumbnail]:
        if self._kept is None:
            found = sorted(self._files(), key=lambda one: one[1].used)
            self._kept = OrderedDict(found)
            self._bytes = sum(kept.bytes for _, kept in found)
        return self._kept

    def _files(self) -> Iterable[tuple[Key, KeptThumbnail]]:
        with contextlib.suppress(OSError):
            for shelf in list(self._directory.iterdir()):
                with contextlib.suppress(OSError), os.scandir(shelf) as entries:
                    for entry in entries:
                        match, state = NAME.fullmatch(entry.name), entry.stat()
                        if match is None:
                            if entry.name.endswith(".new"):  # of a daemon that was killed
                                Path(entry.path).unlink()
                            continue
                        size = (int(match[3]), int(match[4]))
                        yield (
                            (match[1], int(match[2])),
                            KeptThumbnail(state.st_size, *size, state.st_mtime),
                        )

    def _make_room(self, known: OrderedDict[Key, KeptThumbnail]) -> None:
        if self._bytes > self._room:
            while known and self._bytes > FULL_UNTIL * self._room:
                self._delete(known, next(iter(known)))

    def _delete(self, known: OrderedDict[Key, KeptThumbnail], key: Key) -> None:
        kept = known[key]
        self._remove(known, key)
        with contextlib.suppress(OSError):
            self._file(*key, kept).unlink()

    def _remove(self, known: OrderedDict[Key, KeptThumbnail], key: Key) -> None:
        kept = known.pop(key, None)
        self._bytes -= 0 if kept is None else kept.bytes

    def _forget(self, key: Key, file: Path) -> None:
        with self._lock:
            self._remove(self._known(), key)
        with contextlib.suppress(OSError):
            file.unlink()

    def _touch(self, key: Key, kept: KeptThumbnail, file: Path) -> None:
        """Note on the disk that it was used, now and then."""
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
                remedy="make room on the disk, or: photosd config set thumbnails.cache_mb 0",
            )

    def _file(self, content: str, longest: int, kept: KeptThumbnail) -> Path:
        name = f"{content}.{longest}.{kept.width}x{kept.height}.jpg"
        return self._directory / content[-2:] / name
