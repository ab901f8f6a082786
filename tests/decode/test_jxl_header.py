"""The colours of JPEG XL: P3 was shown pale, as its library tells only of profiles."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from photosd.decode import opening
from photosd.decode.jxl_header import MAX_BOXES, colours_of
from photosd.decode.light import GAMMA_22, HLG, LINEAR, PQ, SRGB, Nclx
from photosd.decode.limits import DecodeLimits
from tests.decode.pictures import tiles_of

BT709, BT2020, P3 = 1, 9, 12
IN_JXL = {BT709: 1, BT2020: 9, P3: 11}
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl "


class Written:
    """Numbers of so many bits, the lowest first."""

    def __init__(self) -> None:
        self.value = self.count = 0

    def put(self, *pairs: tuple[int, int]) -> Written:
        """Each number with its bits."""
        for number, bits in pairs:
            self.value |= number << self.count
            self.count += bits
        return self

    def enum(self, number: int) -> Written:
        """A number of an enumeration."""
        if number < 2:
            return self.put((number, 2))
        return (
            self.put((2, 2), (number - 2, 4)) if number < 18 else self.put((3, 2), (number - 18, 6))
        )

    def data(self) -> bytes:
        """All of them."""
        return b"\xff\x0a" + self.value.to_bytes(self.count // 8 + 1, "little")


def header(
    primaries: int = BT709, transfer: int = SRGB, *, kind: str = "", gamma: float = 0
) -> bytes:
    """The beginning of a JPEG XL with these colours; ``kind``: what else is in it."""
    bits = Written()
    if kind == "small":
        bits.put((1, 1), (3, 5), (0, 3), (4, 5))
    else:
        bits.put((0, 1), (1, 2), (2999, 13), (4 if kind == "proportions" else 0, 3))
        if kind != "proportions":
            bits.put((1, 2), (3999, 13))
    if kind == "default":
        return bits.put((1, 1)).data()
    bits.put((0, 1), (kind in ("turned", "animated"), 1))
    if kind in ("turned", "animated"):
        bits.put((5, 3), (1, 1), (1, 1), (3, 5), (1, 3), (0, 1), (kind == "animated", 1))
    bits.put((1, 1), (0, 2), (7, 4)) if kind == "floats" else bits.put((0, 1), (1, 2))
    bits.put((1, 1))
    if kind == "channels":
        bits.put((2, 2), (1, 4), (1, 1))  # three: transparency, as by default
        bits.put((0, 1)).enum(0).put(
            (0, 1), (0, 2), (0, 2), (1, 2), (2, 4), (65, 8), (66, 8), (1, 1)
        )
        bits.put((0, 1)).enum(1).put((0, 1), (0, 2), (0, 2), (0, 2))  # depth
    elif kind == "spots":
        bits.put((1, 2), (0, 1)).enum(2).put((0, 1), (0, 2), (0, 2), (0, 2))
    else:
        bits.put((0, 2))
    bits.put((1, 1))
    if kind == "srgb":
        return bits.put((1, 1)).data()
    bits.put((0, 1), (kind == "profile", 1)).enum(1 if kind == "grey" else 0)
    bits.enum(10 if kind == "white" else 1)
    if kind != "grey":
        bits.enum(IN_JXL.get(primaries, primaries))
    bits.put((1, 1), (round(gamma * 1e7), 24)) if gamma else bits.put((0, 1)).enum(transfer)
    return bits.data()


@pytest.mark.parametrize("kind", ["", "small", "proportions", "turned", "floats", "channels"])
@pytest.mark.parametrize(
    ("primaries", "transfer"), [(P3, SRGB), (P3, PQ), (BT2020, HLG), (BT709, LINEAR), (P3, 1)]
)
def test_colours_are_read(primaries: int, transfer: int, kind: str) -> None:
    """Whatever precedes them; in a bare file and in a container, in parts, too."""
    data = header(primaries, transfer, kind=kind)
    assert colours_of(data) == Nclx(primaries, transfer)
    part = (8 + len(data)).to_bytes(4) + b"jxlc" + data
    assert colours_of(CONTAINER + part) == Nclx(primaries, transfer)
    parts = b"".join(
        (12 + len(some)).to_bytes(4) + b"jxlp" + number.to_bytes(4) + some
        for number, some in enumerate((data[:5], data[5:]))
    )
    assert colours_of(CONTAINER + parts) == Nclx(primaries, transfer)


def test_not_all_of_a_container_is_searched() -> None:
    """A file of thousands of empty boxes costs no time."""
    data = header(P3, SRGB)
    part = (8 + len(data)).to_bytes(4) + b"jxlc" + data
    empty = (8).to_bytes(4) + b"free"
    assert colours_of(CONTAINER + empty * (MAX_BOXES - 3) + part) == Nclx(P3, SRGB)
    assert colours_of(CONTAINER + empty * MAX_BOXES + part) is None


def test_greys_and_gammas() -> None:
    assert colours_of(header(kind="grey", transfer=LINEAR)) == Nclx(BT709, LINEAR)
    assert colours_of(header(P3, gamma=1 / 2.2)) == Nclx(P3, GAMMA_22)
    assert colours_of(header(P3, gamma=0.7)) == Nclx(P3, SRGB)


@pytest.mark.parametrize("kind", ["default", "srgb", "profile", "white", "animated", "spots"])
def test_colours_that_are_not_known_are_left(kind: str) -> None:
    """As are those of broken files."""
    data = header(P3, PQ, kind=kind)
    assert colours_of(data) is None
    for length in range(len(data)):
        colours_of(data[:length])
    for place in range(2, len(data)):
        colours_of(data[:place] + b"\xff" + data[place + 1 :])


def test_p3_is_not_pale(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same numbers mean redder reds; a profile in the file counts before."""
    red = np.full((64, 64, 3), (180, 80, 80), np.uint8)
    stub = SimpleNamespace(
        probe=lambda _: {"width": 64, "height": 64}, decode=lambda _, metadata: (red, {})
    )
    monkeypatch.setitem(sys.modules, "pylibjxl", stub)
    assert tiles_of(header(P3, SRGB))[0][32, 32][0] > 190
    assert abs(int(tiles_of(header(BT709, SRGB))[0][32, 32][0]) - 180) <= 1


def test_a_real_one(photos: Path) -> None:
    """Those of a phone."""
    data = (photos / "phones" / "16bit-HDR-P3-nclx.jxl").read_bytes()
    assert colours_of(data) == Nclx(P3, SRGB)
    assert colours_of((photos / "phones" / "8bit-sRGB.jxl").read_bytes()) == Nclx(BT709, SRGB)
    pytest.importorskip("pylibjxl")
    picture = opening.open_picture(data, DecodeLimits(max_megapixels=100).resolved())
    assert picture.nclx == Nclx(P3, SRGB)
