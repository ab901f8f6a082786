"""Small pictures of every common format, encoded once, and how one becomes many contents."""

from __future__ import annotations

import datetime
import functools
import io
import random
import struct
from collections.abc import Mapping

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

SIZE = (48, 36)
PREVIEW = (420, 400)  # of a RAW file; photosd takes no smaller one for the photo
VARIANTS = 4  # colours of each kind
SENSOR_BYTES = 600
DATE = b"1999:12:31 23:59:58"  # in every picture with EXIF data; replaced by the photo's own
CAMERAS = {"camera": ("Canon", "Canon EOS 6D"), "phone": ("Google", "Pixel 7")}
KINDS = (
    "camera", "phone", "heic", "plain", "progressive", "png", "webp", "gif", "tiff", "bmp", "avif",
    "raw",
)  # fmt: skip
SUFFIXES = {
    "camera": b".jpg", "phone": b".jpg", "plain": b".jpg", "progressive": b".jpg",
    "heic": b".heic", "png": b".png", "webp": b".webp", "gif": b".gif", "tiff": b".tif",
    "bmp": b".bmp", "avif": b".avif", "raw": b".dng",
}  # fmt: skip


@functools.cache
def bodies() -> Mapping[str, tuple[bytes, ...]]:
    """Every kind in `VARIANTS` colours; takes a fraction of a second, once."""
    return {kind: tuple(_body(kind, n) for n in range(VARIANTS)) for kind in KINDS}


def fresh(kind: str, number: int, taken: datetime.datetime | None = None) -> bytes:
    """A file of this kind whose bytes no other number has; ``taken`` where it has EXIF data."""
    data = bodies()[kind][number % VARIANTS]
    if taken is not None:
        data = data.replace(DATE, taken.strftime("%Y:%m:%d %H:%M:%S").encode())
    note = b"household %012d" % number
    if kind in ("heic", "avif"):  # a box that readers skip
        return data + struct.pack(">I4s", 8 + len(note), b"free") + note
    return data + note  # the other formats say where they end


def has_date(kind: str) -> bool:
    """Whether pictures of this kind tell when they were taken."""
    return kind in ("camera", "phone", "heic", "raw")


def truncated(number: int) -> bytes:
    """A picture whose copying was interrupted."""
    data = fresh("plain", number)
    return data[: 300 + number % 50] + b"%012d" % number


def _body(kind: str, number: int) -> bytes:
    if kind == "raw":
        return _raw(_encoded(_picture(number, PREVIEW), "JPEG", quality=20))
    image = _picture(KINDS.index(kind) * VARIANTS + number, SIZE)
    if kind in ("camera", "phone"):
        return _encoded(image, "JPEG", exif=_exif(kind))
    if kind == "heic":
        pillow_heif.register_heif_opener()
        return _encoded(image, "HEIF", exif=_exif("phone").tobytes(), quality=50)
    if kind == "progressive":
        return _encoded(image, "JPEG", progressive=True)
    return _encoded(image, {"plain": "JPEG"}.get(kind, kind.upper()))


def _picture(number: int, size: tuple[int, int]) -> Image.Image:
    colours = np.random.default_rng(number).integers(0, 256, (3, 4, 3), np.uint8)
    return Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)


def _encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _exif(kind: str) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = CAMERAS[kind]
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = DATE.decode()
    return exif


def _raw(preview: bytes) -> bytes:
    """A small TIFF like cameras write: EXIF data, a JPEG preview, something from the sensor."""
    head = _exif("camera").tobytes().removeprefix(b"Exif\0\0")
    return head.ljust(512, b"\0") + preview + random.Random(1).randbytes(SENSOR_BYTES)
