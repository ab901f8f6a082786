"""Albums: a directory of symbolic links to all matching photos, kept up to date.

Only links created here are removed or replaced: a link is recorded before it is created, and is
ours only while it still points to the recorded target. The directory may be on a share that does
not respond, so all calls are made by `filesystems`.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import structlog

from photosd.alerts.alert_store import Alert
from photosd.core.errors import BadRequest, quoted
from photosd.core.log import printable
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.folders import Folder, Folders
from photosd.watch.filesystem import NotAnswering
from photosd.watch.filesystems import Filesystems

log = structlog.get_logger()

NAME_BYTES = 240  # of the 255 that file systems allow, leaving space for a number
MAX_NAMESAKES = 10_000
AT_ONCE = 100  # links read by one call; others of a slow share come in between


class AlbumMember(msgspec.Struct, frozen=True):
    """One row: a content that belongs (``wanted``) into the album of ``standing``.

    ``link`` is the absolute path of its link and ``target`` its target; None: no link.
    """

    content: str
    standing: int
    wanted: int
    link: bytes | None
    target: bytes | None


class Albums:
    """Updates directories to match the catalog. One thread uses it."""

    def __init__(self, database: Database, catalog: Catalog, filesystems: Filesystems) -> None:
        self._database, self._catalog, self._filesystems = database, catalog, filesystems
        self.troubles: dict[int, str] = {}  # why an album is not up to date

    def sync(self, alerts: Sequence[Alert]) -> None:
        """Create, move and remove links as needed. Raises StorageError."""
        albums = {alert.id: alert for alert in alerts if alert.options.kind == "link"}
        troubles: dict[int, str] = {}
        for number in self._standing() | albums.keys():
            alert = albums.get(number)
            try:
                self._sync(number, alert, [one.options.directory or b"" for one in albums.values()])
            except OSError as error:
                troubles[number] = f"{printable(error.filename or b'')}: {error.strerror}"
                if self.troubles.get(number) != troubles[number]:
                    log.warning("album_incomplete", alert=number, cause=troubles[number])
        self.troubles = troubles

    def count(self, number: int) -> int:
        """Photos in the album."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT count(*) FROM links WHERE standing = ? AND link IS NOT NULL", (number,)
            ).fetchone()
        return int(row[0])

    def _standing(self) -> set[int]:
        with self._database.read() as db:
            return {row[0] for row in db.execute("SELECT DISTINCT standing FROM links")}

    def _sync(self, number: int, alert: Alert | None, albums: Sequence[bytes]) -> None:
        members = self._members(number)
        targets: Mapping[str, bytes] = {}
        self._require_answer(alert, members)
        if alert is not None:
            targets = self._targets(alert, [m for m in members if m.wanted], albums)
        leads = self._leads([member.link for member in members if member.link is not None])
        for member in members:
            target = targets.get(member.content)
            if member.link is not None and (target is None or target != member.target):
                self._remove(member)
                member = msgspec.structs.replace(member, link=None, target=None)
            if target is not None and alert is not None:
                self._make(member, target, alert, leads)
        self._forget(number, [m for m in members if alert is None or not m.wanted])

    def _require_answer(self, alert: Alert | None, members: Sequence[AlbumMember]) -> None:
        """Raises OSError if a disk is absent or does not respond: change nothing then."""
        directories = {m.link.rpartition(b"/")[0] for m in members if m.link and alert is None}
        for directory in directories if alert is None else {alert.options.directory or b""}:
            try:
                self._filesystems.look(directory)
            except OSError as error:
                if alert is not None or isinstance(error, NotAnswering):
                    raise OSError(error.errno, error.strerror, directory) from error

    def _forget(self, number: int, members: Sequence[AlbumMember]) -> None:
        """Delete rows that are no longer needed and have no links."""
        if members:
            with self._database.write() as db:
                db.executemany(
                    "DELETE FROM links WHERE standing = ? AND content = ? AND link IS NULL",
                    ((number, member.content) for member in members),
                )

    def _members(self, number: int) -> list[AlbumMember]:
        with self._database.read() as db:
            rows = db.execute("SELECT * FROM links WHERE standing = ?", (number,)).fetchall()
        return [AlbumMember(**dict(row)) for row in rows]

    def _targets(
        self, alert: Alert, members: Sequence[AlbumMember], albums: Sequence[bytes]
    ) -> dict[str, bytes]:
        """The target of each link: the current one while valid; never in an album."""
        places = self._catalog.paths_of([member.content for member in members])
        found = {}
        for member in members:
            paths = [
                path
                for path, _folder in places.get(member.content, ())
                if alert.covers(path) and path.rpartition(b"/")[0] not in albums
            ]
            if paths:
                found[member.content] = member.target if member.target in paths else paths[0]
        return {content: target for content, target in found.items() if target is not None}

    def _leads(self, links: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """The targets of symbolic links; None for other files. Raises NotAnswering."""
        found: dict[bytes, bytes | None] = {}
        for start in range(0, len(links), AT_ONCE):
            some = links[start : start + AT_ONCE]
            found.update(zip(some, self._filesystems.call(some[0], "targets", some), strict=True))
        return found

    def _make(
        self,
        member: AlbumMember,
        target: bytes,
        alert: Alert,
        leads: Mapping[bytes, bytes | None],
    ) -> None:
        """Create a link under a free name; a removed link of ours is created again."""
        if member.link is not None and leads.get(member.link) == target:
            return
        for link in _names(alert.options.directory or b"", target):
            if self._taken(link, member):
                continue
            # After a loss of the catalog our links are recognised by their target only.
            again = alert.restored and self._leads([link])[link] == target
            if again or not self._filesystems.ask(link, "exists"):
                self._note(member, link, target)
                if not again:
                    self._change(link, "add_link", target)
                return
        raise OSError(errno.EEXIST, "too many photos have that name", alert.options.directory)

    def _remove(self, member: AlbumMember) -> None:
        """Remove the link if it is still ours, then forget it."""
        if member.link is not None and member.target is not None:
            with contextlib.suppress(FileNotFoundError):
                self._change(member.link, "remove_link", member.target)
        self._note(member, None, None)

    def _change(self, link: bytes, call: str, target: bytes) -> None:
        """Create or remove a link; raises OSError."""
        for _ in self._filesystems.call(link, call, link, target):
            pass

    def _taken(self, link: bytes, member: AlbumMember) -> bool:
        """Whether another photo's link has that name."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT 1 FROM links WHERE link = ? AND NOT (content = ? AND standing = ?)",
                (link, member.content, member.standing),
            ).fetchone()
        return row is not None

    def _note(self, member: AlbumMember, link: bytes | None, target: bytes | None) -> None:
        with self._database.write() as db:
            db.execute(
                "UPDATE links SET link = ?, target = ? WHERE content = ? AND standing = ?",
                (link, target, member.content, member.standing),
            )


def prepare(directory: bytes, folders: Folders, others: Sequence[Alert]) -> bytes:
    """Create the directory of an album; returns its real path. Raises BadRequest if impossible."""
    try:
        directory = folders.filesystems.spelled(folders.filesystems.resolve(directory))
    except OSError as error:
        raise BadRequest(
            f"{printable(directory)} cannot be read: {error.strerror}",
            remedy="choose a DIR on a disk that responds",
        ) from error
    shown = printable(directory)
    for other in others:
        if other.options.directory == directory:
            raise BadRequest(
                f"{shown} is the album of alert {other.id}",
                remedy=f"choose another DIR, or: photosd on --remove {other.id}",
            )
    folder = folders.containing(directory)
    if folder is not None and not _left_alone(folder, directory):
        raise BadRequest(
            f"{shown} is in a watched folder, where its links would count as photos",
            remedy="choose a DIR elsewhere, or an excluded one (photosd add --exclude)",
        )
    try:
        writable = folders.filesystems.ask(directory, "make_directory")
    except OSError as error:
        raise BadRequest(
            f"{shown} cannot be created: {error.strerror}", remedy="choose another DIR"
        ) from error
    if not writable:
        raise BadRequest(f"photosd may not write to {shown}", remedy=f"chmod u+rwx {quoted(shown)}")
    return directory


def _left_alone(folder: Folder, directory: bytes) -> bool:
    try:
        return folder.rules.ignored(directory, is_directory=True)
    except OSError:  # an ignore file that cannot be read
        return False


def _names(directory: bytes, target: bytes) -> Iterator[bytes]:
    """Names for the link, the photo's own first."""
    name = target.rpartition(b"/")[2]
    stem, dot, suffix = name.rpartition(b".")
    if not stem:
        stem, dot, suffix = name, b"", b""
    stem = stem[: NAME_BYTES - len(suffix)] if len(name) > NAME_BYTES else stem
    yield directory + b"/" + (name if len(name) <= NAME_BYTES else stem + dot + suffix)
    for number in range(2, MAX_NAMESAKES):
        yield b"%s/%s-%d%s%s" % (directory, stem, number, dot, suffix)
