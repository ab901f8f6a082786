"""What the daemon asks a decoder process for and what it answers; imports nothing heavy."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from photosd.models.spec import Preprocess


class Shape(msgspec.Struct, frozen=True):
    """The pixels a model wants: squares of ``size``, and how a photo is brought to that."""

    size: int
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize_mode: Literal["shortest", "squash"] = "shortest"

    @classmethod
    def of(cls, preprocess: Preprocess) -> Shape:
        """The shape that a model's preprocessing asks for."""
        return cls(preprocess.size, preprocess.interpolation, preprocess.resize_mode)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a photo says about itself; None where it is silent or lies beyond belief.

    ``width`` and ``height`` are those of the upright picture; ``taken`` is what the
    clock showed where it was taken, ISO 8601, with its offset from UTC if the photo names one;
    ``taken_at`` the same in Unix seconds, for a photo without an offset as a clock of this
    machine's zone would show it; ``rating`` is 0 to 5 (-1: rejected); ``orientation`` (1 to 8) is
    what was undone to make it upright.
    """

    width: int
    height: int
    format: str
    orientation: int = 1
    taken: str | None = None
    taken_at: float | None = None
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    rating: int | None = None


class ContentIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Which bytes a file held, and how it looked to stat while they were read.

    ``content_id`` is the size in hexadecimal, ``-`` and the xxh3-128 digest of the whole bytes.
    """

    content_id: str
    size: int
    mtime_ns: int
    inode: int
    device: int


Form = Literal["jpeg", "rgb"]


class DecodeRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file to be read; ``box`` is what a thumbnail fits into, (width, height), upright."""

    op: Literal["identify", "decode", "thumbnail", "sidecar"]
    path: bytes
    shape: Shape | None = None
    box: tuple[int, int] = (0, 0)
    form: Form = "jpeg"

    def as_header(self) -> dict[str, Any]:
        """The request as the header of a frame."""
        header: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(bytes,))
        return header


class FailureReply(msgspec.Struct, frozen=True):
    """A DecodeFailed on its way to the daemon."""

    code: str
    reason: str
    remedy: str
    transient: bool


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``reading``: bytes still come; ``read``: they are here, decoding begins; else the result.

    ``sidecar``: the `Facts` that a sidecar has, by name.
    """

    ready: bool = False
    reading: bool = False
    read: bool = False
    failure: FailureReply | None = None
    identity: ContentIdentity | None = None
    facts: Facts | None = None
    sidecar: dict[str, str | int | float] | None = None
    tiles: int = 0
    size: tuple[int, int] = (0, 0)

    def as_header(self) -> dict[str, Any]:
        """The reply as the header of a frame."""
        header: dict[str, Any] = msgspec.to_builtins(self)
        return header
