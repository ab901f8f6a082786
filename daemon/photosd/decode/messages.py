"""Messages between daemon and decoder processes; imports nothing heavy."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from photosd.models.spec import Preprocess


class Shape(msgspec.Struct, frozen=True):
    """The model's input: squares of ``size``, and how a photo is fitted."""

    size: int
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize_mode: Literal["shortest", "squash"] = "shortest"

    @classmethod
    def of(cls, preprocess: Preprocess) -> Shape:
        """The input shape of a model's preprocessing."""
        return cls(preprocess.size, preprocess.interpolation, preprocess.resize_mode)


# In a photo, in a file beside it, in its path, or of its file.
TakenFrom = Literal[
    "exif original",
    "exif digitized",
    "exif changed",
    "xmp",
    "iptc",
    "gps",
    "sidecar",
    "takeout",
    "file name",
    "folder name",
    "modified",
]


Precision = Literal["day", "month", "year"]  # of a date without a time of day

FACTS_VERSION = 1  # increased when more is read: then facts of indexed photos are read again


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Metadata of a photo; None or empty if missing or implausible, and then not stored.

    ``width`` and ``height`` are those of the upright picture; ``taken`` is local time where it was
    taken, ISO 8601, with its offset from UTC if the photo has one; ``taken_at`` is the same in Unix
    seconds, in this machine's time zone without an offset; ``rating`` is 0 to 5 (-1: rejected);
    ``orientation`` (1 to 8) is the EXIF orientation that was undone. ``taken_from``: where the date
    came from; ``taken_precision``: of one without a time of day. ``tags``: words and phrases of
    keywords, flat and hierarchical, each once whatever its spelling (`core.wording`); ``people``:
    their names; ``region``: a state or province; ``country_code``: two or three letters;
    ``unreadable``: kinds of metadata that are there and could not be read; ``refused_dates``:
    dates that are invalid, each with its source and the reason; ``motion``: the file holds a video,
    too. Lengths and numbers are limited by
    `decode.texts`.
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
    taken_from: TakenFrom | None = None
    taken_precision: Precision | None = None
    title: str | None = None
    caption: str | None = None
    tags: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    label: str | None = None
    creator: str | None = None
    sublocation: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    country_code: str | None = None
    unreadable: tuple[str, ...] = ()
    refused_dates: tuple[str, ...] = ()
    motion: bool = False


# The picture that a vector comes from: the full one; a reduced one in the file, until there is time
# for the full one; a reduced one because the full one cannot be decoded, as in camera raw files.
Source = Literal["full", "preview", "only preview"]

# The facts in a sidecar, by their names in `Facts`.
SidecarFacts = dict[str, str | int | float | list[str]]


class ContentIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a file, and its stat while it was read.

    ``content_id`` is the size in hexadecimal, ``-`` and the xxh3-128 digest of all bytes.
    """

    content_id: str
    size: int
    mtime_ns: int
    inode: int
    device: int


class ReadFacts(msgspec.Struct, frozen=True):
    """The facts of a photo that was not decoded, and the size and time of its file."""

    size: int
    mtime_ns: int
    facts: Facts


Form = Literal["jpeg", "rgb"]


class DecodeRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file to be read; ``box`` is the limit of a thumbnail, (width, height), upright.

    ``previews``: a reduced picture in the file will do. ``sidecars``: for each of several photos
    the files beside it, the most important first; ``path`` is the first photo.
    """

    op: Literal["identify", "decode", "thumbnail", "sidecars", "facts"]
    path: bytes
    previews: bool = False
    sidecars: tuple[tuple[bytes, ...], ...] = ()
    shape: Shape | None = None
    box: tuple[int, int] = (0, 0)
    form: Form = "jpeg"

    def as_header(self) -> dict[str, Any]:
        """The request as the header of a frame."""
        header: dict[str, Any] = msgspec.to_builtins(self, builtin_types=(bytes,))
        return header


class FailureReply(msgspec.Struct, frozen=True):
    """A DecodeFailed sent to the daemon."""

    code: str
    reason: str
    remedy: str
    transient: bool


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``reading``: bytes are arriving; ``read``: opening begins; ``megapixels``: decoding so many
    begins; else the result.

    With ``ready``: ``unlimited`` if the system refused to limit its memory.

    ``sidecars``: of each photo the `Facts` in the files beside it, by name; None: these cannot be
    read now.
    """

    ready: bool = False
    unlimited: bool = False
    reading: bool = False
    read: bool = False
    failure: FailureReply | None = None
    identity: ContentIdentity | None = None
    facts: Facts | None = None
    sidecars: tuple[SidecarFacts | None, ...] = ()
    tiles: int = 0
    size: tuple[int, int] = (0, 0)
    source: Source = "full"
    megapixels: float | None = None

    def as_header(self) -> dict[str, Any]:
        """The reply as the header of a frame."""
        header: dict[str, Any] = msgspec.to_builtins(self)
        return header
