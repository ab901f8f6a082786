"""The table of everyday searches: enough queries, each with a right photo in the library."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.everyday import EVERYDAY, acceptable, share_found

FEWEST = 40  # queries, by issue 7


def test_every_query_has_a_right_photo_and_not_too_many(photos: Path) -> None:
    answers = acceptable(photos / "library" / "manifest.csv")
    assert set(answers) == set(EVERYDAY), "a pattern matches no photo"
    assert len(answers) >= FEWEST
    # A query that half of the library answers measures nothing.
    assert max(len(files) for files in answers.values()) <= 20


@pytest.mark.parametrize(("depth", "share", "failed"), [(1, 0.5, ["cat"]), (2, 1.0, [])])
def test_a_query_counts_when_a_right_file_is_near_the_top(
    depth: int, share: float, failed: list[str]
) -> None:
    answers = {"dog": {"d.jpg"}, "cat": {"c.jpg", "k.jpg"}}
    assert share_found(answers, lambda _query: ["d.jpg", "k.jpg"], depth) == (share, failed)
