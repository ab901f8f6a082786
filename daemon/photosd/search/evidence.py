"""Evidence: why a photo is an answer. One kind of evidence each: its looks, its name.

What it is worth does not depend on its kind, so that a new kind is one more list (`fusion.py`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec


class Weight(enum.IntEnum):
    """What a piece of evidence decides, the least first (docs/explanation/how-search-works.md)."""

    HINT = 0  # a look that unrelated things reach, too; half of the words or more
    TELLING = 1  # it looks as asked; its path has every word
    NAMED = 2  # every word, two or more, is there, and not in names of folders alone
    WHOLE = 3  # its file has the name that was asked for


class Evidence(msgspec.Struct, frozen=True):
    """One reason for one content. ``share``: of what was asked, where it is a hint.

    ``kind``: as clients are told it: ``clip``, ``name``, ``rewrite``, ``gemini``.
    """

    kind: str
    content: str
    weight: Weight
    share: float = 1.0


Ranked = Sequence[Evidence]  # of one kind, the best first
