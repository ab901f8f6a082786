"""Options of a query: what to search for, and the output format (no click, for speed)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from photosd.protocol.replies import Term, Where


class Seeing(NamedTuple):
    """How to show hits, in addition to the lines of the table."""

    preview: str = "off"  # a mode of preview.MODES
    hyperlink: str = "auto"  # a mode of hyperlinks.MODES
    html: str | None = None  # the file of a contact sheet; empty: a private one
    opened: bool = False


class QueryRequest(NamedTuple):
    """Words with terms to add and subtract and filters; or the cursor of the next page."""

    text: str = ""
    terms: Sequence[Term] = ()
    where: Where | None = None
    every_copy: bool = False
    others: bool = False
    cursor: str | None = None
    mode: str | None = None  # local | hybrid | gemini; None: the configured one


class QueryOptions(NamedTuple):
    """How many photos, the deadline, the format."""

    limit: int | None = None  # the setting search.limit
    deadline_ms: int = 3000
    form: str = "table"  # table | json | jsonl | paths | print0
    weak: bool | None = None  # None: depends on the format
    seeing: Seeing = Seeing()

    @property
    def with_weak(self) -> bool:
        """Whether to show weak hits: to programs by default, to people on request."""
        return self.form in ("paths", "print0") if self.weak is None else self.weak
