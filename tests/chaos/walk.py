"""A random walk over photo folders: every way in which files and folders come, change and go."""

# Names are bytes or odd here, which pathlib only half knows.

from __future__ import annotations

import contextlib
import functools
import io
import mmap
import os
import random
import shutil
import threading
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from photosd.core.formats import is_photo_name

DIRECTORIES = ["a", "b.jpg", "Été", "d d", "x\ny", "\udcff", "שקיעה"]
FILES = [
    "1.jpg", "2.PNG", "3.jpeg", "b.jpg", "t.txt", "\udcfe.jpg", ".h.jpg", "n\nl'\".png", "4.gif",
    "CASE.JPG", unicodedata.normalize("NFC", "ü.jpg"), unicodedata.normalize("NFD", "ü.jpg"),
]  # fmt: skip
SLOW_SECONDS = 0.4  # between two parts of a slow writer; longer than nothing, shorter than settling


@functools.cache
def picture(number: int) -> bytes:
    """A small PNG unlike all others, though many are as long; of one tile."""
    colours = np.random.default_rng(number).integers(0, 255, (2, 2, 3), np.uint8)
    wide = 6 + number % 5
    buffer = io.BytesIO()
    Image.fromarray(colours.repeat(8, 0).repeat(wide, 1)).save(buffer, "PNG")
    return buffer.getvalue()


@functools.cache
def decodable(data: bytes) -> bool:
    """Whether Pillow makes a picture of this, all of it."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception:  # Pillow raises whatever it likes
        return False
    return True


def photos_below(root: Path) -> Iterator[Path]:
    """Files with a photo's name that are neither hidden nor ignored, by the simplest means."""
    unwanted: list[str] = []  # directories below which GIFs are ignored
    for place, directories, files in os.walk(root):
        if ".nomedia" in files:
            directories.clear()
            continue
        if ".photosdignore" in files:
            unwanted.append(place + "/")
        no_gif = f"{place}/".startswith(tuple(unwanted))
        for name in (names := files + directories).copy():
            if name.startswith(".") or (no_gif and name.endswith(".gif")):
                names.remove(name)
        directories[:] = [name for name in directories if name in names]
        yield from (
            path
            for path in (Path(place, name) for name in names)
            if is_photo_name(bytes(path)) and path.is_file()
        )


class Walk:
    """Random operations below ``places``, of which only some need be watched."""

    def __init__(self, seed: int, places: list[Path]) -> None:
        self._random, self._places = random.Random(seed), places
        self._writers: list[threading.Thread] = []
        self.done: dict[str, int] = {}  # how often each kind of operation succeeded
        self.shared: set[int] = set()  # inodes that have had several names
        self._operations: list[Callable[[], object]] = [
            *[self.create, self.change, self.move_file] * 4,
            *[self.create_slowly, self.create_by_mmap, self.replace, self.delete] * 2,
            *[self.move_directory, self.copy_file, self.copy_tree, self.new_tree] * 2,
            self.append, self.truncate, self.backdate, self.change_case, self.damage,
            self.delete_tree, self.unzip, self.hard_link, self.link_file, self.link_directory,
            self.mark, self.file_for_directory, self.directory_for_file, self.swap,
        ]  # fmt: skip

    @property
    def untried(self) -> set[str]:
        """Kinds of operation that have not succeeded once."""
        return {operation.__name__ for operation in self._operations} - self.done.keys()

    def step(self) -> None:
        """One operation that can be done."""
        while True:
            operation = self._random.choice(self._operations)
            with contextlib.suppress(OSError, shutil.Error):
                operation()
                name = operation.__name__
                self.done[name] = self.done.get(name, 0) + 1
                return

    def finish(self) -> None:
        """Wait until the slow writers have ended."""
        for writer in self._writers:
            writer.join()

    # -- where --------------------------------------------------------------------------------

    def directory(self) -> Path:
        """Some directory, more likely a shallow one."""
        place = self._random.choice(self._places)
        for _ in range(self._random.randrange(5)):
            below = [Path(e.path) for e in os.scandir(place) if e.is_dir(follow_symlinks=False)]
            if not below:
                break
            place = self._random.choice(sorted(below))
        return place

    def inner_directory(self) -> Path:
        directory = self.directory()
        if directory in self._places:
            raise OSError("the watched folders themselves stay")
        return directory

    def file(self) -> Path:
        """Some file that exists."""
        directory = self.directory()
        files = [e.path for e in os.scandir(directory) if e.is_file() and e.name[0] != "."]
        if not files:
            raise OSError("there is none")
        return Path(self._random.choice(sorted(files)))

    def new_file(self) -> Path:
        """Where a file could be; one may be there."""
        return self.directory() / self._random.choice(FILES)

    def data(self) -> bytes:
        """A picture: usually a new one, sometimes one that was used before."""
        return picture(self._random.randrange(20) if self._random.random() < 0.2 else self._fresh())

    def _fresh(self) -> int:
        return self._random.randrange(20, 1 << 40)

    # -- files --------------------------------------------------------------------------------

    def create(self) -> None:
        self.new_file().write_bytes(self.data())

    def create_slowly(self) -> None:
        """Write a photo in five parts with pauses, while other operations run."""
        data, file = self.data(), self.new_file().open("wb")
        size = len(data) // 5 + 1
        parts = [data[start : start + size] for start in range(0, len(data), size)]

        def write() -> None:
            with file:
                for part in parts:
                    time.sleep(SLOW_SECONDS)
                    file.write(part)
                    file.flush()

        self._writers.append(threading.Thread(target=write))
        self._writers[-1].start()

    def create_by_mmap(self) -> None:
        """Set the size first, then fill the file through memory: no write() reports the content."""
        data = self.data()
        with self.new_file().open("w+b") as file:
            file.truncate(len(data))
            with mmap.mmap(file.fileno(), len(data)) as memory:
                memory[:] = data

    def replace(self) -> None:
        """As editors save: a new file beside it, renamed over it."""
        target = self.file()
        draft = target.with_name("draft~")
        draft.write_bytes(self.data())
        draft.replace(target)

    def change(self) -> None:
        self.file().write_bytes(self.data())

    def append(self) -> None:
        with self.file().open("ab") as file:
            file.write(b"garbage after the end")

    def damage(self) -> None:
        self.file().write_bytes(b"not a picture at all %d" % self._fresh())

    def truncate(self) -> None:
        file = self.file()
        os.truncate(file, file.stat().st_size // 2)

    def backdate(self) -> None:
        """Changed, and then said to be old."""
        file = self.file()
        if self._random.random() < 0.5:
            file.write_bytes(self.data())
        moment = self._random.uniform(0, 2e9)
        os.utime(file, (moment, moment))

    def delete(self) -> None:
        self.file().unlink()

    def move_file(self) -> None:
        self.file().rename(self.new_file())

    def swap(self) -> None:
        """Two files exchange their names."""
        one, other = self.file(), self.file()
        elsewhere = one.with_name("elsewhere~")
        one.rename(elsewhere)
        other.rename(one)
        elsewhere.rename(other)

    def copy_file(self) -> None:
        copy = shutil.copy2 if self._random.random() < 0.5 else shutil.copy
        copy(self.file(), self.new_file())

    def change_case(self) -> None:
        file = self.file()
        file.rename(file.with_name(file.name.swapcase()))

    def hard_link(self) -> None:
        file, name = self.file(), self.new_file()
        name.hardlink_to(file)
        self.shared.add(name.stat().st_ino)

    def link_file(self) -> None:
        self.new_file().symlink_to(self.file())

    # -- directories --------------------------------------------------------------------------

    def new_tree(self) -> None:
        top = self.directory() / self._random.choice(DIRECTORIES)
        for _ in range(self._random.randrange(1, 5)):
            deep = top.joinpath(*self._random.choices(DIRECTORIES, k=self._random.randrange(4)))
            deep.mkdir(parents=True, exist_ok=True)
            (deep / self._random.choice(FILES)).write_bytes(self.data())

    def move_directory(self) -> None:
        """Within a folder, between two, out of them or in."""
        self.inner_directory().rename(self.directory() / self._random.choice(DIRECTORIES))

    def copy_tree(self) -> None:
        source, target = self.inner_directory(), self._elsewhere()
        if source in target.parents or sum(len(f) for *_, f in os.walk(source)) > 40:
            raise OSError("it would grow without end")
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)

    def unzip(self) -> None:
        """A tree out of an archive, filled as it grows, files dated as they were packed."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            names = self._random.sample([name for name in FILES if name.isprintable()], k=5)
            for name in names:
                folder = "/".join(self._random.choices("pqr", k=self._random.randrange(1, 4)))
                archive.writestr(f"{folder}/{name}", self.data())
        with zipfile.ZipFile(buffer) as archive:
            archive.extractall(self.directory())

    def delete_tree(self) -> None:
        if self._random.random() < 0.5:
            raise OSError("not that often")
        shutil.rmtree(self.inner_directory())

    def link_directory(self) -> None:
        """Also in circles."""
        (self.directory() / self._random.choice(["l", "m.jpg"])).symlink_to(self.directory())

    def mark(self) -> None:
        mark = self.inner_directory() / self._random.choice([".nomedia", ".photosdignore"])
        if mark.exists():
            mark.unlink()
        elif self._random.random() < 0.3:
            mark.write_text("*.gif\n")

    def file_for_directory(self) -> None:
        directory = self.inner_directory()
        shutil.rmtree(directory)
        directory.write_bytes(self.data())

    def directory_for_file(self) -> None:
        file = self.file()
        file.unlink()
        file.mkdir()
        (file / "1.jpg").write_bytes(self.data())

    def _elsewhere(self) -> Path:
        return self.directory() / self._random.choice(DIRECTORIES)
