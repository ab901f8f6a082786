"""Questions that say who, where, when, what and how it is tagged find the photo."""

from __future__ import annotations

from pathlib import Path

import pytest

from photosd.places.building import build
from tests.household.described import VALIDATION, DescribedHousehold, photos_of
from tests.household.questions import is_answered, questions

FILES, QUESTIONS, SEED = 4000, 80, 11
LEAST = 0.95


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_right_photos_come_first(tmp_path: Path) -> None:
    """In English and Hebrew, with names that were not used to tune search; the measure on a large
    household is benchmarks/questions.py.
    """
    photos = photos_of(tmp_path / "photos", FILES, SEED, VALIDATION)
    build(tmp_path / "places.sqlite3")
    household = DescribedHousehold(tmp_path / "home", photos, tmp_path / "places.sqlite3", SEED)
    try:
        every = list(questions(photos, VALIDATION, QUESTIONS, SEED))
        missed = [one.text for one in every if not is_answered(household, one)]
    finally:
        household.close()
    assert len(missed) <= (1 - LEAST) * len(every), missed
