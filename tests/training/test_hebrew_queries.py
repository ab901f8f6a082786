"""The Hebrew queries of training.hebrew: enough, each with a rule; things have Hebrew names."""

from __future__ import annotations

from photosd.encoder.hebrew import is_hebrew
from training.asking import hebrew_names, read_things
from training.data import Row
from training.hebrew import AGREED, read_questions

FEWEST, FEWEST_THINGS = 90, 240


def test_every_question_has_a_rule() -> None:
    questions = read_questions()
    assert len({one.hebrew for one in questions}) == len(questions) >= FEWEST
    assert all(is_hebrew(one.hebrew) and one.patterns for one in questions)
    assert all(one.english.isascii() for one in questions)


def test_enough_descriptions_have_to_match() -> None:
    (one,) = [one for one in read_questions() if one.english == "a dog running on the beach"]
    told = "A dog races along the shore ."
    other = "An animal ."
    assert one.is_answered_by(Row(b"", (told,) * AGREED + (other,), "flickr8k/x"))
    assert not one.is_answered_by(Row(b"", (told,) * (AGREED - 1) + (other,), "flickr8k/x"))


def test_things_have_hebrew_names() -> None:
    names = hebrew_names()
    assert set(names) <= {thing.name for thing in read_things()}
    assert len(names) >= FEWEST_THINGS
    assert all(map(is_hebrew, names.values()))
