"""How much time, memory and how many pixels one photo may take on this machine."""

from __future__ import annotations

import msgspec

from photosd.core import machine
from photosd.core.config import MOST_MEGAPIXELS

MIB = 1 << 20
LEAST_MEMORY = 768 * MIB
MOST_MEMORY = 4096 * MIB
# Peak bytes for each pixel of the header, measured with some reserve: JPEG decodes shrunk, but a
# progressive one keeps all its coefficients; the rest of the table holds a picture several times.
BYTES_PER_PIXEL = {"JPEG": 7, "MPO": 7, "HEIF": 16, "AVIF": 16, "WEBP": 18, "JPEG2000": 24}
OTHER_BYTES_PER_PIXEL = 12
FILE_SHARE = 3  # the bytes of a file may take this part of the memory


class DecodeLimits(msgspec.Struct, frozen=True):
    """Limits for one photo; 0 means: decided by the memory there is for us.

    Seconds: ``start`` for a decoder to come up, ``read`` to get the bytes off the disk, then
    ``decode`` (``raw`` for camera files). ``memory`` is in bytes.
    """

    max_megapixels: int = 0
    memory: int = 0
    decode_seconds: float = 20.0
    raw_seconds: float = 60.0
    read_seconds: float = 60.0
    start_seconds: float = 30.0

    def resolved(self) -> DecodeLimits:
        """The same with ``memory`` filled in for this machine and the wished megapixels."""
        memory = self.memory or min(max(machine.memory() // 6, LEAST_MEMORY), MOST_MEMORY)
        wished = self.max_megapixels * 1_000_000 * max(BYTES_PER_PIXEL.values())
        return msgspec.structs.replace(self, memory=max(memory, wished))

    def pixels(self, format_name: str) -> int:
        """The most pixels a picture of this format (Pillow's name) may have."""
        if self.max_megapixels:
            return self.max_megapixels * 1_000_000
        return self.memory // bytes_per_pixel(format_name)

    def remedy(self, *, pixels: int = 0, memory: int = 0) -> str:
        """The command after which a file is read that has so many pixels or takes so much memory.

        It lowers no limit that holds now.
        """
        of_one = 1_000_000 * max(BYTES_PER_PIXEL.values())
        wanted = (-(-pixels // 1_000_000), -(-memory // of_one), self.pixels("JPEG") // 1_000_000)
        if max(wanted) > MOST_MEGAPIXELS:
            return "export a smaller copy with another program, and keep that here instead"
        return f"if you trust the file: photosd config set decode.max_megapixels {max(wanted)}"

    @property
    def file_bytes(self) -> int:
        """The largest file that is read whole."""
        return self.memory // FILE_SHARE


def bytes_per_pixel(format_name: str) -> int:
    """Peak bytes a decoder needs for each pixel of a picture of this format."""
    return BYTES_PER_PIXEL.get(format_name, OTHER_BYTES_PER_PIXEL)
