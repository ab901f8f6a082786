"""Camera raw files: the largest JPEG preview inside, or rawpy's rendering."""

from __future__ import annotations

import importlib
import io
import re
import sys
from collections.abc import Iterator

from PIL import Image

from photosd.core.libraries import install_command
from photosd.decode.decode_errors import DAMAGED, DecodeFailed
from photosd.decode.limits import DecodeLimits
from photosd.decode.opening import OpenedPicture, open_picture

# Each maker stores the preview elsewhere, but always as plain JPEG.
JPEG_START = re.compile(rb"\xff\xd8\xff[\xc0\xc4\xdb\xdd\xe0-\xef\xfe]")
MAX_STARTS = 64
ENOUGH_PIXELS = 400 * 400  # smaller ones are thumbnails: rawpy gives better results if installed
SOF_LOSSLESS = b"\xff\xc3"
READER = "rawpy"  # optional; imported for the files that need it
LIBRARY = "rawpy>=0.25,<1"  # as in pyproject.toml
METADATA_BYTES = HEADER_BYTES = 1 << 20


def open_raw(data: bytes, limits: DecodeLimits) -> OpenedPicture:
    """The best picture in a raw file; raises DecodeFailed if there is none."""
    if not data:
        raise DecodeFailed("empty", "the file is empty (0 bytes)")
    container = _metadata(data)
    most, start = max(_previews(data, limits), default=(0, 0))
    best = open_picture(data[start:], limits) if most else None
    if most < ENOUGH_PIXELS:
        best = rendered(data, limits) or best
    if best is None:
        raise DecodeFailed(
            "raw_without_preview",
            "this camera file holds no preview that photosd can read",
            DAMAGED
            if READER in sys.modules
            else f"install the raw reader: {install_command(LIBRARY)}",
        )
    return OpenedPicture(best.image, "RAW", best.size, container)


def _previews(data: bytes, limits: DecodeLimits) -> Iterator[tuple[int, int]]:
    """(pixels, offset) of every JPEG inside with a valid header, thumbnails included."""
    for count, found in enumerate(JPEG_START.finditer(data)):
        if count == MAX_STARTS:
            return
        start = found.start()
        try:
            picture = open_picture(data[start : start + HEADER_BYTES], limits)
        except Exception:  # noqa: S112 (sensor data that looks like the start of a JPEG)
            continue
        if not _is_lossless(data, start):
            yield picture.size[0] * picture.size[1], start


def _is_lossless(data: bytes, start: int) -> bool:
    """Whether this JPEG holds sensor data: its frame header is the lossless kind's."""
    at = start + 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at : at + 2]
        if marker == SOF_LOSSLESS:
            return True
        if marker[1] in (0xC0, 0xC1, 0xC2, 0xDA):
            return False
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return False


def _metadata(data: bytes) -> Image.Exif | None:
    """The file's own EXIF: most raw files are TIFF variants."""
    head = data[:METADATA_BYTES]
    start = head.find(b"CMT1") + 4 if data[4:8] == b"ftyp" and b"CMT1" in head else 0  # CR3
    order = head[start : start + 2]
    if order not in (b"II", b"MM"):
        return None
    magic = b"*\0" if order == b"II" else b"\0*"  # Panasonic and Olympus use their own number there
    exif = Image.Exif()
    try:
        exif.load(b"Exif\0\0" + order + magic + head[start + 4 :])
    except Exception:  # hostile metadata must not affect the picture
        return None
    return exif


def rendered(data: bytes, limits: DecodeLimits) -> OpenedPicture | None:
    """rawpy's result: its preview, or half-size developed sensor data."""
    try:
        rawpy = importlib.import_module(READER)
    except ImportError:
        return None
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            if raw.sizes.raw_width * raw.sizes.raw_height > limits.pixels("RAW"):
                return None
            pixels = raw.postprocess(half_size=True, use_camera_wb=True, user_flip=0)
    except (rawpy.LibRawError, OSError, ValueError):
        return None
    image = Image.fromarray(pixels)
    return OpenedPicture(image, "RAW", image.size)
