"""The watched folders: which, in what state; a copy outside the catalog survives its loss."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from photosd.core.errors import FolderError, quoted
from photosd.core.formats import package_in
from photosd.core.log import printable
from photosd.index.database import Database
from photosd.index.ignoring import why_ignored
from photosd.index.photo import forget_journaled, range_below
from photosd.index.store_damage import keep_list, kept_list
from photosd.watch.filesystems import Filesystems
from photosd.watch.folder_state import (
    ASKING,
    NOT_A_FOLDER,
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
SPOILT = "[[:spoilt:]]"  # an invalid pattern
LAST_ID = "last_folder_id"  # prevents reuse of the ids of removed folders


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
    own: tuple[bytes, ...] = ()  # directories that photosd writes to, and watched ones
    off: tuple[str, ...] = ()  # rules of `ignored_names` that are turned off

    @property
    def identity(self) -> FolderIdentity | None:
        """The folder's identity when it was last readable; None if never."""
        if self.device is None or self.inode is None:
            return None
        return FolderIdentity(self.device, self.inode, self.mount_point, self.volume or "")

    @property
    def rules(self) -> IgnoreRules:
        """Its ignore rules."""
        return IgnoreRules(
            self.path, self.excludes, other_roots=self.own, off=self.off, strict=False
        )

    @property
    def scan_arguments(self) -> tuple[bytes, tuple[str, ...], tuple[bytes, ...], tuple[str, ...]]:
        """The arguments from which `filesystem_calls` builds the same rules."""
        return self.path, self.excludes, self.own, self.off

    @property
    def present(self) -> bool:
        """Whether it exists and is readable, so that its photos can be checked."""
        return self.state in PRESENT

    def contains(self, path: bytes) -> bool:
        """Whether ``path`` is in this folder."""
        return path == self.path or path.startswith(self.path.rstrip(b"/") + b"/")


def innermost(folders: Iterable[Folder], path: bytes) -> Folder | None:
    """The deepest folder that contains ``path``: a photo library inside a watched folder may be
    watched separately.
    """
    containing = (folder for folder in folders if folder.contains(path))
    return max(containing, key=lambda folder: len(folder.path), default=None)


class Folders:
    """The list of folders. Unlike the rest of the catalog, it cannot be rebuilt from the photos."""

    def __init__(
        self,
        database: Database,
        copy: Path,
        filesystems: Filesystems | None = None,
        own: tuple[bytes, ...] = (),
        off: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """``own``: real paths of photosd's own files, except albums."""
        self._database, self._copy = database, copy
        self.filesystems = filesystems or Filesystems()
        self._off = off
        self._own = tuple(map(self._as_on_disk, own))  # variables may spell a path differently
        if not self.all():
            self._restore()

    def all(self) -> list[Folder]:
        """Every folder, sorted by path."""
        with self._database.read() as db:
            return self._rows(db)

    def _rows(self, db: sqlite3.Connection) -> list[Folder]:
        albums = db.execute("SELECT directory FROM standing WHERE kind = 'link'").fetchall()
        rows = db.execute("SELECT * FROM folders ORDER BY path").fetchall()
        inside = (*(one[0] for one in albums if one[0]), *(row["path"] for row in rows))
        shared = {"own": (*self._own, *inside), "off": self.off}
        return [
            Folder(
                **{
                    **dict(row),
                    **shared,
                    "excludes": _patterns(row["excludes"]),
                    "cloud": bool(row["cloud"]),
                }
            )
            for row in rows
        ]

    @property
    def off(self) -> tuple[str, ...]:
        """The ignore rules that are turned off."""
        return tuple(sorted(self._off()))

    def at(self, path: bytes) -> Folder | None:
        """The watched folder ``path``."""
        return next((folder for folder in self.all() if folder.path == path), None)

    def containing(self, path: bytes) -> Folder | None:
        """The folder that contains ``path``."""
        return innermost(self.all(), path)

    def real(self, path: bytes) -> bytes:
        """``path`` as stored by photosd: the real path of folders and photos. A link to a directory
        is resolved; a link to a photo is not.

        A path that photosd already stores is returned without accessing its disk, which may be
        offline.
        """
        if self._is_known(path):
            return path
        parent, slash, name = path.rpartition(b"/")
        try:
            whole = self.filesystems.spelled(self.filesystems.resolve(path))
            if self._is_directory(whole):
                return whole
            itself = self.filesystems.resolve(parent or slash).rstrip(b"/") + slash + name
            return self.filesystems.spelled(itself)
        except OSError:  # its disk does not respond: other spellings are unknown
            return path

    def _as_on_disk(self, path: bytes) -> bytes:
        try:
            return self.filesystems.spelled(path)
        except OSError:  # its disk does not respond
            return path

    def slow(self) -> set[int]:
        """Ids of the folders on file systems that currently respond slowly."""
        if not self.filesystems.some_slow():
            return set()
        return {one.id for one in self.all() if self.filesystems.of(one.path).responsiveness.slow}

    def _is_directory(self, path: bytes) -> bool:
        """Whether it is a directory, or a watched folder even if missing; raises NotAnswering."""
        if self.at(path) is not None:
            return True
        try:
            return stat.S_ISDIR(self.filesystems.ask(path, "name")[0])
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
        """Watch ``path``. Raises FolderError if it cannot be watched or already is, StorageError if
        it cannot be saved; then nothing has changed.
        """
        asked = path
        try:
            path = self.filesystems.spelled(self.filesystems.resolve(path))
        except OSError as error:
            away = not_answering(path, self.filesystems.of(path).mount)
            raise FolderError(
                f"{printable(path)} cannot be read: {error.strerror}", remedy=_remedy(away)
            ) from error
        folders = self.all()
        self._refuse_overlap(path, asked, [folder for folder in folders if folder.path == path])
        probe = self._probe(path)
        excludes = [_resolved(pattern, asked, path) for pattern in excludes]
        IgnoreRules(path, excludes)  # raises BadRequest for invalid patterns
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
        return probe_folder(path, None, look=self.filesystems.look, volume=self.filesystems.volume)

    def watched(self, folder: Folder) -> bool:
        """Whether this folder is still watched; call it inside the transaction that needs it."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT 1 FROM folders WHERE id = ? AND path = ?", (folder.id, folder.path)
            ).fetchone()
        return row is not None

    def mark(self, path: bytes, cloud: bool) -> Folder:
        """Allow or forbid sending photos of the watched folder ``path`` to the cloud."""
        with self._database.write() as db:
            changed = db.execute(
                "UPDATE folders SET cloud = ? WHERE path = ?", (cloud, path)
            ).rowcount
            if not changed:
                raise self._not_watched(path)
            self._save(db)
        return next(folder for folder in self.all() if folder.path == path)

    def accept(self, path: bytes) -> int:
        """Accept the current content of ``path``, an offline folder: photos that are missing now
        count as deleted. Returns the number of photos it had. Raises FolderError.
        """
        shown = printable(path)
        folder = self.at(path)
        if folder is None:
            raise self._not_watched(path)
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

    def _not_watched(self, path: bytes) -> FolderError:
        why, outer = f"{printable(path)} is not a watched folder", self.containing(path)
        if outer is None:
            return FolderError(why, remedy="photosd folders")
        shown = printable(outer.path)
        remedy = f"name that one; to exclude this one: .photosdignore in {shown}"
        return FolderError(f"{why}, but inside one: {shown}", remedy=remedy)

    def remove(self, path: bytes) -> int:
        """Stop watching ``path``; returns the number of photos removed from the index."""
        with self._database.write() as db:
            row = db.execute("SELECT id FROM folders WHERE path = ?", (path,)).fetchone()
            if row is None:
                raise self._not_watched(path)
            photos = db.execute(
                "SELECT coalesce(sum(n), 0) FROM counts WHERE folder = ? AND state <> 'gone'",
                (row["id"],),
            ).fetchone()[0]
            # Row by row, not by cascade, so that the trigger keeps the counts right.
            db.execute("DELETE FROM photos WHERE folder = ?", (row["id"],))
            forget_journaled(db)
            db.execute("DELETE FROM counts WHERE folder = ?", (row["id"],))
            db.execute("DELETE FROM folders WHERE id = ?", (row["id"],))
            self._save(db)  # a folder left in the copy would be restored with it
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
                    f"{printable(path)} is a directory of photosd's own files",
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
                    remedy="no action needed; photosd folders lists it",
                )
            if folder.contains(path):
                if package_in(path, folder.path):  # which this folder skips
                    continue
                linked = "" if asked == path else f"{printable(asked)} leads to "
                says = f"{linked}{printable(path)}, which is inside {shown}: watched already"
                if ignored := why_ignored(self.filesystems, path, *folder.scan_arguments):
                    raise FolderError(f"{says}, but {ignored[0]}", remedy=ignored[1])
                raise FolderError(
                    says, remedy=f"no action needed; to search it alone: --in {quoted(asked)}"
                )
            below = path == b"/" or folder.path.startswith(path.rstrip(b"/") + b"/")
            if below and not package_in(folder.path, path):
                raise FolderError(
                    f"{shown}, which is watched already, is inside {printable(path)}",
                    remedy=f"photosd remove {quoted(shown)}   and add the outer folder again",
                )

    def _same(self, folder: Folder, path: bytes, probe: FolderProbe) -> bool:
        """Whether both are the same directory, for example by a bind mount.

        Reads the disk, because a recorded identity may fit another directory after a move or on
        another machine. Folders on another disk than ``path`` are not read: it may not respond.
        """
        if self.filesystems.of(folder.path) is not self.filesystems.of(path):
            return False
        try:
            _, device, inode = self.filesystems.ask(folder.path, "state")
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
        """Write the copy, inside the transaction of the change, so that both agree.

        Raises StorageError, which rolls the change back.
        """
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
        """Watch the folders in the copy, after the catalog was lost."""
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

    A folder is restored with all of its patterns or not at all: photos that the user has excluded
    must not be indexed.
    """
    path, excludes = base64.b64decode(entry["path_b64"], validate=True), entry["excludes"]
    if not path.startswith(b"/") or b"\0" in path:
        raise ValueError("the path is not absolute")
    if not _are_patterns(excludes):
        raise ValueError("the patterns are not a list of strings")
    return os.path.normpath(path), excludes


def _are_patterns(excludes: object) -> bool:
    return isinstance(excludes, list) and all(isinstance(one, str) for one in excludes)


def _patterns(text: object) -> tuple[str, ...]:
    """The patterns in a row of the catalog.

    If they are invalid: one invalid pattern, with which `IgnoreRules` knows nothing about the
    folder, so that no new photo in it is indexed.
    """
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        if _are_patterns(excludes := json.loads(text)):  # type: ignore[arg-type]
            return tuple(excludes)
    return (SPOILT,)


def _fresh_id(db: sqlite3.Connection) -> int:
    """A new id that no folder ever had: pending work of a removed folder must not reach another."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (LAST_ID,)).fetchone()
    most = int(db.execute("SELECT coalesce(max(id), 0) FROM folders").fetchone()[0])
    fresh = 1 + max(most, int(row[0]) if row else 0)
    db.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (LAST_ID, str(fresh)))
    return fresh


def _resolved(pattern: str, asked: bytes, path: bytes) -> str:
    """``pattern``; if it is an absolute path below ``asked``, the same below ``path``.

    ``asked`` is the folder as typed, ``path`` its real path.
    """
    mark, whole = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    in_home = whole.startswith("~/")  # bash leaves it so after `--exclude=`
    whole = str(Path.home() / whole[2:]) + "/" * whole.endswith("/") if in_home else whole
    before, after = os.fsdecode(asked.rstrip(b"/") + b"/"), os.fsdecode(path.rstrip(b"/") + b"/")
    if whole.startswith(before):
        return f"{mark}{after}{whole[len(before) :]}"
    return mark + whole if whole.startswith(after) else pattern


def _remedy(probe: FolderProbe) -> str:
    """The remedy for a folder that cannot be added."""
    if probe.remedy and (probe.state == "no_permission" or ASKING in (probe.reason or "")):
        return probe.remedy
    if (probe.reason or "").startswith(NOT_ANSWERING):
        return "wait until its disk or share responds, then add it again"
    if (probe.reason or "").endswith(NOT_A_FOLDER):
        return "name the folder that it is in"
    return "No such folder. Check the spelling."
