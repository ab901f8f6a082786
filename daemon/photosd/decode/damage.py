"""Turns a decoder's exception into a message for the user."""

from __future__ import annotations

import io
import re

from PIL import TiffImagePlugin, UnidentifiedImageError
from PIL.ExifTags import Base

from photosd.decode.boxes import boxes
from photosd.decode.decode_errors import NO_PHOTO, REPORT, UNSUPPORTED, DecodeFailed, TooMuchMemory
from photosd.decode.limits import DecodeLimits

# How files of known kinds begin; enough to tell a damaged picture from other files.
BEGINNINGS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"BM", "BMP"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"8BPS\0\1", "PSD"),
)
POINTERS = {  # to content that is not on this disk, with the command that fetches it
    b"/annex/objects/": ("git-annex", "git annex get"),
    b"version https://git-lfs.github.com/spec": ("Git LFS", "git lfs pull"),
}
DRAWING = re.compile(rb"<svg[\s>]")
# HEIF and AVIF files, told from videos by their brand.
BRANDS = dict.fromkeys(
    (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "HEIF"
)
BRANDS |= {b"avif": "AVIF", b"avis": "AVIF"}
STILL = {b"meta", b"moov"}  # where a file describes a still picture, and a sequence
ENDS_EARLY = re.compile(r"truncated|unexpected end|premature|not enough|no more data|eof", re.I)
BEYOND_US = re.compile(r"unsupported|not supported|cannot handle|not available|unknown", re.I)


def explain(
    error: Exception, data: bytes | None = None, limits: DecodeLimits | None = None
) -> DecodeFailed:
    """The failure for an exception while decoding ``data`` within ``limits``."""
    if isinstance(error, DecodeFailed):
        return error
    if isinstance(error, MemoryError):
        held = limits or DecodeLimits().resolved()
        return TooMuchMemory(held.remedy(memory=2 * held.memory))
    if data is None:
        return DecodeFailed("internal", f"unexpected: {_short(error)}", REPORT)
    kind = kind_of(data)
    if not data:
        return DecodeFailed("empty", "the file is empty (0 bytes)")
    if isinstance(error, UnidentifiedImageError):
        return _unidentified(kind, data)
    what = f"the {kind} picture" if kind else "the picture"
    if ENDS_EARLY.search(str(error)):
        return DecodeFailed("truncated", f"the file is truncated: {what} ends too early")
    if BEYOND_US.search(str(error)):
        return DecodeFailed(
            "unsupported", f"a kind of picture photosd cannot read ({_short(error)})", UNSUPPORTED
        )
    return DecodeFailed("damaged", f"{what} is damaged ({_short(error)})")


def _unidentified(kind: str, data: bytes) -> DecodeFailed:
    if kind == "TIFF" and (depth := _depth_of_tiff(data)):
        return DecodeFailed(
            "unsupported", f"a kind of TIFF photosd cannot read ({depth})", UNSUPPORTED
        )
    if kind == "PSD":
        return DecodeFailed("unsupported", "a kind of PSD photosd cannot read", UNSUPPORTED)
    if kind == "HEIF" and {one.kind for one in boxes(data, 0, len(data))} & STILL == {b"moov"}:
        return DecodeFailed("unsupported", "a sequence (HEIF) without a still picture", UNSUPPORTED)
    if kind:
        return DecodeFailed("damaged", f"the file begins like {kind} but its header is damaged")
    for start, (program, command) in POINTERS.items():
        if data.startswith(start):
            reason = f"its content is not here: the file is a pointer of {program}"
            return DecodeFailed("not_a_picture", reason, command)
    if not any(data[:4096]):
        return DecodeFailed("damaged", "the file begins with zeros: its content was lost")
    what = _other_kind(data)
    reason = f"not a picture: {what}" if what else "not a picture photosd knows"
    return DecodeFailed("not_a_picture", reason, NO_PHOTO)


def _other_kind(data: bytes) -> str:
    """What a file is that is not a picture; empty if unknown."""
    if data[4:8] == b"ftyp":
        return "the file holds a video"
    if data.startswith(b"%PDF"):
        return "a document (PDF)"
    if DRAWING.search(data[:4096]):
        return "a drawing (SVG)"
    return "the file holds text" if _is_text(data) else ""


def _depth_of_tiff(data: bytes) -> str:
    """The samples of a pixel, such as ``3 × 32 bits, floats``; empty if its header is damaged."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits = tags[Base.BitsPerSample]
        floats = 3 in tags.get(Base.SampleFormat, ())
        whole = {Base.ImageWidth, Base.ImageLength, Base.StripOffsets} <= set(tags)
    except Exception:
        return ""
    return f"{len(bits)} × {bits[0]} bits{', floats' if floats else ''}" if whole else ""


def kind_of(data: bytes) -> str:
    """The format according to the first bytes; empty if unknown."""
    if data[4:8] == b"ftyp":
        return BRANDS.get(data[8:12], "")
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    return next((kind for start, kind in BEGINNINGS if data.startswith(start)), "")


def _is_text(data: bytes) -> bool:
    try:
        # A character may be cut at the end of the sample.
        sample = data[:4096].decode("utf-8", "strict" if len(data) <= 4096 else "ignore")
    except UnicodeDecodeError:
        return False
    return "\0" not in sample and sum(c.isprintable() or c.isspace() for c in sample) > 0.95 * len(
        sample
    )


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
