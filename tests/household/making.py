"""Makes a household by a seed: folder by folder, kind by kind."""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH101, PTH103, PTH116, PTH211

from __future__ import annotations

import contextlib
import datetime
import itertools
import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import xxhash

from tests.household import bodies, names
from tests.household.household import (
    LEFT_ALONE,
    MARK,
    Date,
    Household,
    Item,
    Outcome,
    read_bytes_of,
)

BEGIN, DAYS = Date(2003, 5, 1, 9), 8000
# Seconds since 1970 that file systems and programs are said to dislike; the last is in 2120.
ODD_TIMES = (0.0, 1.0, 315_532_800.0, 2_147_483_647.0, 2_147_483_648.0, 4_733_510_400.0)
PATTERNS = b"# what nobody looks for\n\n*.gif\ndrafts/\n*_small.jpg\n"
OTHER_FILES = (
    b"notes.txt", b"MVI_0001.MP4", b"clip.mov", b"bill.pdf", b"Thumbs.db", b"desktop.ini", b"index",
    b"album.zip", b"photo.jpg.part", b"jpg",
)  # fmt: skip


def make_household(directory: Path, files: int = 3000, seed: int = 0) -> Household:
    """Fill ``directory`` with exactly so many files, links and pipes, by ``seed``.

    From some 200 on every kind is among them. The directory is made if it is not there.
    """
    maker = _Maker(directory.resolve(), files, seed)
    with contextlib.suppress(_Full):
        for make in itertools.chain(maker.first(), maker.more()):
            make()
    maker.finish()
    return maker.household


class _Full(Exception):
    """There are as many files as were asked for."""


class _Maker:
    """Writes one kind after another until the household is as large as it should be."""

    def __init__(self, root: Path, files: int, seed: int) -> None:
        self._files, self._chance = files, random.Random(seed)
        self._root = os.fsencode(root)
        self.household = Household(root, seed)
        self._number = 0  # of the last content
        self._odd = 0  # how many odd names there are
        self._counters = {camera: self._chance.randrange(12_000) for camera in names.CAMERAS}
        self._made: set[bytes] = set()  # directories
        self._taken_names: set[bytes] = set()
        self._modes: list[tuple[bytes, int]] = []  # set last, or nothing could be written there
        self._day = BEGIN
        self._directory(self._root)

    def first(self) -> list[Callable[[], None]]:
        """Each kind once, so that none is missing in a household of some size."""
        kinds = [kind for kind, _ in self._kinds()]
        self._chance.shuffle(kinds)
        return [self.shoot, *kinds]

    def more(self) -> Iterator[Callable[[], None]]:
        """Kinds as often as people have them, without end."""
        kinds, weights = zip(*self._kinds(), strict=True)
        while True:
            yield from self._chance.choices(kinds, weights, k=64)

    def finish(self) -> None:
        """Set the modes that would have been in the way."""
        for path, mode in reversed(self._modes):
            os.chmod(path, mode)

    def _kinds(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self.shoot, 20), (self.phone_day, 16), (self.messages, 12), (self.screenshots, 5),
            (self.edits, 8), (self.copies, 5), (self.hard_links, 2), (self.links, 2),
            (self.burst, 4), (self.raw_pairs, 4), (self.live_photos, 4), (self.sidecars, 4),
            (self.odd_names, 4), (self.deep, 2), (self.damaged, 2), (self.other_files, 3),
            (self.hidden, 2), (self.marked, 2), (self.left_alone, 2), (self.special, 1),
            (self.modes, 2), (self.odd_times, 2), (self.formats, 3),
        ]  # fmt: skip

    # -- kinds --------------------------------------------------------------------------------

    def shoot(self) -> None:
        """One event of one camera, numbers counting up."""
        camera, folder = self._chance.choice(list(names.CAMERAS)), self._event()
        for _ in range(self._chance.randrange(8, 60)):
            self._counters[camera] += 1
            name = names.CAMERAS[camera](self._counters[camera]).encode()
            self._photo(folder, name, "camera", "camera")

    def phone_day(self) -> None:
        """What a phone puts into one folder for years."""
        phone = self._chance.choice(list(names.PHONES))
        for _ in range(self._chance.randrange(5, 40)):
            name = names.PHONES[phone](self._moment()).encode()
            self._photo(b"DCIM/Camera", name, "phone", "phone")

    def messages(self) -> None:
        """Pictures that came by messenger: no EXIF data, the day in the name."""
        messenger = self._chance.choice(list(names.MESSENGERS))
        folder = f"Phone/{messenger} Images".encode()
        for _ in range(self._chance.randrange(5, 40)):
            name = names.MESSENGERS[messenger](self._moment()).encode()
            self._photo(folder, name, "messenger", "plain")

    def screenshots(self) -> None:
        """PNGs without any data."""
        of = self._chance.choice(list(names.SCREENSHOTS))
        for _ in range(self._chance.randrange(2, 15)):
            name = names.SCREENSHOTS[of](self._moment()).encode()
            self._photo(b"Phone/Screenshots", name, "screenshot", "png")

    def edits(self) -> None:
        """Edited copies beside what they were made of."""
        for photo in self._some(6):
            folder, _, name = photo.path.rpartition(b"/")
            stem, dot, suffix = os.fsdecode(name).rpartition(".")
            edited = os.fsencode(self._chance.choice(names.EDITS)(stem, dot + suffix))
            if len(edited) <= names.LONGEST:
                self._write(folder, edited, "edited", self._fresh("progressive"))

    def copies(self) -> None:
        """The same bytes again: a backup folder of things that were copied twice."""
        folder = self._below(f"Backup {self._chance.randrange(4)}/photos".encode())
        for photo in self._some(8):
            self._write(folder, photo.name, "copy", read_bytes_of(photo.path), taken=photo.taken)

    def hard_links(self) -> None:
        """The same file under another name."""
        folder = self._below(b"Best of")
        for photo in self._some(3):
            path = self._free(folder, photo.name)
            os.link(photo.path, path)
            self._add(path, "hard_link", "indexed", photo.content, photo.mtime_ns, photo.taken)

    def links(self) -> None:
        """To photos, to directories, to nowhere, in a circle."""
        folder = self._below(b"Album")
        for photo in self._some(3):
            relative = os.path.relpath(photo.path, folder)
            path = self._link(folder, b"to " + photo.name[-100:], relative)
            self._add(path, "link", "indexed", photo.content, photo.mtime_ns, photo.taken)
        for name, target, why in (
            (b"broken.jpg", b"nowhere.jpg", "it leads nowhere"),
            (b"circle.jpg", b"circle.jpg", "it leads in a circle"),
            (b"up", b"..", "a link to a directory"),
            (b"up.jpg", b"..", "a link to a directory"),
        ):
            path = self._free(folder, name)
            os.symlink(path if name == b"circle.jpg" else target, path)
            self._add(path, "link", "ignored", None, 0, why=why)

    def burst(self) -> None:
        """Twenty pictures in two seconds."""
        folder, moment = self._event(), self._moment()
        for shot in range(1, self._chance.randrange(8, 21)):
            name = f"{moment:%Y%m%d_%H%M%S}_{shot:03}_BURST.jpg".encode()
            self._photo(folder, name, "burst", "phone", moment)

    def raw_pairs(self) -> None:
        """RAW and JPEG of one photo."""
        folder = self._event()
        for _ in range(self._chance.randrange(2, 8)):
            self._counters["nikon"] += 1
            name = names.CAMERAS["nikon"](self._counters["nikon"]).encode()
            self._photo(folder, name, "raw", "camera")
            self._photo(folder, name.replace(b".JPG", b".NEF"), "raw", "raw")

    def live_photos(self) -> None:
        """An iPhone's picture, its seconds of film, its edits."""
        folder = b"iPhone/%03dAPPLE" % self._chance.randrange(100, 105)
        for _ in range(self._chance.randrange(3, 12)):
            self._counters["canon"] += 1
            stem = b"IMG_%04d" % (self._counters["canon"] % 10_000)
            self._photo(folder, stem + b".HEIC", "live", "heic")
            self._other(folder, stem + b".MOV", "live")
            if self._chance.random() < 0.3:
                self._other(folder, stem + b".AAE", "sidecar")
                self._photo(folder, stem.replace(b"IMG_", b"IMG_E") + b".HEIC", "edited", "heic")

    def sidecars(self) -> None:
        """What programs write beside photos."""
        for photo in self._some(5):
            if len(photo.name) > 200:
                continue
            folder = photo.path.rpartition(b"/")[0]
            stars = self._chance.randrange(1, 6)
            xmp = (
                '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/'
                '02/22-rdf-syntax-ns#"><rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
                f'xmp:Rating="{stars}"/></rdf:RDF></x:xmpmeta>'
            ).encode()
            for suffix, data in (
                (b".xmp", xmp),
                (b".json", b'{"title": "a photo", "favorited": true}'),
                (b".supplemental-metadata.json", b'{"description": ""}'),
            ):
                self._other(folder, photo.name + suffix, "sidecar", data)

    def odd_names(self) -> None:
        """Names that programs trip over, in folders that are named so, too."""
        folder = os.fsencode(self._chance.choice(names.TRIPS))
        for _ in range(self._chance.randrange(15, 25)):
            self._number += 1
            kind = self._chance.choice(("plain", "camera", "png"))
            name = names.odd_name(self._odd, self._number, bodies.SUFFIXES[kind])
            self._odd += 1
            if sys.platform == "darwin":  # it refuses what is no UTF-8
                name = name.decode("utf-8", "replace").encode()[-names.LONGEST :]
            self._photo(folder, name, "odd_name", kind)

    def deep(self) -> None:
        """Folders in folders."""
        parts = [f"level {n}" for n in range(self._chance.randrange(10, 40))]
        self._photo("/".join(["archive", *parts]).encode(), b"deep.jpg", "deep", "camera")

    def formats(self) -> None:
        """Every other format there is."""
        for kind in ("webp", "gif", "tiff", "bmp", "avif", "heic", "progressive", "raw"):
            self._number += 1
            name = b"scan %d" % self._number + bodies.SUFFIXES[kind]
            self._photo(b"Downloads", name, "format", kind)

    def damaged(self) -> None:
        """Files that no program opens."""
        folder = self._event()
        for name, data, why in (
            (b"IMG_%04d.JPG", b"", "empty"),
            (b"P1%06d.JPG", bodies.truncated(self._number), "truncated"),
            (b"letter %d.png", b"not a picture at all %d" % self._number, "no picture"),
        ):
            self._number += 1
            self._write(folder, name % (self._number % 10_000), "damaged", data, "failed", why)

    def other_files(self) -> None:
        """Add files beside photos that are not photos."""
        folder = self._event()
        for name in self._chance.sample(OTHER_FILES, 4):
            self._other(folder, name, "other")

    def hidden(self) -> None:
        """Names that begin with a dot: macOS's forks, drafts, a hidden folder."""
        folder = self._event()
        hidden = "a hidden name"
        self._unwanted(folder, b"._IMG_%04d.JPG" % self._chance.randrange(10_000), hidden)
        self._unwanted(folder, b".draft.jpg", hidden)
        self._unwanted(folder + b"/.hidden", b"photo.jpg", hidden)

    def left_alone(self) -> None:
        """Bins and thumbnails."""
        folder = self._event() + b"/" + self._chance.choice(LEFT_ALONE)
        for number in range(3):
            self._unwanted(folder, b"thumb %d.jpg" % number, "a bin or thumbnails")

    def marked(self) -> None:
        """Folders whose owner said what is to be left out."""
        self._number += 1
        folder = b"WhatsApp/Sent %d" % self._number
        self._other(folder, MARK["nomedia"], "mark", b"")
        self._unwanted(folder + b"/more", b"IMG-20190503-WA0001.jpg", ".nomedia")
        folder = b"Projects/%d" % self._number
        self._other(folder, MARK["ignore"], "mark", PATTERNS)
        self._photo(folder, b"kept.jpg", "marked", "camera")
        self._unwanted(folder, b"moving.gif", ".photosdignore")
        self._unwanted(folder, b"kept_small.jpg", ".photosdignore")
        self._unwanted(folder + b"/sub/drafts", b"first.jpg", ".photosdignore")

    def special(self) -> None:
        """Named like photos, and no files: a pipe, a directory."""
        folder = self._below(b"odd things")
        pipe = self._free(folder, b"pipe.jpg")
        os.mkfifo(pipe)
        self._add(pipe, "special", "ignored", None, 0, why="a pipe")
        self._number += 1
        self._photo(b"odd things/folder %d.jpg" % self._number, b"inside.jpg", "special", "plain")

    def modes(self) -> None:
        """Photos and folders that their owner may not read, or only read."""
        self._number += 1
        folder, private = b"modes/%d" % self._number, b"modes/%d private" % self._number
        may_read = os.geteuid() == 0  # the system's owner always may
        for name, mode in ((b"read only.jpg", 0o400), (b"any.jpg", 0o777)):
            self._modes.append((self._photo(folder, name, "mode", "camera"), mode))
        path = self._photo(
            folder, b"forbidden.jpg", "mode", "camera", outcome="indexed" if may_read else "failed",
            why="" if may_read else "permission",
        )  # fmt: skip
        self._modes.append((path, 0))
        self._photo(
            private, b"inside.jpg", "mode", "camera", outcome="indexed" if may_read else "ignored",
            why="" if may_read else "permission",
        )  # fmt: skip
        self._modes += [(self._below(folder), 0o500), (self._below(private), 0)]

    def odd_times(self) -> None:
        """Dated where clocks begin, end, or have not been yet."""
        for when in ODD_TIMES:
            self._number += 1
            name = b"clock %d.jpg" % self._number
            path = self._photo(b"Old phone", name, "odd_time", "plain")
            os.utime(path, (when, when))
            mtime_ns = os.stat(path).st_mtime_ns
            self.household.items[-1] = replace(self.household.items[-1], mtime_ns=mtime_ns)

    # -- where and when -----------------------------------------------------------------------

    def _event(self) -> bytes:
        """A folder, relative to the root, for a new day."""
        self._day = BEGIN + datetime.timedelta(self._chance.randrange(DAYS))
        return names.event_folder(self._chance, self._day).encode()

    def _moment(self) -> Date:
        """Some moment of the present day."""
        seconds = self._chance.randrange(86_400)
        return self._day + datetime.timedelta(
            seconds=seconds, microseconds=self._chance.randrange(1_000_000)
        )

    def _some(self, most: int) -> list[Item]:
        """A few photos that are there already."""
        found = self._chance.sample(self.household.items, min(4 * most, len(self.household.items)))
        plain = [i for i in found if i.outcome == "indexed" and i.kind not in ("mode", "link")]
        return plain[:most]

    # -- writing ------------------------------------------------------------------------------

    def _photo(
        self,
        folder: bytes,
        name: bytes,
        kind: str,
        body: str,
        moment: Date | None = None,
        outcome: Outcome = "indexed",
        why: str = "",
    ) -> bytes:
        """A picture of its own; its path."""
        taken = (moment or self._moment()).replace(microsecond=0)
        data = self._fresh(body, taken)
        dated = taken if bodies.has_date(body) else None
        return self._write(folder, name, kind, data, outcome, why, taken=dated)

    def _fresh(self, body: str, taken: Date | None = None) -> bytes:
        self._number += 1
        return bodies.fresh(body, self._number, taken)

    def _unwanted(self, folder: bytes, name: bytes, why: str) -> None:
        """A sound picture that is to be left alone."""
        self._photo(folder, name, "unwanted", "plain", outcome="ignored", why=why)

    def _other(self, folder: bytes, name: bytes, kind: str, data: bytes = b"whatever") -> None:
        self._write(folder, name, kind, data, "ignored", "not a photo")

    def _write(
        self,
        folder: bytes,
        name: bytes,
        kind: str,
        data: bytes,
        outcome: Outcome = "indexed",
        why: str = "",
        *,
        taken: Date | None = None,
    ) -> bytes:
        if len(self.household.items) == self._files:
            raise _Full
        path = self._free(self._below(folder), name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(descriptor, data)
            moment = (taken or self._day).replace(tzinfo=datetime.UTC).timestamp()
            mtime_ns = int(moment) * 1_000_000_000 + self._chance.randrange(10**9)
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))
            mtime_ns = os.fstat(descriptor).st_mtime_ns  # as exact as the file system is
        finally:
            os.close(descriptor)
        content = f"{len(data):x}-{xxhash.xxh3_128_hexdigest(data)}"
        self._add(path, kind, outcome, content, mtime_ns, taken, why)
        return path

    def _link(self, folder: bytes, name: bytes, target: bytes) -> bytes:
        path = self._free(folder, name)
        os.symlink(target, path)
        return path

    def _add(
        self,
        path: bytes,
        kind: str,
        outcome: Outcome,
        content: str | None,
        mtime_ns: int,
        taken: Date | None = None,
        why: str = "",
    ) -> None:
        self.household.items.append(Item(path, kind, outcome, content, mtime_ns, taken, why))

    def _below(self, folder: bytes) -> bytes:
        """The directory of that name below the root, made if it is not there."""
        path = folder if folder.startswith(self._root) else self._root + b"/" + folder
        self._directory(path)
        return path

    def _directory(self, path: bytes) -> None:
        if path not in self._made:
            os.makedirs(path, exist_ok=True)
            self._made.add(path)

    def _free(self, folder: bytes, name: bytes) -> bytes:
        """A path in ``folder`` that nothing has yet: ``name``, or the name with a number."""
        if len(self.household.items) == self._files:
            raise _Full
        path, (stem, dot, suffix) = folder + b"/" + name, name.rpartition(b".")
        for number in itertools.count(2):
            if path not in self._taken_names:
                break
            tail = b" (%d)" % number + dot + suffix
            path = folder + b"/" + stem[: names.LONGEST - len(tail)] + tail
        self._taken_names.add(path)
        return path
