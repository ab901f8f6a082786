"""A catalog over a real folder, with what reconciler and pipeline do to it, step by step."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import ContentIdentity
from photosd.decode.reading import identify
from photosd.index.catalog import Catalog
from photosd.index.comparison import Comparison
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.folders import Folder, Folders
from photosd.index.photo import Photo
from photosd.index.worklist import WorkFailure, WorkList
from photosd.watch.inodes import Inodes
from photosd.watch.mounts import Mount
from photosd.watch.scanner import Entry, entry_of, scan

MODEL = "m"


class Shelf:
    """``kind`` is the file system that the folder seems to lie on."""

    def __init__(self, directory: Path, kind: str = "ext4", own: tuple[bytes, ...] = ()) -> None:
        self.root = directory / "photos"
        self.root.mkdir(exist_ok=True)
        self.kind = kind
        self.database = Database(directory / "catalog.sqlite3")
        self.catalog, self.contents = Catalog(self.database), Contents(self.database)
        self.circumstances: Callable[[], Mapping[str, str]] = dict
        self.worklist = WorkList(self.database, lambda: self.circumstances())
        self.decode: Callable[[bytes], ContentIdentity] = identify
        self.folders = Folders(self.database, directory / "folders.json", own=own)
        self.folder = self.folders.add(bytes(self.root))
        self.read: list[str] = []  # names, in the order in which their bytes were read
        self.encoded: list[str] = []
        self.renumbered: Mapping[bytes, tuple[int, int]] = {}  # path -> inode, device
        self.comparison = Comparison(
            self.catalog,
            settle_seconds=lambda: 0.0,
            is_embedded=lambda content: self.contents.has_embedding(MODEL, content),
            inodes=Inodes(self._table),
        )

    def write(self, name: str, data: bytes = b"data", at: float | None = 1_000_000_000) -> Path:
        """A file, dated ``at`` Unix seconds."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        if at is not None:
            os.utime(file, (at, at))
        return file

    def compare(self) -> None:
        """Compare the whole folder."""
        folder = self._folder()
        known = {photo.path: photo for photo in self.catalog.below(folder.path)}
        unreadable: list[bytes] = []
        with self.catalog.batch():
            for entry in scan(
                folder.path, None, folder.rules, on_error=lambda path, _: unreadable.append(path)
            ):
                known.pop(entry.path, None)
                self.comparison.compare(folder, self._seen(entry), self.catalog.get(entry.path))
        kept = tuple(path.rstrip(b"/") + b"/" for path in unreadable)
        self.catalog.forget(
            path for path, photo in known.items() if not self._away(folder, photo, kept)
        )

    def _away(self, folder: Folder, photo: Photo, kept: tuple[bytes, ...]) -> bool:
        return self.comparison.away(folder, photo, kept, self.folders.filesystems)

    def hint(self, *names: str) -> None:
        """Something is said to have happened to these."""
        folder = self._folder()
        for name in names:
            path = bytes(self.root / name)
            photo = self.catalog.get(path)
            try:
                entry = entry_of(path, folder.rules)
            except OSError:
                continue
            if entry is not None:
                self.comparison.compare(folder, self._seen(entry), photo, hinted=True)
            elif photo is not None and not self._away(folder, photo, ()):
                self.catalog.forget([path])

    def work(self) -> None:
        """Read, encode and commit due work."""
        self.worklist.reconsider()
        while found := self.worklist.due(1000):
            for photo in found:
                self._work_on(photo)

    def settle(self) -> None:
        """Compare, then do the due work."""
        self.compare()
        self.work()

    def states(self) -> dict[str, str]:
        """The state of every photo that is not gone, by name."""
        return {self._name(photo.path): photo.state for photo in self.catalog.in_state("")}

    def content(self, name: str) -> str | None:
        """The content id that the catalog has for a name."""
        photo = self.catalog.get(bytes(self.root / name))
        return None if photo is None else photo.content

    def photo(self, name: str) -> Photo:
        """The row of a name."""
        photo = self.catalog.get(bytes(self.root / name))
        assert photo is not None
        return photo

    def _work_on(self, photo: Photo) -> None:
        self.read.append(self._name(photo.path))
        try:
            found = self.decode(photo.path)
        except DecodeFailed as error:
            retry_at = time.time() + 60 if error.transient else None
            self.worklist.failed(
                photo, WorkFailure(error.reason, error.remedy, retry_at, code=error.code)
            )
            return
        if not self.contents.has_embedding(MODEL, found.content_id):
            self.encoded.append(self._name(photo.path))
        self.contents.record(MODEL, [(found.content_id, {"width": 3, "rating": 1})])
        inode, device = self.renumbered.get(photo.path, (found.inode, found.device))
        entry = Entry(photo.path, found.size, found.mtime_ns, inode, device)
        self.worklist.done([(entry, found.content_id)])

    def _seen(self, entry: Entry) -> Entry:
        inode, device = self.renumbered.get(entry.path, (entry.inode, entry.device))
        return (
            entry._replace(inode=inode, device=device, place=device)
            if (entry.path in self.renumbered)
            else entry
        )

    def _table(self) -> Mapping[bytes, Mount]:
        return {b"/": Mount(b"/", self.kind, "")}

    def _folder(self) -> Folder:
        return self.folders.all()[0]

    def _name(self, path: bytes) -> str:
        return path[len(bytes(self.root)) + 1 :].decode()
