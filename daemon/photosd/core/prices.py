"""Gemini's models and prices as read on a date, from one file: the defaults of the settings.

`gemini.json` is in this directory. When you change it, check all values and set ``read``.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec

from photosd.core import typed

OLD_DAYS = 180  # Google retires models and changes prices a few times a year


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Model ids and US dollars. ``usd_per_million_out`` includes thinking tokens."""

    read: datetime.date
    source: str
    text_model: str
    embedding_model: str
    usd_per_million_in: float
    usd_per_million_out: float
    usd_per_million_embedded: float
    usd_per_image: float

    def is_old(self, today: datetime.date) -> bool:
        """Whether the prices should be checked again."""
        return (today - self.read).days > OLD_DAYS


GEMINI = typed.from_json(Path(__file__).with_name("gemini.json").read_bytes(), Prices)
