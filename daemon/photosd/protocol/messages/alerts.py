"""The types of the protocol about alerts, which it calls standing queries."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from photosd.protocol.messages.query import TEXT_LIMIT

Kind = Literal["exec", "link", "notify", "stream"]
RowId = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # SQLite's range of row ids


class StandingAddParams(Struct):
    """What to search for in every new photo, and what to do then.

    ``exec`` runs ``argv`` with the photo's path as last argument, or in place of ``{}``, without a
    shell; ``link`` keeps ``directory`` an album of links to all photos that match; ``notify`` shows
    a notification; a ``stream`` is read with `subscribe`. ``below``: only photos in that directory.
    """

    text: Annotated[str, Meta(min_length=1, max_length=TEXT_LIMIT)]
    kind: Kind
    argv: list[str] = []
    directory: str | None = None
    directory_b64: str | None = None
    below: str | None = None
    below_b64: str | None = None


class StandingReport(Struct, omit_defaults=True):
    """One alert. ``matches``: photos so far; ``waiting`` and ``failed`` are parts of it.

    ``trouble``: why it cannot run now. ``acknowledged``: see `subscribe`.
    """

    id: int
    text: str
    kind: str
    argv: list[str]
    directory: str | None
    below: str | None
    created_at: float
    matches: int
    waiting: int
    failed: int
    last_failure: str | None
    trouble: str | None
    acknowledged: int
    directory_b64: str | None = None
    below_b64: str | None = None


class StandingAddResult(Struct):
    """The saved alert; not ``new``: an identical one existed already."""

    standing: StandingReport
    new: bool
    warnings: list[str]


class StandingResult(Struct):
    """Every alert."""

    standing: list[StandingReport]


class StandingRemoveParams(Struct):
    """Its number."""

    id: RowId


class StandingRemoveResult(Struct):
    """The removed alert."""

    removed: StandingReport


class SubscribeParams(Struct):
    """Matches of the alert ``id`` after the one with the cursor ``after``.

    Null: after the last acknowledged one. Without ``wait`` only existing ones.
    """

    id: RowId
    after: RowId | None = None
    wait: bool = True


class StandingMatch(Struct, omit_defaults=True):
    """A photo that matched. ``cursor`` grows from match to match."""

    cursor: int
    standing: int
    query: str
    path: str
    content_id: str
    score: float
    strength: str
    matched_at: float
    path_b64: str | None = None


class News(Struct, omit_defaults=True):
    """A match; without one, a keep-alive every five seconds."""

    match: StandingMatch | None = None


class SubscribeResult(Struct):
    """The cursor of the last match that was sent."""

    cursor: int


class AcknowledgeParams(Struct):
    """Every match up to this cursor is handled."""

    id: RowId
    cursor: RowId


class AcknowledgeResult(Struct):
    """The last acknowledged cursor."""

    acknowledged: int
