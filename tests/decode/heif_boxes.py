"""HEIF files with what no library writes: their boxes are taken apart and put together again."""

from __future__ import annotations

import struct
from typing import NamedTuple

from photosd.decode.boxes import boxes


class Item(NamedTuple):
    """A picture in a file: its properties, in the order in which they are applied."""

    kind: bytes
    data: bytes
    properties: list[bytes]
    references: list[tuple[bytes, list[int]]]
    hidden: bool = False


def box(kind: bytes, *contents: bytes) -> bytes:
    """A box with these contents."""
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def clap(width: int, height: int, left: int, top: int, of: tuple[int, int]) -> bytes:
    """The property that shows only this part of a picture of this size."""
    across, down = 2 * left + width - of[0], 2 * top + height - of[1]  # of the middles, twice
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, across, 2, down, 2))


def irot(quarters: int) -> bytes:
    """The property that turns a picture left by so many quarters."""
    return box(b"irot", bytes([quarters]))


def imir(axis: int) -> bytes:
    """The property that mirrors a picture: 0 top and bottom, 1 left and right."""
    return box(b"imir", bytes([axis]))


def taken_apart(data: bytes) -> tuple[int, dict[int, Item]]:
    """The main picture and all items of a file that pillow_heif has written."""
    meta = next(one for one in boxes(data, 0, len(data)) if one.kind == b"meta")
    inside = {one.kind: one for one in boxes(data, meta.start + 4, meta.end)}
    (main,) = struct.unpack_from(">H", data, inside[b"pitm"].start + 4)
    iprp = {one.kind: one for one in boxes(data, inside[b"iprp"].start, inside[b"iprp"].end)}
    every = [
        data[one.start - 8 : one.end] for one in boxes(data, iprp[b"ipco"].start, iprp[b"ipco"].end)
    ]
    kinds: dict[int, tuple[bytes, bool]] = {}
    for one in boxes(data, inside[b"iinf"].start + 6, inside[b"iinf"].end):
        number, _, kind = struct.unpack_from(">HH4s", data, one.start + 4)
        kinds[number] = kind, bool(data[one.start + 3] & 1)
    references: dict[int, list[tuple[bytes, list[int]]]] = {}
    if b"iref" in inside:
        for one in boxes(data, inside[b"iref"].start + 4, inside[b"iref"].end):
            source, count = struct.unpack_from(">HH", data, one.start)
            targets = list(struct.unpack_from(f">{count}H", data, one.start + 4))
            references.setdefault(source, []).append((one.kind, targets))
    properties: dict[int, list[bytes]] = {}
    at, wide = iprp[b"ipma"].start + 8, 1 + (data[iprp[b"ipma"].start + 3] & 1)
    while at < iprp[b"ipma"].end:
        number, count = struct.unpack_from(">HB", data, at)
        places = [
            int.from_bytes(data[at + 3 + wide * i : at + 3 + wide * (i + 1)]) for i in range(count)
        ]
        properties[number] = [every[(one & (0x7F if wide == 1 else 0x7FFF)) - 1] for one in places]
        at += 3 + wide * count
    contents = _contents(data, inside[b"iloc"].start, inside.get(b"idat"))
    return main, {
        number: Item(kind, contents[number], properties.get(number, []),
                     references.get(number, []), hidden)
        for number, (kind, hidden) in kinds.items()
    }  # fmt: skip


def _contents(data: bytes, at: int, idat: object) -> dict[int, bytes]:
    version, sizes, more = data[at], data[at + 4], data[at + 5]
    wide, length, base_wide = sizes >> 4, sizes & 15, more >> 4
    (count,) = struct.unpack_from(">H", data, at + 6)
    at += 8
    found: dict[int, bytes] = {}
    for _ in range(count):
        (number,) = struct.unpack_from(">H", data, at)
        method = data[at + 3] & 15 if version else 0
        at += (4 if version else 2) + 2
        base = int.from_bytes(data[at : at + base_wide])
        at += base_wide
        (extents,) = struct.unpack_from(">H", data, at)
        at += 2
        content = b""
        for _ in range(extents):
            start = base + int.from_bytes(data[at : at + wide])
            size = int.from_bytes(data[at + wide : at + wide + length])
            start += idat.start if method == 1 else 0  # type: ignore[attr-defined]
            content += data[start : start + size]
            at += wide + length
        found[number] = content
    return found


def put_together(main: int, items: dict[int, Item], brand: bytes = b"heic") -> bytes:
    """A file of these items."""
    every = list(dict.fromkeys(one for item in items.values() for one in item.properties))
    ipma = struct.pack(">II", 1, len(items)) + b"".join(
        struct.pack(">HB", number, len(item.properties))
        + b"".join(struct.pack(">H", 0x8001 + every.index(one)) for one in item.properties)
        for number, item in items.items()
    )
    entries = b"".join(
        box(
            b"infe",
            bytes([2, 0, 0, item.hidden]),
            struct.pack(">HH4s", number, 0, item.kind),
            b"\0",
        )
        for number, item in items.items()
    )
    references = b"".join(
        box(kind, struct.pack(f">HH{len(to)}H", number, len(to), *to))
        for number, item in items.items()
        for kind, to in item.references
    )
    head = box(b"ftyp", brand, bytes(4), b"mif1", brand)

    def written(start: int) -> bytes:
        places = b""
        for number, item in items.items():
            places += struct.pack(">HHHHII", number, 0, 0, 1, start, len(item.data))
            start += len(item.data)
        return box(
            b"meta", bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", main)),
            box(b"iloc", b"\1\0\0\0\x44\0", struct.pack(">H", len(items)), places),
            box(b"iinf", bytes(4), struct.pack(">H", len(items)), entries),
            box(b"iprp", box(b"ipco", *every), box(b"ipma", ipma)),
            box(b"iref", bytes(4), references) if references else b"",
        )  # fmt: skip

    mdat = box(b"mdat", *(item.data for item in items.values()))
    return head + written(len(head) + len(written(0)) + 8) + mdat
