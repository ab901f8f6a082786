"""Pictures in queries: those of the library have a vector, others are read and encoded.

Any file the user can read is accepted; decoders handle untrusted files.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import stat
from typing import TypeVar

from photosd.core.clock import Deadline
from photosd.core.errors import (
    BadRequest,
    DeadlineExceeded,
    EncoderUnavailable,
    NotFound,
    UnreadablePhoto,
)
from photosd.core.log import printable
from photosd.decode.failures import LEAVE, DecodeFailed, TooSlow
from photosd.decode.pool import Shape
from photosd.encoder.supervisor import EncoderDied, Supervisor
from photosd.index.matrix import Vectors
from photosd.index.shared_resources import SharedResources
from photosd.index.vectors import VectorStore
from photosd.search.likeness import middle_of
from photosd.watch.devices import Devices, NotAnswering

T = TypeVar("T")


class ExamplePictures:
    """Vectors of picture files by one model. Any thread may use it."""

    def __init__(
        self, shared: SharedResources, store: VectorStore, encoder: Supervisor, shape: Shape
    ) -> None:
        self._shared, self._store, self._encoder, self._shape = shared, store, encoder, shape

    def content_of(self, path: bytes) -> str | None:
        """The content id of a photo of the library, or of a link's target; None for other files."""
        folders = self._shared.folders
        if (content := self._known(folders.real(path))) is not None:
            return content
        try:
            return self._known(folders.devices.resolve(path))
        except OSError:  # its disk does not answer
            return None

    def _known(self, path: bytes) -> str | None:
        photo = self._shared.catalog.get(path)
        return photo.content if photo is not None and photo.state == "indexed" else None

    def vector(self, path: bytes, deadline: Deadline) -> tuple[Vectors, bool]:
        """The unit vector (d,) float32 of a picture, and whether it was known.

        Raises NotFound, BadRequest, UnreadablePhoto, DeadlineExceeded or the encoder's errors.
        """
        content = self.content_of(path)
        if content is not None and (known := self._stored(content)) is not None:
            return known, True
        _refuse_what_is_no_file(path, self._shared.folders.devices)
        future = self._shared.pool.decode(path, self._shape, urgent=True, deadline=deadline)
        try:
            decoded = _wait(future, deadline)
        except TooSlow as error:
            raise _late("read") from error
        except DecodeFailed as error:
            remedy = "name a picture file" if error.remedy == LEAVE else error.remedy
            raise UnreadablePhoto(f"{printable(path)}: {error.reason}", remedy=remedy) from error
        if (known := self._stored(decoded.content_id)) is not None:  # a copy from elsewhere
            return known, True
        try:
            tiles = _wait(self._encoder.encode_images(decoded.pixels, deadline=deadline), deadline)
        except EncoderDied as error:
            raise EncoderUnavailable(
                f"the encoder crashed on {printable(path)}: {error.reason}",
                remedy="try another picture",
                retry_after_ms=3000,
            ) from error
        return middle_of(tiles), False

    def _stored(self, content: str) -> Vectors | None:
        tiles = self._store.vectors_of([content]).get(content)
        return None if tiles is None else middle_of(tiles)


def _refuse_what_is_no_file(path: bytes, devices: Devices) -> None:
    try:
        mode = devices.ask(devices.resolve(path), "state")[0]
    except FileNotFoundError as error:
        raise NotFound(
            f"no such file: {printable(path)}", remedy="check the name of the picture"
        ) from error
    except NotAnswering as error:
        raise UnreadablePhoto(
            f"{printable(path)}: its disk or share does not answer",
            remedy="wait until it answers again, or copy the picture to a local disk",
        ) from error
    except OSError as error:
        raise UnreadablePhoto(
            f"{printable(path)}: {error.strerror}", remedy="check the permissions of the file"
        ) from error
    if not stat.S_ISREG(mode):
        raise BadRequest(f"{printable(path)} is not a file", remedy="name a picture file")


def _wait(future: concurrent.futures.Future[T], deadline: Deadline) -> T:
    try:
        return future.result(timeout=deadline.remaining)
    except concurrent.futures.TimeoutError as error:
        with contextlib.suppress(Exception):
            future.cancel()
        raise _late("encoded") from error


def _late(what: str) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"the picture could not be {what} in time", remedy="try again", retry_after_ms=1000
    )
