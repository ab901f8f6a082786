"""JPEG XL, by an optional library that is imported for the first such file."""

from __future__ import annotations

import importlib
from typing import Any

from PIL import ExifTags, Image

from photosd.core.libraries import install_command
from photosd.decode.decode_errors import DecodeFailed

READER = "pylibjxl"
LIBRARY = "pylibjxl>=0.5,<0.6"  # as in pyproject.toml
STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")  # bare, and in a container


def is_jxl(data: bytes) -> bool:
    """Whether a file begins like JPEG XL."""
    return data.startswith(STARTS)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of an upright JPEG XL picture; raises DecodeFailed, ValueError."""
    found = _reader().probe(data)
    return int(found["width"]), int(found["height"])


def decoded(data: bytes) -> Image.Image:
    """The first frame, upright, with its metadata and profile; raises ValueError, RuntimeError."""
    pixels, about = _reader().decode(data, metadata=True)
    image = Image.fromarray(pixels.squeeze(2) if pixels.shape[-1] == 1 else pixels)
    image.info = {
        name: about[key]
        for name, key in (("exif", "exif"), ("xmp", "xmp"), ("icc_profile", "icc_profile"))
        if about.get(key)
    }
    try:
        image.getexif().pop(ExifTags.Base.Orientation, None)  # applied already
    except Exception:  # hostile metadata must not affect the picture
        image.info.pop("exif", None)
    return image


def _reader() -> Any:
    try:
        return importlib.import_module(READER)
    except ImportError as error:
        raise DecodeFailed(
            "jxl_without_reader",
            "JPEG XL needs a library that is not installed",
            f"install it: {install_command(LIBRARY)}",
        ) from error
