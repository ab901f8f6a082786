"""What is wanted: what photos are asked for, and in which form the answer (no click, for speed)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from photosd.ipc.replies import Term, Where


class Seeing(NamedTuple):
    """How hits are to be looked at, beside the lines of the table."""

    preview: str = "off"  # a mode of preview.MODES
    hyperlink: str = "auto"  # a mode of hyperlinks.MODES
    html: str | None = None  # the file of a contact sheet; empty: a private one
    opened: bool = False


class Asked(NamedTuple):
    """Words, and what is added to them, taken away and demanded; or the cursor of the next page."""

    text: str = ""
    terms: Sequence[Term] = ()
    where: Where | None = None
    every_copy: bool = False
    others: bool = False
    cursor: str | None = None
    mode: str | None = None  # local | hybrid | gemini; None: what is enabled


class Wish(NamedTuple):
    """How many photos are wanted, how soon, and in which form."""

    limit: int | None = None  # the setting search.limit
    deadline_ms: int = 3000
    form: str = "table"  # table | json | jsonl | paths | print0
    weak: bool | None = None  # None: as the form has it
    seeing: Seeing = Seeing()

    @property
    def with_weak(self) -> bool:
        """Whether weak hits are shown: to programs, unless they decline; to people, if they ask."""
        return self.form in ("paths", "print0") if self.weak is None else self.weak
