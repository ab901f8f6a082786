"""The ledger: records every call before it is made, and enforces the budget."""

from __future__ import annotations

import calendar
import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Literal, cast

import msgspec

from photosd.core import typed
from photosd.core.atomic_write import replace_file
from photosd.core.errors import CloudUnavailable, StorageError
from photosd.index.database import Database
from photosd.protocol.reports import CloudLogEntry

Kind = Literal["rewrite", "embed_query", "embed_photos", "check"]
KEPT_DAYS = 400
COPY = "cloud-spent.json"  # beside the consent


class Spending(msgspec.Struct, frozen=True):
    """The cost of this calendar month (UTC)."""

    usd: float
    calls: int
    photos: int


class KeptSpending(msgspec.Struct, frozen=True):
    """The cost of a month (given by its first second)."""

    month: float
    usd: float


class Ledger:
    """Stored in the catalog's file. Any thread may write.

    The month's cost is also in ``copy``, so that losing the catalog does not reset the budget.
    """

    def __init__(self, database: Database, copy: Path | None = None) -> None:
        self._database, self._copy = database, copy

    def begin(
        self, kind: Kind, model: str, items: int, size: int, usd: float, budget: float
    ) -> int:
        """Record a call at its estimated price; returns its number.

        Raises CloudUnavailable if the month's budget does not allow it, StorageError if it cannot
        be recorded: such calls are not made.
        """
        with self._database.write() as db:
            spent = self._spent(db)
            if spent + usd > budget:
                raise CloudUnavailable(
                    f"the budget of ${budget:.2f} a month is spent (${spent:.4f} so far)",
                    remedy="photosd config set cloud.budget_usd AMOUNT",
                    reason="budget",
                )
            cursor = db.execute(
                "INSERT INTO cloud_calls(at, kind, model, items, bytes, usd, outcome)"
                " VALUES(?, ?, ?, ?, ?, ?, 'unknown')",
                (time.time(), kind, model, items, size, usd),
            )
            self._keep(spent + usd)
        return int(cursor.lastrowid or 0)

    def expire(self) -> None:
        """Delete calls older than KEPT_DAYS."""
        with self._database.write(quiet=True) as db:
            db.execute("DELETE FROM cloud_calls WHERE at < ?", (time.time() - KEPT_DAYS * 86400,))

    def end(self, number: int, outcome: str, usd: float | None = None) -> None:
        """The outcome of a call, and its actual price if known."""
        with self._database.write() as db:
            if usd is not None:
                row = db.execute("SELECT usd FROM cloud_calls WHERE id = ?", (number,)).fetchone()
                self._keep(max(0.0, self._spent(db) + usd - row[0]))
            db.execute(
                "UPDATE cloud_calls SET outcome = ?, usd = coalesce(?, usd) WHERE id = ?",
                (outcome, usd, number),
            )

    def month(self) -> Spending:
        """The cost of this month."""
        with self._database.read() as db:
            spent = self._spent(db)
            row = db.execute(
                "SELECT count(*),"
                " coalesce(sum(items) FILTER (WHERE kind = 'embed_photos' AND outcome = 'ok'), 0)"
                " FROM cloud_calls WHERE at >= ?",
                (month_start(),),
            ).fetchone()
        return Spending(spent, int(row[0]), int(row[1]))

    def calls(self, limit: int) -> list[CloudLogEntry]:
        """The last calls, newest first."""
        with self._database.read() as db:
            return [
                cast("CloudLogEntry", dict(row))
                for row in db.execute(
                    "SELECT at, kind, model, items, bytes, usd, outcome FROM cloud_calls"
                    " ORDER BY id DESC LIMIT ?",
                    (limit,),
                )
            ]

    def _spent(self, db: sqlite3.Connection) -> float:
        """The cost of this month."""
        row = db.execute(
            "SELECT coalesce(sum(usd), 0) FROM cloud_calls WHERE at >= ?", (month_start(),)
        ).fetchone()
        kept = KeptSpending(0, 0)
        if self._copy is not None:
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                kept = typed.from_json(self._copy.read_bytes(), KeptSpending)
        return max(float(row[0]), kept.usd if kept.month == month_start() else 0.0)

    def _keep(self, usd: float) -> None:
        """Raises StorageError."""
        if self._copy is None:
            return
        try:  # one at a time: in a transaction
            replace_file(self._copy, msgspec.json.encode(KeptSpending(month_start(), usd)))
        except OSError as error:
            raise StorageError(
                f"Gemini's cost cannot be recorded: {error}",
                remedy=f"make {self._copy.parent} writable, or free space on its disk",
            ) from error


def month_start() -> float:
    """Start of this month, Unix seconds."""
    now = time.gmtime()
    return float(calendar.timegm((now.tm_year, now.tm_mon, 1, 0, 0, 0)))
