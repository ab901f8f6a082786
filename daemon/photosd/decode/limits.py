"""Limits of time, memory and pixels for one photo on this machine."""

from __future__ import annotations

import msgspec

from photosd.core import machine
from photosd.core.config import MAX_MEGAPIXELS

MIB = 1 << 20
HEAD_BYTES = MIB  # of a JPEG, read for its metadata: larger than nearly all of it
END_BYTES = 4096  # of the same: where Samsung lists what it has appended
MIN_MEMORY = 768 * MIB
MAX_MEMORY = 4096 * MIB
# Peak bytes per pixel of the header, measured, with a margin: JPEG is decoded at reduced size, but
# a progressive one keeps all its coefficients; the other formats hold a picture several times.
BYTES_PER_PIXEL = {
    "JPEG": 7,
    "MPO": 7,
    "HEIF": 16,
    "AVIF": 16,
    "WEBP": 18,
    "JPEG2000": 24,
    "JXL": 24,
}
OTHER_BYTES_PER_PIXEL = 12
FILE_SHARE = 3  # the bytes of a file may use this part of the memory


class DecodeLimits(msgspec.Struct, frozen=True):
    """Limits for one photo; 0 means: derived from available memory.

    Seconds: ``start`` for a decoder to start, ``read`` of waiting for the disk, then ``decode``
    (``raw`` for camera files) of a core, more for large photos. ``memory`` is in bytes.
    """

    max_megapixels: int = 0
    memory: int = 0
    decode_seconds: float = 20.0
    raw_seconds: float = 60.0
    read_seconds: float = 60.0
    start_seconds: float = 30.0

    def resolved(self) -> DecodeLimits:
        """The same with ``memory`` set for this machine and the configured megapixels."""
        memory = self.memory or min(max(machine.memory() // 6, MIN_MEMORY), MAX_MEMORY)
        wished = self.max_megapixels * 1_000_000 * max(BYTES_PER_PIXEL.values())
        return msgspec.structs.replace(self, memory=max(memory, wished))

    def pixels(self, format_name: str) -> int:
        """The maximum pixels of a picture of this format (Pillow's name)."""
        if self.max_megapixels:
            return self.max_megapixels * 1_000_000
        return self.memory // bytes_per_pixel(format_name)

    def remedy(self, *, pixels: int = 0, memory: int = 0) -> str:
        """The command that allows a file with this many pixels or this memory.

        It lowers no current limit.
        """
        of_one = 1_000_000 * max(BYTES_PER_PIXEL.values())
        wanted = (-(-pixels // 1_000_000), -(-memory // of_one), self.pixels("JPEG") // 1_000_000)
        if max(wanted) > MAX_MEGAPIXELS:
            return "export a smaller copy with another program, and keep that instead"
        return f"if you trust the file: photosd config set decode.max_megapixels {max(wanted)}"

    @property
    def file_bytes(self) -> int:
        """The largest file that is read completely."""
        return self.memory // FILE_SHARE


def bytes_per_pixel(format_name: str) -> int:
    """Peak bytes a decoder needs for each pixel of a picture of this format."""
    return BYTES_PER_PIXEL.get(format_name, OTHER_BYTES_PER_PIXEL)
