"""Names of months and weekdays are those of the installed Babel, if it wrote the table."""

from __future__ import annotations

import babel
import pytest

from photosd.core.calendar_names import TABLE, calendar_names
from release.calendar_names import table


def test_the_table_is_that_of_babel() -> None:
    """After an update of Babel: python -m release.calendar_names."""
    written = TABLE.read_text("utf-8")
    if written.partition("\n")[0].rpartition(" ")[2] != babel.__version__:
        pytest.skip("another version of Babel wrote the table")
    assert written == table()


def test_every_month_and_weekday_has_a_name_in_each_language() -> None:
    """Months from 1, weekdays from Monday, 0."""
    names = calendar_names()
    for language in {name.language for name in names}:
        for kind, numbers in (("M", range(1, 13)), ("W", range(7))):
            found = {one.number for one in names if (one.language, one.kind) == (language, kind)}
            assert found == set(numbers), (language, kind)
