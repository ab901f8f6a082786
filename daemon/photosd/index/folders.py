"""The watched folders: which, in what state; a copy outside the catalog survives its loss."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from photosd.core.errors import FolderError
from photosd.core.formats import package_in
from photosd.core.log import printable
from photosd.index.database import Database
from photosd.index.photo import forget_journaled, range_below
from photosd.index.trouble import keep_list, kept_list
from photosd.watch.devices import Devices
from photosd.watch.folder_state import (
    ASKING,
    NOT_ANSWERING,
    FolderIdentity,
    FolderProbe,
    not_answering,
    probe_folder,
    reconnect,
)
from photosd.watch.ignore import IgnoreRules

log = structlog.get_logger()

PRESENT = ("ok", "scan_only")
SPOILT = "[[:spoilt:]]"  # no pattern
LAST_ID = "last_folder_id"  # the fact that keeps ids of removed folders from being used again


class Folder(msgspec.Struct, frozen=True):
    """One watched folder; its identity tells it from another mounted in its place."""

    id: int
    path: bytes
    device: int | None
    inode: int | None
    mount_point: bytes
    state: str
    reason: str | None
    remedy: str | None
    excludes: tuple[str, ...]
    cloud: bool = False  # its photos may be sent, where the mode is gemini
    volume: str | None = None  # the UUID of its disk's volume, if known
    own: tuple[bytes, ...] = ()  # directories that photosd writes to; never looked into

    @property
    def identity(self) -> FolderIdentity | None:
        """How it was when last seen."""
        if self.device is None or self.inode is None:
            return None
        return FolderIdentity(self.device, self.inode, self.mount_point, self.volume or "")

    @property
    def rules(self) -> IgnoreRules:
        """What is left alone in it."""
        return IgnoreRules(self.path, self.excludes, other_roots=self.own, strict=False)

    @property
    def recipe(self) -> tuple[bytes, tuple[str, ...], tuple[bytes, ...]]:
        """What `calls` makes the same rules of."""
        return self.path, self.excludes, self.own

    @property
    def present(self) -> bool:
        """Whether its photos can be judged: it is there and readable."""
        return self.state in PRESENT

    def contains(self, path: bytes) -> bool:
        """Whether ``path`` is in this folder."""
        return path == self.path or path.startswith(self.path.rstrip(b"/") + b"/")


def innermost(folders: Iterable[Folder], path: bytes) -> Folder | None:
    """The folder that contains ``path``: a photo library may be watched apart from the folder that
    it is in."""
    containing = (folder for folder in folders if folder.contains(path))
    return max(containing, key=lambda folder: len(folder.path), default=None)


class Folders:
    """The list of folders. Unlike the catalog, it cannot be rebuilt from the photos."""

    def __init__(
        self,
        database: Database,
        copy: Path,
        devices: Devices | None = None,
        own: tuple[bytes, ...] = (),
    ) -> None:
        """``own``: real paths of what photosd writes itself, albums apart."""
        self._database, self._copy = database, copy
        self.devices = devices or Devices()
        self._own = tuple(map(self._as_on_disk, own))  # its variables may spell it in another way
        if not self.all():
            self._restore()

    def all(self) -> list[Folder]:
        """Every folder in order of path."""
        with self._database.read() as db:
            return self._rows(db)

    def _rows(self, db: sqlite3.Connection) -> list[Folder]:
        albums = db.execute("SELECT directory FROM standing WHERE kind = 'link'").fetchall()
        own = (*self._own, *(row["directory"] for row in albums if row["directory"]))
        return [
            Folder(
                **{
                    **dict(row),
                    "own": own,
                    "excludes": _patterns(row["excludes"]),
                    "cloud": bool(row["cloud"]),
                }
            )
            for row in db.execute("SELECT * FROM folders ORDER BY path")
        ]

    def at(self, path: bytes) -> Folder | None:
        """The watched folder ``path``."""
        return next((folder for folder in self.all() if folder.path == path), None)

    def containing(self, path: bytes) -> Folder | None:
        """The folder that contains ``path``."""
        return innermost(self.all(), path)

    def real(self, path: bytes) -> bytes:
        """``path`` as photosd knows it: folders and photos are kept by real path, whatever way led
        there; a link to a directory is that directory, a link to a photo is not that photo.

        The disk is not asked about what is known by this very path: it may be away.
        """
        if self._is_known(path):
            return path
        parent, slash, name = path.rpartition(b"/")
        try:
            whole = self.devices.spelled(self.devices.resolve(path))
            if self._is_directory(whole):
                return whole
            itself = self.devices.resolve(parent or slash).rstrip(b"/") + slash + name
            return self.devices.spelled(itself)
        except OSError:  # its disk does not answer: what is asked about can have this name alone
            return path

    def _as_on_disk(self, path: bytes) -> bytes:
        try:
            return self.devices.spelled(path)
        except OSError:  # its disk does not answer
            return path

    def slow(self) -> set[int]:
        """Those on file systems that need long for each answer at present."""
        if not self.devices.some_slow():
            return set()
        return {one.id for one in self.all() if self.devices.of(one.path).patience.slow}

    def _is_directory(self, path: bytes) -> bool:
        """Whether it is a watched folder, there or not, or any directory; raises NotAnswering."""
        if self.at(path) is not None:
            return True
        try:
            return stat.S_ISDIR(self.devices.ask(path, "name")[0])
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False

    def _is_known(self, path: bytes) -> bool:
        """Whether it is a watched folder, a photo or a directory of photos."""
        with self._database.read() as db:
            known = db.execute(
                "SELECT 1 FROM folders WHERE path = ?1 UNION ALL"
                " SELECT 1 FROM photos WHERE path = ?1 UNION ALL"
                " SELECT 1 FROM photos WHERE path > ?2 AND path < ?3 AND state <> 'gone' LIMIT 1",
                (path, *range_below(path)),
            )
            return known.fetchone() is not None

    def add(self, path: bytes, excludes: Sequence[str] = (), *, cloud: bool = False) -> Folder:
        """Watch ``path``; raises FolderError when it cannot be, or is watched already, StorageError
        when that cannot be written down. Then nothing has changed."""
        asked = path
        try:
            path = self.devices.spelled(self.devices.resolve(path))
        except OSError as error:
            away = not_answering(path, self.devices.of(path).mount)
            raise FolderError(
                f"{printable(path)} cannot be looked at: {error.strerror}", remedy=_remedy(away)
            ) from error
        folders = self.all()
        self._refuse_overlap(path, asked, [folder for folder in folders if folder.path == path])
        probe = self._probe(path)
        excludes = [_resolved(pattern, asked, path) for pattern in excludes]
        IgnoreRules(path, excludes)  # refuses patterns that make no sense
        if probe.state not in PRESENT:
            raise FolderError(
                probe.reason or printable(path),
                remedy=_remedy(probe),
            )
        self._refuse_own(path)
        same = [folder.path for folder in folders if self._same(folder, path, probe)]
        self._refuse_overlap(path, asked, folders, same)
        with self._database.write() as db:
            self._refuse_overlap(path, asked, self._rows(db))  # another may have been added since
            self._insert(path, probe, excludes, cloud)
            self._save(db)
        return next(folder for folder in self.all() if folder.path == path)

    def _probe(self, path: bytes) -> FolderProbe:
        return probe_folder(path, None, look=self.devices.look, volume=self.devices.volume)

    def watched(self, folder: Folder) -> bool:
        """Whether this very folder is still watched; asked in a transaction, for all of it."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT 1 FROM folders WHERE id = ? AND path = ?", (folder.id, folder.path)
            ).fetchone()
        return row is not None

    def mark(self, path: bytes, cloud: bool) -> Folder:
        """Say whether photos of the watched folder ``path`` may be sent to the cloud."""
        with self._database.write() as db:
            changed = db.execute(
                "UPDATE folders SET cloud = ? WHERE path = ?", (cloud, path)
            ).rowcount
            if not changed:
                raise FolderError(
                    f"{printable(path)} is not a watched folder", remedy="photosd folders"
                )
            self._save(db)
        return next(folder for folder in self.all() if folder.path == path)

    def accept(self, path: bytes) -> int:
        """Believe what is at ``path`` now, a watched folder that is offline; what is not there is
        gone. The number of photos that it held. Raises FolderError."""
        shown = printable(path)
        folder = self.at(path)
        if folder is None:
            raise FolderError(f"{shown} is not a watched folder", remedy="photosd folders")
        if folder.present:
            raise FolderError(f"{shown} is not offline", remedy="photosd folders")
        probe = self._probe(path)
        if probe.state not in PRESENT:
            raise FolderError(probe.reason or shown, remedy=probe.remedy or reconnect(shown))
        with self._database.write() as db:
            photos = db.execute(
                "UPDATE photos SET state = 'gone', gone_at = ?, due = NULL"
                " WHERE folder = ? AND state <> 'gone'",
                (time.time(), folder.id),
            ).rowcount
            self.update(folder, probe)
        return photos

    def remove(self, path: bytes) -> int:
        """Stop watching ``path``; the number of photos that leave the index."""
        with self._database.write() as db:
            row = db.execute("SELECT id FROM folders WHERE path = ?", (path,)).fetchone()
            if row is None:
                raise FolderError(
                    f"{printable(path)} is not a watched folder", remedy="photosd folders"
                )
            photos = db.execute(
                "SELECT coalesce(sum(n), 0) FROM counts WHERE folder = ? AND state <> 'gone'",
                (row["id"],),
            ).fetchone()[0]
            # Row by row, not by cascade, so that the trigger keeps the counts right.
            db.execute("DELETE FROM photos WHERE folder = ?", (row["id"],))
            forget_journaled(db)
            db.execute("DELETE FROM counts WHERE folder = ?", (row["id"],))
            db.execute("DELETE FROM folders WHERE id = ?", (row["id"],))
            self._save(db)  # a folder that is left in the copy would return with it
        return int(photos)

    def update(self, folder: Folder, probe: FolderProbe) -> None:
        """Record what a probe found; a change of state is logged.

        The identity is only replaced while the folder is readable: an absent one keeps the
        identity it must come back with.
        """
        identity = probe.identity if probe.state in PRESENT else folder.identity
        if (folder.state, folder.reason, folder.identity) == (probe.state, probe.reason, identity):
            return
        with self._database.write() as db:
            db.execute(
                "UPDATE folders SET state = ?, reason = ?, remedy = ?, device = ?, inode = ?,"
                " mount_point = ?, volume = ? WHERE id = ?",
                (
                    probe.state,
                    probe.reason,
                    probe.remedy,
                    *(identity or (None, None, b"", None)),
                    folder.id,
                ),
            )
        if folder.state != probe.state:
            log.info(
                "folder_state",
                folder=printable(folder.path),
                state=probe.state,
                reason=probe.reason,
                remedy=probe.remedy,
            )

    def _refuse_own(self, path: bytes) -> None:
        for place in self._own:
            if path == place or path.startswith(place + b"/"):
                raise FolderError(
                    f"{printable(path)} is where photosd keeps files of its own",
                    remedy="add the folder that your photos are in",
                )

    def _refuse_overlap(
        self, path: bytes, asked: bytes, folders: Sequence[Folder], same: Sequence[bytes] = ()
    ) -> None:
        """``same``: watched paths that lead to the same directory as ``path``."""
        for folder in folders:
            shown = printable(folder.path)
            if folder.path == path or folder.path in same:
                raise FolderError(
                    f"{printable(path)} is watched already"
                    + ("" if folder.path == path else f", as {shown}"),
                    remedy="Already watched; photosd folders lists it",
                )
            if folder.contains(path):
                if package_in(path, folder.path):  # which this folder skips
                    continue
                linked = "" if asked == path else f"{printable(asked)} leads to "
                raise FolderError(
                    f"{linked}{printable(path)}, which is inside {shown}: watched already",
                    remedy=f"no action needed; to search it alone: --in '{printable(asked)}'",
                )
            below = path == b"/" or folder.path.startswith(path.rstrip(b"/") + b"/")
            if below and not package_in(folder.path, path):
                raise FolderError(
                    f"{shown}, which is watched already, is inside {printable(path)}",
                    remedy=f"photosd remove '{shown}'   and add the outer folder again",
                )

    def _same(self, folder: Folder, path: bytes, probe: FolderProbe) -> bool:
        """Whether both lead to one directory, as by a bind mount.

        Asked of the disk: what was recorded of a folder fits another one after a move, or on
        another machine. Not of another disk than that of ``path``, which may not answer.
        """
        if self.devices.of(folder.path) is not self.devices.of(path):
            return False
        try:
            _, device, inode = self.devices.ask(folder.path, "state")
        except OSError:
            return False
        return (device, inode) == (probe.device, probe.inode)

    def _insert(
        self, path: bytes, probe: FolderProbe, excludes: Sequence[str], cloud: bool = False
    ) -> None:
        with self._database.write() as db:
            db.execute(
                "INSERT INTO folders"
                "(id, path, device, inode, mount_point, volume, state, reason, remedy, excludes,"
                " cloud) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    _fresh_id(db),
                    path,
                    *(probe.identity if probe.state in PRESENT else (None, None, b"", None)),
                    probe.state,
                    probe.reason,
                    probe.remedy,
                    json.dumps(list(excludes)),
                    cloud,
                ),
            )

    def _save(self, db: sqlite3.Connection) -> None:
        """Keep the copy; in the transaction of the change, so that both agree. Raises StorageError,
        which undoes the change."""
        keep_list(
            self._copy,
            [
                {
                    "path": printable(folder.path),
                    "path_b64": base64.b64encode(folder.path).decode(),
                    "excludes": folder.excludes,
                    "cloud": folder.cloud,
                }
                for folder in self._rows(db)
            ],
        )

    def _restore(self) -> None:
        """After the catalog was lost: watch again what was watched."""
        for entry in kept_list(self._copy):
            try:
                path, excludes = _kept_folder(entry)
            except (KeyError, TypeError, ValueError) as error:
                log.error("folder_not_restored", entry=str(entry)[:200], cause=repr(error))
                continue
            if self.at(path) is not None:
                continue
            cloud = entry.get("cloud") is True
            self._insert(path, self._probe(path), excludes, cloud)


def _kept_folder(entry: Mapping[str, Any]) -> tuple[bytes, list[str]]:
    """The path and the patterns in an entry of the copy; raises KeyError, TypeError or ValueError.

    Without all of its patterns a folder must not be watched: photos would be indexed that the
    user has excluded.
    """
    path, excludes = base64.b64decode(entry["path_b64"], validate=True), entry["excludes"]
    if not path.startswith(b"/") or b"\0" in path:
        raise ValueError("it is no whole path")
    if not _are_patterns(excludes):
        raise ValueError("the patterns are no list of texts")
    return os.path.normpath(path), excludes


def _are_patterns(excludes: object) -> bool:
    return isinstance(excludes, list) and all(isinstance(one, str) for one in excludes)


def _patterns(text: object) -> tuple[str, ...]:
    """The patterns of a row of the catalog; where they make no sense, one that makes none either:
    nothing is known of such a folder (see `IgnoreRules`), so nothing new in it is indexed."""
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        if _are_patterns(excludes := json.loads(text)):  # type: ignore[arg-type]
            return tuple(excludes)
    return (SPOILT,)


def _fresh_id(db: sqlite3.Connection) -> int:
    """An id that no folder ever had: work in flight for a removed one must not find another."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (LAST_ID,)).fetchone()
    most = int(db.execute("SELECT coalesce(max(id), 0) FROM folders").fetchone()[0])
    fresh = 1 + max(most, int(row[0]) if row else 0)
    db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (LAST_ID, str(fresh)))
    return fresh


def _resolved(pattern: str, asked: bytes, path: bytes) -> str:
    """A pattern that is a whole path below the folder by the name that was asked for, by its own
    name."""
    mark, whole = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    home = whole.startswith("~/")  # bash leaves it so after `--exclude=`
    whole = str(Path.home() / whole[2:]) + "/" * whole.endswith("/") if home else whole
    before, after = os.fsdecode(asked.rstrip(b"/") + b"/"), os.fsdecode(path.rstrip(b"/") + b"/")
    if whole.startswith(before):
        return f"{mark}{after}{whole[len(before) :]}"
    return mark + whole if whole.startswith(after) else pattern


def _remedy(probe: FolderProbe) -> str:
    """What helps with a folder that cannot be added."""
    if probe.remedy and (probe.state == "no_permission" or ASKING in (probe.reason or "")):
        return probe.remedy
    if (probe.reason or "").startswith(NOT_ANSWERING):
        return "wait until its disk or share answers again, then add it"
    return "No such folder. Check the spelling."
