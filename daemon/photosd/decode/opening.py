"""Opens a picture: accepted formats, size limits, and pixels no larger than needed."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from photosd.core import machine
from photosd.decode.boxes import crop_of, ends_early, nclx_of
from photosd.decode.colour import cicp_of, know_lab
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.geometry import Box
from photosd.decode.jxl import decoded, is_jxl, size_of
from photosd.decode.jxl_header import colours_of
from photosd.decode.light import Nclx
from photosd.decode.limits import MIB, DecodeLimits, bytes_per_pixel

# Importing a plugin registers its format; only these are tried.
PLUGINS = (
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
    GifImagePlugin,
    TiffImagePlugin,
    BmpImagePlugin,
    AvifImagePlugin,
    Jpeg2KImagePlugin,
    PpmImagePlugin,
    PsdImagePlugin,
)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "JPEG2000", "PPM", "PSD")
BIG_BYTES = 256 * MIB  # smaller pictures are decoded without checking free memory
# 12 MP may be reduced by 4 for 256 pixels; 2 would lose 2 to 5 dB on sharp photos.
DRAFT_FACTOR = 2.9


@dataclass
class OpenedPicture:
    """An opened, not yet decoded picture; ``size`` is the full stored (width, height).

    ``container`` is the metadata of the raw file that contains the preview; ``nclx``: its colours
    if it describes them by numbers.
    """

    image: Image.Image
    format: str
    size: tuple[int, int]
    container: Image.Exif | None = None
    nclx: Nclx | None = None
    levels: int = 0  # how often a JPEG 2000 can be halved while it is decoded
    crop: Box | None = None  # the part that is shown, if Pillow does not crop it

    def load(self, wanted: tuple[int, int]) -> Box:
        """Decode, reduced to about 3 times ``wanted`` (as stored); returns the picture's box."""
        least = (int(wanted[0] * DRAFT_FACTOR), int(wanted[1] * DRAFT_FACTOR))
        # For HEIF that would be a thumbnail: see `previews`.
        drafted = None if self.format == "HEIF" else self.image.draft(None, least)
        if self.levels and isinstance(self.image, Jpeg2KImagePlugin.Jpeg2KImageFile):
            room = min(self.size[0] // max(1, least[0]), self.size[1] // max(1, least[1]))
            self.image.reduce = min(self.levels, max(1, room).bit_length() - 1)
        self.image.load()
        return drafted[1] if drafted else self.crop or (0, 0, *self.image.size)

    @property
    def orientation(self) -> int:
        """EXIF orientation still to be undone, 1 to 8; known once loaded."""
        own = _orientation(self.image.getexif)  # a preview's own value before its container's
        return own or _orientation(lambda: self.container or {}) or 1

    def tags(self) -> Mapping[int, object]:
        """The main EXIF directory; raises Pillow's errors for broken metadata."""
        return self._exif()

    def directory(self, which: int) -> Mapping[int, object]:
        """A sub-directory of the EXIF data; raises like `tags`."""
        return self._exif().get_ifd(which)

    def _exif(self) -> Image.Exif:
        return self.image.getexif() if self.container is None else self.container


def _orientation(tags: Callable[[], Mapping[int, object]]) -> int | None:
    try:
        value = tags().get(ExifTags.Base.Orientation)
    except Exception:  # hostile metadata must not affect the picture
        return None
    return value if isinstance(value, int) and 1 <= value <= 8 else None


def configure(limits: DecodeLimits) -> None:
    """Configure Pillow for this process: our limits, one thread, no partial pictures."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = max(limits.pixels("JPEG"), limits.pixels("PNG"))
    know_lab()
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # there is one worker per core already
    logging.disable(logging.CRITICAL)  # hostile files trigger endless warnings
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def open_picture(data: bytes, limits: DecodeLimits, *, check: bool = True) -> OpenedPicture:
    """The picture in ``data``; raises Pillow's errors, and with ``check`` as `check_size`."""
    if is_jxl(data):
        return _open_jxl(data, limits)
    formats: tuple[str, ...] = FORMATS
    most = Image.MAX_IMAGE_PIXELS
    if is_iso := data[4:8] == b"ftyp":
        know_heif()
        formats = ("AVIF", "HEIF", "JPEG2000")
        most = most if check else None  # a preview may do, and opening decodes nothing
        if ends_early(data):
            raise OSError("the picture is truncated")
    try:
        image = _opened(data, formats, most)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(_pixels_in(str(error)), limits, "") from error
    levels = _levels(data) if image.format == "JPEG2000" else 0
    kind = image.format or "unknown"
    nclx = nclx_of(data) if is_iso else cicp_of(data) if kind == "PNG" else None
    picture = OpenedPicture(image, kind, image.size, nclx=nclx, levels=levels)
    if check:
        check_size(picture, limits)
    if kind == "AVIF" and (crop := crop_of(data, image.size)):
        check_size(picture, limits)  # all of it is decoded
        picture.crop, picture.size = crop, (crop[2] - crop[0], crop[3] - crop[1])
    return picture


def _open_jxl(data: bytes, limits: DecodeLimits) -> OpenedPicture:
    size = size_of(data)
    check_size(OpenedPicture(Image.new("L", (1, 1)), "JXL", size), limits)
    image = decoded(data)
    return OpenedPicture(image, "JXL", image.size, nclx=colours_of(data))


def _levels(data: bytes) -> int:
    """Wavelet decompositions of a JPEG 2000, as its COD segment states (ISO/IEC 15444-1, A.6.1)."""
    at = data.find(b"\xff\x52", data.find(b"\xff\x4f\xff\x51"))
    head = data[at : data.find(b"\xff\x90", at)] if at > 0 else b""
    return head[9] if len(head) > 9 and b"\xff\x53" not in head else 0  # COC may state others


def _opened(data: bytes, formats: tuple[str, ...], most: int | None) -> Image.Image:
    """Opened by Pillow, which warns of pictures with more than ``most`` pixels."""
    usual, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, most
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    finally:
        Image.MAX_IMAGE_PIXELS = usual


def check_size(picture: OpenedPicture, limits: DecodeLimits) -> None:
    """Raise DecodeFailed if decoding takes more memory than allowed, or than there is now."""
    pixels, kind = picture.size[0] * picture.size[1], picture.format
    if pixels > limits.pixels(kind):
        raise _too_large(pixels, limits, kind)
    need = pixels * bytes_per_pixel(kind)
    if need < BIG_BYTES:
        return
    free = machine.available()
    if need > free:
        raise DecodeFailed(
            "memory",
            f"the photo needs {need // MIB:,} MiB of memory and {free // MIB:,} MiB are free",
            f"{machine.more_memory()}; it is retried later",
            transient=True,
        )


def _too_large(pixels: int, limits: DecodeLimits, kind: str) -> DecodeFailed:
    megapixels = -(-pixels // 1_000_000)
    return DecodeFailed(
        "too_large",
        f"too large: {megapixels:,} MP,"
        f" the limit on this machine is {limits.pixels(kind) // 1_000_000:,} MP",
        limits.remedy(pixels=pixels),
    )


def _pixels_in(message: str) -> int:
    found = re.search(r"\((\d+) pixels\)", message)
    return int(found[1]) if found else 0


def know_heif() -> None:
    """HEIF is imported at the first such file: it takes 30 MB of address space."""
    if "HEIF" in Image.OPEN:
        return
    import pillow_heif

    pillow_heif.register_heif_opener(decode_threads=1, depth_images=False, aux_images=False)
