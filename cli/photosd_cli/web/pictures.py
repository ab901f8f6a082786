"""Pictures for the page, re-encoded by a decoder; downloads of originals; dropped pictures."""

from __future__ import annotations

import base64
import errno
import os
import re
import secrets
import stat
import threading
import unicodedata
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from urllib.parse import quote

from photosd.core.errors import BadRequest, FileError, NotFound
from photosd.protocol.client import Client
from photosd_cli import paths
from photosd_cli.text import inert

SIZES = (320, 640, 1280, 2560)  # pixels of the longer side, as the daemon caches them
MAX_DROPPED = 16  # pictures dropped on the page; the oldest is deleted
MAX_PICTURE = 64 << 20  # bytes of one
MAX_ZIPPED = 2000  # photos
MAX_ARCHIVES = 16  # requested and not yet fetched
CHUNK = 256 << 10
CONTENT = re.compile(r"[0-9a-f]{1,16}-[0-9a-f]{32}")
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold


def checked_content(text: str) -> str:
    """The same content id; raises BadRequest for any other text."""
    if CONTENT.fullmatch(text) is None:
        raise BadRequest("that is not a content id", remedy="search again")
    return text


def jpeg(client: Client, content: str, pixels: int) -> bytes:
    """A copy of a photo, at most this many pixels on the longer side."""
    if pixels not in SIZES:
        raise BadRequest(f"the sizes are {SIZES}", remedy="request one of them")
    small = client.thumbnail(content_id=checked_content(content), pixels=pixels)
    return base64.b64decode(small["data_b64"], validate=True)


def name_of(path: bytes) -> str:
    """The name of a file for a download: one line, no separators, nothing that reverses text."""
    name = inert(os.fsdecode(path.rpartition(b"/")[2]).encode("utf-8", "replace").decode())
    name = unicodedata.normalize("NFC", re.sub(r'[\\/:*?"<>|]', "_", name)).strip(". ")
    return name or "photo"


def attachment(name: str) -> str:
    """The header Content-Disposition of a download."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


class Original:
    """The file of an indexed photo, opened for a download; raises NotFound or FileError.

    A file that is not the indexed one any more, by its size, is refused.
    """

    def __init__(self, client: Client, content: str) -> None:
        shown = client.show(content_id=checked_content(content))
        self.path = paths.raw(shown)
        try:
            # Without O_NONBLOCK a pipe in its place would be waited for.
            number = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                raise NotFound("the file is gone, or its disk is offline") from error
            raise FileError.of(error) from error
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_size != shown["size"]:
            os.close(number)
            raise NotFound("the file has changed since it was indexed", remedy="search again")
        self.file = os.fdopen(number, "rb")
        self.size = found.st_size

    def chunks(self) -> Iterator[bytes]:
        """Its bytes; the file is closed at the end."""
        with self.file:
            while data := self.file.read(CHUNK):
                yield data


# -- pictures dropped on the page ------------------------------------------------------------------


class Dropped:
    """Pictures that were dropped on the page: private files, deleted when the server ends."""

    def __init__(self, directory: Path) -> None:
        """``directory``: private, and empty."""
        self._directory, self._lock = directory, threading.Lock()
        self._kept: OrderedDict[str, Path] = OrderedDict()

    def keep(self, client: Client, data: bytes) -> str:
        """Its name, if a decoder can read it; raises the daemon's errors."""
        name = secrets.token_hex(16)
        file = self._directory / name
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "wb") as out:
            out.write(data)
        try:
            client.thumbnail(os.fsencode(file))
        except BaseException:
            file.unlink()
            raise
        with self._lock:
            self._kept[name] = file
            if len(self._kept) > MAX_DROPPED:
                self._kept.popitem(last=False)[1].unlink(missing_ok=True)
        return name

    def path(self, name: str) -> bytes:
        """The file of a dropped picture; raises NotFound."""
        with self._lock:
            file = self._kept.get(name)
        if file is None:
            raise NotFound("that picture is no longer here", remedy="drop it again")
        return os.fsencode(file)


# -- many photos as one file -----------------------------------------------------------------------


class Archives:
    """Requested zip files: each is fetched once, by its name. Any thread may use it."""

    def __init__(self) -> None:
        self._wanted: OrderedDict[str, list[str]] = OrderedDict()
        self._lock = threading.Lock()

    def want(self, contents: Sequence[str]) -> str:
        """A name for the zip file of these photos."""
        if not 0 < len(contents) <= MAX_ZIPPED:
            raise BadRequest(f"a zip file takes 1 to {MAX_ZIPPED:,} photos", remedy="select fewer")
        name = secrets.token_urlsafe(24)
        with self._lock:
            self._wanted[name] = [checked_content(content) for content in contents]
            if len(self._wanted) > MAX_ARCHIVES:
                self._wanted.popitem(last=False)
        return name

    def take(self, name: str) -> list[str]:
        """Its contents; raises NotFound if it was fetched already."""
        with self._lock:
            found = self._wanted.pop(name, None)
        if found is None:
            raise NotFound("this zip file was fetched already", remedy="request it again")
        return found


def zipped(client: Client, contents: Sequence[str]) -> Iterator[bytes]:
    """A zip file of originals, piece by piece; nothing is compressed, as photos are already.

    Photos that cannot be read are listed in `missing.txt`.
    """
    out, used, missing = _Pieces(), set[str](), list[str]()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for content in contents:
            try:
                original = Original(client, content)
            except (NotFound, FileError) as error:
                missing.append(f"{content}: {error}")
                continue
            member = zipfile.ZipInfo(_unused(name_of(original.path), used), EARLIEST)
            with archive.open(member, "w", force_zip64=original.size >= 1 << 31) as written:
                for data in original.chunks():
                    written.write(data)
                    yield out.taken()
            yield out.taken()
        if missing:
            archive.writestr("missing.txt", "\n".join(missing) + "\n")
    yield out.taken()


class _Pieces:
    """A file that zipfile writes to, and that is read meanwhile."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def flush(self) -> None:
        """Nothing is buffered elsewhere."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        """What was written since the last call."""
        data, self._data = bytes(self._data), bytearray()
        return data


def _unused(name: str, used: set[str]) -> str:
    """The name, with a number if it is taken; adds it to ``used``."""
    suffix = PurePath(name).suffix
    stem = name.removesuffix(suffix)
    number, found = 2, name
    while found.lower() in used:
        found, number = f"{stem} ({number}){suffix}", number + 1
    used.add(found.lower())
    return found


def of_file(client: Client, path: bytes) -> bytes:
    """A small copy of a dropped picture."""
    return base64.b64decode(client.thumbnail(path)["data_b64"], validate=True)
