"""The ledger: every call, written down before it is made, and the budget it has to fit."""

from __future__ import annotations

import calendar
import time
from typing import Literal

import msgspec

from photosd.core.errors import CloudUnavailable
from photosd.index.database import Database

Kind = Literal["rewrite", "embed_query", "embed_photos", "check"]
KEPT_DAYS = 400


class Call(msgspec.Struct, frozen=True):
    """One call: when (Unix seconds), what for, which model, how much of it, and how it ended."""

    at: float
    kind: str
    model: str
    items: int
    bytes: int
    usd: float
    outcome: str


class Spending(msgspec.Struct, frozen=True):
    """What this calendar month (UTC) has come to."""

    usd: float
    calls: int
    photos: int


class Ledger:
    """In the catalog's file. Any thread may write."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, kind: Kind, model: str, items: int, size: int, usd: float, budget: float
    ) -> int:
        """Write a call down at its estimated price; its number.

        Raises CloudUnavailable when the month's budget does not allow it, StorageError when it
        cannot be written: what is not written down is not sent.
        """
        with self._database.write() as db:
            spent = db.execute(
                "SELECT coalesce(sum(usd), 0) FROM cloud_calls WHERE at >= ?", (_month(),)
            ).fetchone()[0]
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
        return int(cursor.lastrowid or 0)

    def expire(self) -> None:
        """Drop calls that are older than KEPT_DAYS."""
        with self._database.write(aside=True) as db:
            db.execute("DELETE FROM cloud_calls WHERE at < ?", (time.time() - KEPT_DAYS * 86400,))

    def end(self, number: int, outcome: str, usd: float | None = None) -> None:
        """How the call ended, and what it cost if that is known better by now."""
        with self._database.write() as db:
            db.execute(
                "UPDATE cloud_calls SET outcome = ?, usd = coalesce(?, usd) WHERE id = ?",
                (outcome, usd, number),
            )

    def month(self) -> Spending:
        """What this month has come to."""
        with self._database.read() as db:
            row = db.execute(
                "SELECT coalesce(sum(usd), 0), count(*),"
                " coalesce(sum(items) FILTER (WHERE kind = 'embed_photos' AND outcome = 'ok'), 0)"
                " FROM cloud_calls WHERE at >= ?",
                (_month(),),
            ).fetchone()
        return Spending(float(row[0]), int(row[1]), int(row[2]))

    def calls(self, limit: int) -> list[Call]:
        """The last calls, newest first."""
        with self._database.read() as db:
            return [
                Call(**dict(row))
                for row in db.execute(
                    "SELECT at, kind, model, items, bytes, usd, outcome FROM cloud_calls"
                    " ORDER BY id DESC LIMIT ?",
                    (limit,),
                )
            ]


def _month() -> float:
    """When this month began, Unix seconds."""
    now = time.gmtime()
    return float(calendar.timegm((now.tm_year, now.tm_mon, 1, 0, 0, 0)))
