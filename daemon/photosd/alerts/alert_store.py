"""The list of alerts: created, listed, removed; a copy survives a loss of the catalog."""

from __future__ import annotations

import base64
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import MsgspecError

from photosd.core import typed
from photosd.core.errors import BadRequest, NotFound
from photosd.index.database import UNWRITABLE, Database
from photosd.index.store_damage import keep_list, kept_list
from photosd.protocol.requests import AlertKind

log = structlog.get_logger()

MAX_ALERTS = 100  # each new photo is compared with all of them
LIST = "photosd on --list"


class AlertOptions(msgspec.Struct, frozen=True):
    """What to search for (``text``, in the directory ``below``), and the action.

    ``argv``: the command of an ``exec``; ``directory``: of the album of a ``link``.
    """

    text: str
    kind: AlertKind
    below: bytes | None = None
    argv: tuple[str, ...] = ()
    directory: bytes | None = None


class Alert(msgspec.Struct, frozen=True):
    """A saved alert. ``created_at``: Unix seconds; ``matches``: total number so far.

    ``restored``: from the copy, after a loss of the catalog; not ``awake`` until the photos it
    contained are indexed again, because they are not new. ``model``: the fingerprint of the model
    that an album was decided with. ``acknowledged``: the last match that a reader has handled.
    """

    id: int
    options: AlertOptions
    created_at: float
    awake: bool
    restored: bool
    acknowledged: int
    matches: int
    model: str | None

    def covers(self, path: bytes) -> bool:
        """Whether photos at ``path`` are included."""
        below = self.options.below
        return below is None or path.startswith(below.rstrip(b"/") + b"/")


class AlertStore:
    """All alerts. Every method is one transaction and safe from any thread."""

    def __init__(self, database: Database, copy: Path) -> None:
        self._database, self._copy = database, copy
        if not self.all():
            self._restore()

    def all(self) -> list[Alert]:
        """Oldest first."""
        with self._database.read() as db:
            return _all(db)

    def get(self, number: int) -> Alert:
        """The alert of that number; raises NotFound."""
        with self._database.read() as db:
            row = db.execute("SELECT * FROM standing WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise NotFound(f"no such alert: {number}", remedy=LIST)
        return _alert(row)

    def add(self, options: AlertOptions) -> tuple[Alert, bool]:
        """Save an alert; also returns whether it is new: an identical one would run twice.

        Raises BadRequest if there are too many.
        """
        with self._database.write() as db:
            standing = _all(db)
            for alert in standing:
                if alert.options == options:
                    return alert, False
            if len(standing) >= MAX_ALERTS:
                raise BadRequest(
                    f"there are {MAX_ALERTS} alerts already; each one slows indexing",
                    remedy="photosd on --remove ID   (photosd on --list shows them)",
                )
            number = self._insert(options, time.time())
            self._save(db)
        return self.get(number), True

    def remove(self, number: int) -> Alert:
        """Remove an alert and its pending actions; raises NotFound."""
        alert = self.get(number)
        with self._database.write() as db:
            db.execute("DELETE FROM standing WHERE id = ?", (number,))
            self._save(db)  # an alert left in the copy would come back
        self._database.empty_log()  # it contains the alert's words
        return alert

    def enable_all(self) -> None:
        """All photos are indexed again: photos from now on are new."""
        with self._database.write() as db:
            woken = db.execute("UPDATE standing SET awake = 1 WHERE awake = 0").rowcount
        if woken:
            log.info("alerts_enabled", alerts=woken)

    def reconsider(self, number: int, model: str) -> None:
        """Have ``model`` decide about every photo of the library: an album includes old ones."""
        with self._database.write() as db:
            db.execute("UPDATE standing SET model = ? WHERE id = ?", (model, number))
            db.execute(
                "INSERT OR IGNORE INTO candidates SELECT content, id FROM contents, standing"
                " WHERE id = ?",
                (number,),
            )

    def acknowledge(self, number: int, cursor: int) -> None:
        """Record that the reader of a stream has handled every match up to ``cursor``."""
        with self._database.write() as db:
            db.execute(
                "UPDATE standing SET acknowledged = max(acknowledged, ?) WHERE id = ?",
                (cursor, number),
            )

    def _insert(self, options: AlertOptions, created_at: float, *, restored: bool = False) -> int:
        with self._database.write() as db:
            number = db.execute(
                "INSERT INTO standing(text, kind, filter, argv, directory, created_at, awake,"
                " restored) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    options.text,
                    options.kind,
                    json.dumps({"below": _encoded(options.below)}),
                    json.dumps(options.argv),
                    options.directory,
                    created_at,
                    not restored,
                    restored,
                ),
            ).lastrowid
        return int(number or 0)

    # -- the copy, which survives the catalog -------------------------------------------------

    def _save(self, db: sqlite3.Connection) -> None:
        """Write the copy, in the transaction of the change, so that both agree. Raises
        StorageError, which undoes the change.
        """
        keep_list(
            self._copy,
            [
                {
                    "text": alert.options.text,
                    "kind": alert.options.kind,
                    "below": _encoded(alert.options.below),
                    "argv": alert.options.argv,
                    "directory": _encoded(alert.options.directory),
                    "created_at": alert.created_at,
                }
                for alert in _all(db)
            ],
        )

    def _restore(self) -> None:
        """After a loss of the catalog: restore alerts, disabled until the photos are indexed."""
        kept = kept_list(self._copy)
        with self._database.write():
            for entry in kept:
                try:
                    paths = {name: _decoded(entry[name]) for name in ("below", "directory")}
                    options = typed.convert(
                        {**entry, **paths}, AlertOptions, builtin_types=(bytes,)
                    )
                    self._insert(options, float(entry["created_at"]), restored=True)
                except (KeyError, TypeError, ValueError, MsgspecError, *UNWRITABLE) as error:
                    log.error("alert_not_restored", cause=repr(error))
        if kept:
            log.warning(
                "alerts_restored",
                alerts=len(kept),
                title="The catalog was lost; alerts continue with new photos",
                remedy="no action needed",
            )


def _all(db: sqlite3.Connection) -> list[Alert]:
    return [_alert(row) for row in db.execute("SELECT * FROM standing ORDER BY id")]


def _alert(row: Any) -> Alert:
    below = _decoded(json.loads(row["filter"])["below"])
    argv = tuple(json.loads(row["argv"]))
    options = AlertOptions(row["text"], row["kind"], below, argv, row["directory"])
    return Alert(
        row["id"],
        options,
        row["created_at"],
        bool(row["awake"]),
        bool(row["restored"]),
        row["acknowledged"],
        row["matches"],
        row["model"],
    )


def _encoded(path: bytes | None) -> str | None:
    return None if path is None else base64.b64encode(path).decode()


def _decoded(path: str | None) -> bytes | None:
    return None if path is None else base64.b64decode(path)
