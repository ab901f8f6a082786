"""The daemon's interface to decoders: takes paths, returns futures."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core import machine
from photosd.core.clock import Deadline
from photosd.core.start_stop import stop_all
from photosd.decode.decode_errors import Nonsense
from photosd.decode.decoder import Answer
from photosd.decode.lane import DecoderLane, Disks, Task
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import (
    ContentIdentity,
    DecodeRequest,
    Facts,
    Form,
    ReadFacts,
    Shape,
    SidecarFacts,
    Source,
)

Pixels = NDArray[np.uint8]

URGENT_WORKERS = 1
PICTURE_WORKERS = 2  # for thumbnails: a page of them must not delay a query
LARGEST = 4096
__all__ = ["ContentIdentity", "DecodeLimits", "Decoded", "Pool", "Shape", "Thumbnail"]


class Decoded(ContentIdentity, frozen=True, kw_only=True):
    """A photo ready for the model: ``pixels`` is (tiles, size, size, 3) uint8, RGB, upright."""

    pixels: Pixels
    facts: Facts
    source: Source = "full"


class Thumbnail(msgspec.Struct, frozen=True):
    """A small upright picture in sRGB, without metadata: a JPEG, or (height, width, 3) of RGB."""

    data: bytes
    width: int
    height: int
    content_id: str


class Pool:
    """Background workers for indexing, others with normal priority for user requests.

    Every future ends: with its result, or with a DecodeFailed. Submitting raises Busy when
    thousands are waiting. Safe to use from any thread.
    """

    def __init__(
        self, workers: int, limits: DecodeLimits | None = None, disks: Disks | None = None
    ) -> None:
        """``workers``: maximum of background processes; 0: one per core. ``disks``: some may not
        respond.
        """
        self._lock = threading.Lock()
        self._limits = (limits or DecodeLimits()).resolved()
        self.previews = True  # whether a large enough preview in a file is used, where permitted
        self.workers = workers or machine.cores()
        self._disks = disks
        self._background = DecoderLane("background", self.workers, self._current, urgent=False)
        self._urgent = DecoderLane("urgent", URGENT_WORKERS, self._current, urgent=True)
        self._pictures = DecoderLane("pictures", PICTURE_WORKERS, self._current, urgent=True)

    def start(self) -> None:
        """Start; processes start with the first files."""
        self._background.start()
        self._urgent.start()
        self._pictures.start()

    def warm(self) -> None:
        """Photos are about to come: start a background process."""
        self._background.warm()

    def stop(self, deadline: Deadline | None = None) -> None:
        """End every process by the deadline; unfinished tasks fail with Stopped."""
        lanes = {"urgent": self._urgent, "pictures": self._pictures, "background": self._background}
        stop_all({n: lane.stop for n, lane in lanes.items()}, deadline or Deadline.to_stop())

    def set_limits(self, limits: DecodeLimits) -> None:
        """New limits, effective from the next file of each worker."""
        with self._lock:
            self._limits = limits.resolved()

    def set_workers(self, workers: int) -> None:
        """Set the number of background workers; 0: one per core."""
        self.workers = workers or machine.cores()
        self._background.resize(self.workers)

    @property
    def limits(self) -> DecodeLimits:
        """Current limits."""
        return self._current()

    @property
    def pids(self) -> list[int]:
        """Running decoder processes."""
        return self._background.pids + self._urgent.pids + self._pictures.pids

    def decode(
        self,
        path: bytes,
        shape: Shape,
        *,
        urgent: bool = False,
        deadline: Deadline | None = None,
        full: bool = False,
    ) -> Future[Decoded]:
        """Pixels and facts of a photo; ``urgent`` for a user's request, until ``deadline``;
        ``full``: not from a preview.
        """
        request = DecodeRequest(
            op="decode", path=path, shape=shape, previews=self.previews and not full
        )
        lane = self._urgent if urgent else self._background
        return lane.submit(
            Task(request, lambda answer: _decoded(answer, shape), deadline, self._disks)
        )

    def identify(self, path: bytes) -> Future[ContentIdentity]:
        """Content id and stat of a file, without decoding; for files of any size."""
        request = DecodeRequest(op="identify", path=path)
        return self._background.submit(Task(request, _identity, disks=self._disks))

    def facts(self, path: bytes) -> Future[ReadFacts]:
        """The facts of a photo, without its pixels."""
        request = DecodeRequest(op="facts", path=path)
        return self._background.submit(Task(request, _facts, disks=self._disks))

    def sidecars(
        self, photo: bytes, files: Sequence[Sequence[bytes]]
    ) -> Future[Sequence[SidecarFacts | None]]:
        """For several photos in one directory, the first at ``photo``, the facts, by name, in the
        files beside each; None: these cannot be read now.
        """
        request = DecodeRequest(op="sidecars", path=photo, sidecars=tuple(map(tuple, files)))
        return self._background.submit(
            Task(request, lambda answer: _sidecars(answer, len(files)), disks=self._disks)
        )

    def thumbnail(
        self,
        path: bytes,
        box: tuple[int, int],
        deadline: Deadline | None = None,
        form: Form = "jpeg",
        *,
        background: bool = False,
    ) -> Future[Thumbnail]:
        """A small picture that fits ``box`` (width, height); TooSlow once ``deadline`` passed.

        ``background``: not for display, and of the full picture; alternates with indexing.
        """
        width, height = (max(1, min(side, LARGEST)) for side in box)
        shown = self.previews and not background
        request = DecodeRequest(
            op="thumbnail", path=path, box=(width, height), form=form, previews=shown
        )
        lane = self._background if background else self._pictures
        return lane.submit(Task(request, _thumbnail, deadline, self._disks))

    def _current(self) -> DecodeLimits:
        with self._lock:
            return self._limits


def _identity(answer: Answer) -> ContentIdentity:
    reply, _ = answer
    if reply.identity is None:
        raise Nonsense
    return reply.identity


def _facts(answer: Answer) -> ReadFacts:
    if (facts := answer[0].facts) is None:
        raise Nonsense
    identity = _identity(answer)
    return ReadFacts(identity.size, identity.mtime_ns, facts)


def _sidecars(answer: Answer, photos: int) -> Sequence[SidecarFacts | None]:
    if len(answer[0].sidecars) != photos:
        raise Nonsense
    return answer[0].sidecars


def _decoded(answer: Answer, shape: Shape) -> Decoded:
    reply, blobs = answer
    identity = _identity(answer)
    expected = shape.size * shape.size * 3
    if reply.facts is None or not blobs or any(len(blob) != expected for blob in blobs):
        raise Nonsense
    pixels = np.frombuffer(b"".join(blobs), np.uint8)
    return Decoded(
        **msgspec.structs.asdict(identity),
        pixels=pixels.reshape(len(blobs), shape.size, shape.size, 3),
        facts=reply.facts,
        source=reply.source,
    )


def _thumbnail(answer: Answer) -> Thumbnail:
    reply, blobs = answer
    if len(blobs) != 1:
        raise Nonsense
    return Thumbnail(bytes(blobs[0]), *reply.size, _identity(answer).content_id)
