"""Gemini's models and prices as they were read, from one file: what the settings begin with.

`gemini.json` lies beside this module. Who changes it reads all of it anew and sets ``read``.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec

from photosd.core import typed

OLD_DAYS = 180  # Google retires models and changes prices a few times a year


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Model ids and US dollars. ``usd_per_million_out`` counts what a model thinks, too."""

    read: datetime.date
    source: str
    text_model: str
    embedding_model: str
    usd_per_million_in: float
    usd_per_million_out: float
    usd_per_million_embedded: float
    usd_per_image: float

    def is_old(self, today: datetime.date) -> bool:
        """Whether they should be read anew."""
        return (today - self.read).days > OLD_DAYS


GEMINI = typed.from_json(Path(__file__).with_name("gemini.json").read_bytes(), Prices)
