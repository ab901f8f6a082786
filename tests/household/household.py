"""A photo library as people have them, and the expected outcome of each path in it.

The same seed makes the same tree (tests.household.making). No file is a real photo: a few dozen
small pictures are encoded once, and each file differs from all others in its last bytes
(tests.household.bodies).
"""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH115

from __future__ import annotations

import datetime
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Outcome = Literal["indexed", "ignored", "failed"]
Date = datetime.datetime

MARK = {"nomedia": b".nomedia", "ignore": b".photosdignore"}
# Names of folders that no scan enters: hidden ones, and the bins and thumbnails of NAS systems.
LEFT_ALONE = (
    b".thumbnails",
    b".Trash-1000",
    b"@eaDir",
    b"#recycle",
    b"$RECYCLE.BIN",
    b".stversions",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One path of a household.

    ``kind``: what a person would call it. ``content``: the content id of its bytes, of a link that
    of the photo it leads to, None where there are no bytes to read. ``taken``: what its EXIF data
    say, in the camera's time. ``why``: the reason of an outcome that is not "indexed".
    """

    path: bytes
    kind: str
    outcome: Outcome
    content: str | None
    mtime_ns: int
    taken: Date | None = None
    why: str = ""

    @property
    def name(self) -> bytes:
        """The last part of its path."""
        return self.path.rpartition(b"/")[2]


@dataclass
class Household:
    """A tree of photos that was just made, and every path in it that is not a plain directory."""

    root: Path
    seed: int
    items: list[Item] = field(default_factory=list)

    def paths(self, outcome: Outcome) -> set[bytes]:
        """The paths with that outcome."""
        return {item.path for item in self.items if item.outcome == outcome}

    def of_kind(self, kind: str) -> list[Item]:
        """Every path of one kind."""
        return [item for item in self.items if item.kind == kind]

    def contents(self) -> dict[bytes, str]:
        """The content id that each indexed path must have."""
        return {i.path: i.content for i in self.items if i.outcome == "indexed" and i.content}

    def kinds(self) -> Counter[str]:
        """How many there are of each kind."""
        return Counter(item.kind for item in self.items)


def listing(root: Path) -> Iterator[tuple[bytes, int, int, bytes]]:
    """Every path below ``root``, its mode, its time, and its bytes or where it leads, sorted."""
    for place, directories, files in os.walk(os.fsencode(root)):
        for name in sorted(directories + files):
            path = place + b"/" + name
            found = os.lstat(path)
            data, mtime_ns = b"", 0
            if stat.S_ISLNK(found.st_mode):
                data = os.readlink(path)
            elif stat.S_ISREG(found.st_mode):
                data, mtime_ns = read_bytes_of(path), found.st_mtime_ns
            yield path[len(os.fsencode(root)) :], found.st_mode, mtime_ns, data
        directories.sort()


def read_bytes_of(path: bytes) -> bytes:
    """The content of a file."""
    return Path(os.fsdecode(path)).read_bytes()
