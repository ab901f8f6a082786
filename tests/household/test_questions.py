"""Questions that say who, where, when, what and how it is tagged find the photo."""

from __future__ import annotations

from pathlib import Path

import pytest

from photosd.core.formats import is_raw_name
from photosd.core.pair_names import stem_of
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


def test_what_is_true_of_a_picture_is_true_of_its_raw_file(tmp_path: Path) -> None:
    """Answers show the picture, so what is only true of the raw file cannot be asked for."""
    photos = photos_of(tmp_path, 1000, SEED, VALIDATION)
    named = {stem_of(path): one for one in photos for path in one.paths if not is_raw_name(path)}
    pairs = [
        (one, named[stem_of(path)])
        for one in photos
        for path in one.paths
        if is_raw_name(path) and stem_of(path) in named
    ]
    assert pairs and any(raw.people for raw, _ in pairs)
    for raw, picture in pairs:
        assert (raw.picture, raw.facts, raw.day) == (picture.content, picture.facts, picture.day)
        assert (raw.tags, raw.place, raw.looks) == (picture.tags, picture.place, picture.looks)
    for one in questions(photos, VALIDATION, 20, SEED):
        assert not one.right & {raw.content for raw, _ in pairs}, one.text
