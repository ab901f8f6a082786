"""The page of dates: each form that it promises is read, each that it refuses is refused."""

from __future__ import annotations

import datetime
import re

import pytest

from photosd.core.errors import BadRequest
from photosd.search.dates import period_of
from photosd.search.dates.finding import find
from tests.conftest import ROOT

NOW = datetime.datetime(2026, 11, 26, 14, 30)
PAGE = (ROOT / "docs" / "reference" / "dates.md").read_text()
ALONE, IN_QUESTIONS = PAGE.split("\n## In a question\n")
TABLE, REST = ALONE.partition("\n- ")[0], ALONE.rpartition("\nAmbiguous dates are refused")[2]
LANGUAGES = PAGE.partition("Arabic, too:")[2].partition("\n\n")[0]


def quoted(text: str) -> list[str]:
    return [one.replace("\n", " ") for one in re.findall(r"`([^`]+)`", text)]


FORMS = quoted(TABLE.partition("|---|---|")[2]) + quoted(LANGUAGES)


def test_the_table_is_found() -> None:
    """The page is read as it is laid out."""
    assert len(FORMS) > 100 and len(quoted(REST)) == 8


@pytest.mark.parametrize("form", FORMS)
def test_what_the_page_promises_is_read(form: str) -> None:
    """Every example of the table."""
    period_of(form, NOW)


@pytest.mark.parametrize("form", quoted(REST))
def test_what_the_page_refuses_is_refused(form: str) -> None:
    """With a reason."""
    with pytest.raises(BadRequest):
        period_of(form, NOW)


NOT_DATES = (
    "IMG 2019", "room 2019", "$2019", "2000 meters", "last day of school", "May", "from May",
    "במאי", "80s party", "summer", "christmas", "Friday", "שבת", "קיץ", "older than 2019",
    "around 2019", ">2019", "the week of 31 May 2019",
)  # fmt: skip
FIRST_ONLY = ("השנה", "השבוע", "החודש", "היום")
OTHERS = (
    "photosd query", "in", "the", "since", "after", "until", "before", "earlier than", "later than",
    *FIRST_ONLY,
)  # fmt: skip


def test_what_the_page_reads_in_questions() -> None:
    """Every other phrase of the section is a date, up to its end."""
    phrases = quoted(IN_QUESTIONS)
    assert set(NOT_DATES) | set(OTHERS) < set(phrases)
    for phrase in NOT_DATES:
        assert find(phrase, NOW) == [], phrase
    for phrase in set(phrases) - set(NOT_DATES) - set(OTHERS):
        (found,) = find(f"dog {phrase}", NOW)
        assert found.end == len(f"dog {phrase}"), phrase
    for phrase in FIRST_ONLY:
        assert find(f"{phrase} בים", NOW) and not find(f"כלב {phrase}", NOW), phrase
