"""Which files beside a photo are the same photo, by their names: the camera raw file that belongs
to a JPEG or HEIC, and the video of a Live Photo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from photosd.core.formats import is_raw_name, suffix_of

# What cameras and phones write beside a raw file.
PICTURES = frozenset(b".jpg .jpeg .jpe .heic .heif .hif".split())
VIDEOS = (b".MOV", b".mov", b".MP4", b".mp4")
# Pixel phones: x.RAW-01.COVER.jpg and x.RAW-02.ORIGINAL.dng.
PIXEL = re.compile(rb"\.RAW-\d\d(\.MP)?\.(COVER|ORIGINAL)$")
MOTION = b".MP"  # x.MP is the video of x.MP.jpg, in exports of Google


def are_pair(one: bytes, other: bytes) -> bool:
    """Whether one of these paths is a picture, and the other its raw file."""
    return (
        stem_of(one) == stem_of(other)
        and is_raw_name(one) != is_raw_name(other)
        and bool({suffix_of(one), suffix_of(other)} & PICTURES)
    )


def may_be_pair(path: bytes) -> bool:
    """Whether this path may have such a partner."""
    return suffix_of(path) in PICTURES or is_raw_name(path)


def range_of_pair(path: bytes) -> tuple[bytes, bytes]:
    """The half-open range of paths, in the order of bytes, in which its partners are."""
    stem = stem_of(path)
    return stem + b".", stem + b"/"  # "/" is the byte after "."


def stem_of(path: bytes) -> bytes:
    """``path`` without its suffix, and without what Pixel phones write before it."""
    stem = path[: len(path) - len(suffix_of(path))]
    return PIXEL.sub(b"", stem) if b".RAW-" in stem else stem


def videos_of(path: bytes) -> Iterator[bytes]:
    """Paths that the video of a Live Photo, or of a motion photo, may have."""
    stem = path[: len(path) - len(suffix_of(path))]
    yield from (stem + suffix for suffix in VIDEOS)
    if stem.endswith(MOTION):
        yield stem
    if b".photoslibrary/" in path:
        yield stem + b"_3.mov"


def pictures_of(video: bytes) -> Iterator[bytes]:
    """Stems, each with a dot, of the photo that a video of this path may belong to."""
    stem = video[: len(video) - len(suffix_of(video))]
    yield (video if video.endswith(MOTION) else stem) + b"."
    if b".photoslibrary/" in video:
        yield stem.removesuffix(b"_3") + b"."
