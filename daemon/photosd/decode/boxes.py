"""Boxes of HEIF and AVIF files (ISO/IEC 14496-12), and what they say about the main picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from photosd.decode.light import Nclx


class Box(NamedTuple):
    """A box in a file: its type, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between these positions."""
    while start + 8 <= end:
        size, kind, head = _number(data, start, 4), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = _number(data, start + 8, 8), 16
        size = size or end - start
        if size < head or start + size > end:
            return
        yield Box(kind, start + head, start + size)
        start += size


def nclx_of(data: bytes) -> Nclx | None:
    """The colours of the main picture; None if the file does not give them as numbers.

    Those of other pictures in it do not count: a gain map leads to HDR.
    """
    try:
        meta = next(box for box in boxes(data, 0, len(data)) if box.kind == b"meta")
        inside = {box.kind: box for box in boxes(data, meta.start + 4, meta.end)}
        pitm = inside[b"pitm"]
        main = _number(data, pitm.start + 4, 4 if data[pitm.start] else 2)
        iprp = {box.kind: box for box in boxes(data, *inside[b"iprp"][1:])}
        properties = list(boxes(data, *iprp[b"ipco"][1:]))
        for number in _properties_of(data, iprp[b"ipma"], main):
            kind, start, _ = properties[number - 1]
            if kind == b"colr" and data[start : start + 4] == b"nclx":
                return Nclx(_number(data, start + 4, 2), _number(data, start + 6, 2))
    except (StopIteration, KeyError, IndexError):
        pass
    return None


def _properties_of(data: bytes, ipma: Box, item: int) -> Iterator[int]:
    """The numbers, from 1, of the properties of an item."""
    wide, each = (4 if data[ipma.start] else 2), 1 + (data[ipma.start + 3] & 1)
    at = ipma.start + 8
    while at + wide < ipma.end:
        found, count = _number(data, at, wide), data[at + wide]
        at += wide + 1
        if found == item:
            for place in range(at, at + count * each, each):
                yield _number(data, place, each) & (0x7FFF if each > 1 else 0x7F)
        at += count * each


def _number(data: bytes, at: int, wide: int) -> int:
    return int.from_bytes(data[at : at + wide])
