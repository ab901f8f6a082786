"""Pictures made for tests: no two corners alike, so that every turn and flip shows."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from photosd.decode import opening, pixels
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import Shape

Array = NDArray[np.uint8]
LIMITS = DecodeLimits().resolved()
SHAPE = Shape(64)

# The inverse of what makes each orientation upright: how a camera held that way stores a scene.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def scene(width: int = 96, height: int = 80) -> Image.Image:
    """A smooth picture whose red grows to the right, green downwards, blue along a diagonal."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    planes = (40 + 180 * x, 30 + 200 * y, 120 + 100 * np.sin(4 * x - 3 * y * y))
    return Image.fromarray(np.stack(planes, axis=2).round().astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """``image`` as a file of this Pillow format."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(image: Image.Image, **options: object) -> bytes:
    """``image`` as a JPEG that keeps nearly everything."""
    return encoded(image, "JPEG", **{"quality": 97, "subsampling": 0, **options})


def oriented(image: Image.Image, orientation: int) -> tuple[Image.Image, Image.Exif]:
    """How a camera stores ``image`` with this EXIF orientation, with its tag."""
    turn = STORED[orientation]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return (image if turn is None else image.transpose(turn)), exif


def tiles_of(data: bytes, shape: Shape = SHAPE) -> Array:
    """What the model would see of this file: (tiles, size, size, 3)."""
    picture = opening.open_picture(data, LIMITS)
    tiles = pixels.squares(picture, shape)
    flat = np.frombuffer(b"".join(tiles), np.uint8)
    return flat.reshape(len(tiles), shape.size, shape.size, 3)


def square(upright: Image.Image, shape: Shape) -> Image.Image:
    """The centre square of an upright RGB picture by torchvision's arithmetic, done plainly."""
    filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    side = shape.size
    if shape.resize_mode == "squash":
        return upright.resize((side, side), filters[shape.interpolation])
    long = int(side * max(upright.size) / min(upright.size))
    size = (side, long) if upright.width <= upright.height else (long, side)
    small = upright.resize(size, filters[shape.interpolation])
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return small.crop((left, top, left + side, top + side))


def psnr(one: Array, other: Array) -> float:
    """Likeness in decibels; 99 for equal arrays."""
    error = float(((one.astype(np.float64) - other) ** 2).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def write(path: Path, data: bytes) -> bytes:
    """Put ``data`` into a file; its path as photosd handles paths."""
    path.write_bytes(data)
    return bytes(path)
