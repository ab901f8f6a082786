"""Writes names of months and weekdays of Unicode's CLDR, which Babel brings, to a small table.

``python -m release.calendar_names``; after an update of Babel. Babel itself takes 16 MB of memory.
"""

from __future__ import annotations

import itertools
from typing import Any

import babel
from babel import Locale

from photosd.core.calendar_names import TABLE
from photosd.search.dates.tokens import Kind

# The last three: other names of the same months.
LOCALES = ("en", "he", "de", "fr", "es", "it", "pt", "nl", "ru", "ar", "de_AT", "ar_SY", "ar_DZ")
ENGLISH_WORDS = ("ago", "set")  # abbreviations of months elsewhere


def table() -> str:
    """The lines of the table: language, kind, number (Monday is 0) and name."""
    lines = dict.fromkeys(line for code in LOCALES for line in _lines(code))
    return "\n".join([f"# Unicode's CLDR, from Babel {babel.__version__}", *lines, ""])


def _lines(code: str) -> list[str]:
    """Abbreviations of weekdays only in English and Hebrew, as elsewhere they are words."""
    locale: Any = Locale.parse(code)
    found = []
    for context, width in itertools.product(("format", "stand-alone"), ("wide", "abbreviated")):
        months = {n: name.rstrip(".") for n, name in locale.months[context][width].items()}
        found += [(Kind.MONTH, n, name) for n, name in months.items() if name not in ENGLISH_WORDS]
        if width == "wide" or code in ("en", "he"):
            days = locale.days[context][width]
            found += [(Kind.WEEKDAY, number, name) for number, name in days.items()]
    language = code.partition("_")[0]
    return [f"{language}\t{kind.value}\t{number}\t{name}" for kind, number, name in found]


if __name__ == "__main__":
    TABLE.write_text(table(), "utf-8")
