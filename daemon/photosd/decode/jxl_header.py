"""The colours that a JPEG XL file states by numbers (ISO/IEC 18181-1, image metadata).

Libraries return the values as they are stored, and a profile only if the file has one.
"""

from __future__ import annotations

import itertools

from photosd.decode.boxes import boxes
from photosd.decode.light import GAMMA_22, GAMMA_28, SRGB, Nclx

SIGNATURE = b"\xff\x0a"
HEADER_BYTES = 512
MAX_BOXES = 64  # of a container, looked at
# By H.273, what is P3 with the white of D65 here.
PRIMARIES = {1: 1, 9: 9, 11: 12}
D65, GREY, ALPHA = 1, 1, 0
GAMMAS = {2.2: GAMMA_22, 2.8: GAMMA_28}
NUMBERS = ((0, 0), (1, 0), (2, 4), (18, 6))  # of enumerations: added, bits


class Unknown(ValueError):
    """A header with something that photos never have."""


class Bits:
    """Reads numbers of so many bits, the lowest first; beyond the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._all = int.from_bytes(data, "little")

    def number(self, bits: int) -> int:
        """The next bits."""
        found = self._all & ((1 << bits) - 1)
        self._all >>= bits
        return found

    def choice(self, choices: tuple[tuple[int, int], ...]) -> int:
        """The next number, stored in one of four ways."""
        added, bits = choices[self.number(2)]
        return added + self.number(bits)


def colours_of(data: bytes) -> Nclx | None:
    """The colours of a JPEG XL file; None if it does not give them by numbers, or is broken."""
    bits = Bits(_codestream(data)[len(SIGNATURE) :])
    try:
        return _colours(bits)
    except Unknown:
        return None


def _codestream(data: bytes) -> bytes:
    """Its beginning, which a container may hold in parts."""
    if data.startswith(SIGNATURE):
        return data[:HEADER_BYTES]
    found = b""
    for kind, start, end in itertools.islice(boxes(data, 0, len(data)), MAX_BOXES):
        if kind in (b"jxlc", b"jxlp"):
            start += 4 if kind == b"jxlp" else 0  # its number
            found += data[start : min(end, start + HEADER_BYTES)]
    return found[:HEADER_BYTES]


def _colours(bits: Bits) -> Nclx | None:
    _skip_size(bits)
    if bits.number(1):
        return None  # sRGB, as everything else by default
    if bits.number(1):
        bits.number(3)  # orientation
        if bits.number(1):
            _skip_size(bits)
        if bits.number(2):
            raise Unknown("a preview, or an animation")
    _skip_depth(bits)
    bits.number(1)
    for _ in range(bits.choice(((0, 0), (1, 0), (2, 4), (1, 12)))):
        _skip_channel(bits)
    bits.number(1)
    if bits.number(1) or bits.number(1):
        return None  # sRGB, or a profile
    grey = bits.choice(NUMBERS) == GREY
    white = bits.choice(NUMBERS)
    primaries = 1 if grey else PRIMARIES.get(bits.choice(NUMBERS))
    if white != D65 or primaries is None:
        raise Unknown("own primaries")
    if bits.number(1):
        gamma = bits.number(24) / 1e7
        near = (number for value, number in GAMMAS.items() if abs(value * gamma - 1) < 0.02)
        return Nclx(primaries, next(near, SRGB))
    return Nclx(primaries, bits.choice(NUMBERS))


def _skip_size(bits: Bits) -> None:
    small = bits.number(1)
    _skip_side(bits, small)
    if not bits.number(3):  # else proportions instead of a width
        _skip_side(bits, small)


def _skip_side(bits: Bits, small: int) -> None:
    if small:
        bits.number(5)
    else:
        bits.choice(((1, 9), (1, 13), (1, 18), (1, 30)))


def _skip_depth(bits: Bits) -> None:
    if bits.number(1):  # floats
        bits.choice(((32, 0), (16, 0), (24, 0), (1, 6)))
        bits.number(4)
    else:
        bits.choice(((8, 0), (10, 0), (12, 0), (1, 6)))


def _skip_channel(bits: Bits) -> None:
    if bits.number(1):  # transparency, by default
        return
    kind = bits.choice(NUMBERS)
    _skip_depth(bits)
    bits.choice(((0, 0), (3, 0), (4, 0), (1, 3)))
    for _ in range(bits.choice(((0, 0), (0, 4), (16, 5), (48, 10)))):
        bits.number(8)  # its name
    if kind == ALPHA:
        bits.number(1)
    elif kind in (2, 5):
        raise Unknown("spot colours, or those of a sensor")
