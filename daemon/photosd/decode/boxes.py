"""Boxes of HEIF and AVIF files (ISO/IEC 14496-12), and what they say about the main picture."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
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
        inside = described(data)
        pitm = inside[b"pitm"]
        main = _number(data, pitm.start + 4, 4 if data[pitm.start] else 2)
        for kind, start, _ in properties_of(data, inside, main):
            if kind == b"colr" and data[start : start + 4] == b"nclx":
                return Nclx(_number(data, start + 4, 2), _number(data, start + 6, 2))
    except (StopIteration, KeyError, IndexError):
        pass
    return None


def crop_of(data: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The part of the stored main picture, of this size, that is to be shown (``clap``): left,
    upper, right, lower; None: all of it.
    """
    try:
        inside = described(data)
        pitm = inside[b"pitm"]
        main = _number(data, pitm.start + 4, 4 if data[pitm.start] else 2)
        clap = next(one for one in properties_of(data, inside, main) if one.kind == b"clap")
        numbers = struct.unpack_from(">IIIIiIiI", data, clap.start)
        width, height, across, down = (
            top / bottom for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)
        )
    except (StopIteration, KeyError, IndexError, struct.error, ZeroDivisionError):
        return None
    left, upper = (size[0] - width) / 2 + across, (size[1] - height) / 2 + down
    found = round(left), round(upper), round(left + width), round(upper + height)
    inside_it = 0 <= found[0] < found[2] <= size[0] and 0 <= found[1] < found[3] <= size[1]
    return found if inside_it else None


def ends_early(data: bytes) -> bool:
    """Whether the file is cut off within its main picture or one of its tiles: libheif shows
    missing tiles in black.
    """
    try:
        inside = described(data)
        pitm = inside[b"pitm"]
        main = _number(data, pitm.start + 4, 4 if data[pitm.start] else 2)
        ends = dict(_ends(data, inside[b"iloc"]))
        shown = {main, *_parts_of(data, inside.get(b"iref"), main)}
        return any(ends.get(item, 0) > len(data) for item in shown)
    except (StopIteration, KeyError, IndexError):
        return False


def _parts_of(data: bytes, iref: Box | None, item: int) -> Iterator[int]:
    """The pictures that an item is derived from."""
    if iref is None:
        return
    wide = 4 if data[iref.start] else 2
    for kind, start, end in boxes(data, iref.start + 4, iref.end):
        if kind == b"dimg" and _number(data, start, wide) == item:
            yield from (_number(data, at, wide) for at in range(start + wide + 2, end, wide))


def _ends(data: bytes, iloc: Box) -> Iterator[tuple[int, int]]:
    """Each item whose content is in the file, not in ``meta``, and where that ends."""
    version, at = data[iloc.start], iloc.start + 6
    offset, length = data[iloc.start + 4] >> 4, data[iloc.start + 4] & 15
    base, index = data[iloc.start + 5] >> 4, data[iloc.start + 5] & 15 if version else 0
    wide = 4 if version == 2 else 2
    count = _number(data, at, wide)
    at += wide
    for _ in range(count):
        if at >= iloc.end:
            return
        item = _number(data, at, wide)
        at += wide
        in_file = not version or not data[at + 1] & 15
        at += 4 if version else 2
        start, extents = _number(data, at, base), _number(data, at + base, 2)
        at += base + 2
        for _ in range(extents):
            if at >= iloc.end:
                return
            begin = _number(data, at + index, offset)
            if in_file:
                yield item, start + begin + _number(data, at + index + offset, length)
            at += index + offset + length


def described(data: bytes) -> dict[bytes, Box]:
    """The boxes in a file's ``meta`` by type; raises StopIteration without one."""
    meta = next(box for box in boxes(data, 0, len(data)) if box.kind == b"meta")
    return {box.kind: box for box in boxes(data, meta.start + 4, meta.end)}


def properties_of(data: bytes, inside: Mapping[bytes, Box], item: int) -> list[Box]:
    """The properties of an item, in their order; raises KeyError, IndexError if broken."""
    iprp = {box.kind: box for box in boxes(data, *inside[b"iprp"][1:])}
    every = list(boxes(data, *iprp[b"ipco"][1:]))
    return [every[number - 1] for number in _numbers_of(data, iprp[b"ipma"], item)]


def _numbers_of(data: bytes, ipma: Box, item: int) -> Iterator[int]:
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
