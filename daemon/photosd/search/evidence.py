"""Evidence: why a photo matches. Kinds of evidence: its look, its name.

The weight does not depend on the kind, so a new kind is one more list (`fusion.py`).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec


class Weight(enum.IntEnum):
    """The weight of a piece of evidence, lowest first (docs/explanation/how-search-works.md)."""

    HINT = 0  # a look that unrelated things also reach; half of the words or more
    TELLING = 1  # it looks as described; its path has every word
    NAMED = 2  # every word, two or more, not only in names of folders
    WHOLE = 3  # its file name equals the query


class Evidence(msgspec.Struct, frozen=True):
    """One reason for one content. ``share``: of the query, for a hint.

    ``kind``: as in the protocol: ``clip``, ``name``, ``rewrite``, ``gemini``.
    """

    kind: str
    content: str
    weight: Weight
    share: float = 1.0


Ranked = Sequence[Evidence]  # of one kind, best first
