"""Ignore patterns mean what they mean to pathspec, and none can be made to take long."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from photosd.core.errors import BadRequest
from photosd.watch.ignore import IgnoreRules, Pattern

# pathspec warns of sets that Python may read otherwise one day.
pytestmark = pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")

WORDS = st.text("ab*?/![]-\\.", min_size=1, max_size=9)
PATHS = st.text("ab/!-].", min_size=1, max_size=9)


def understood(line: str, kind: Callable[[str], GitIgnoreSpecPattern]) -> GitIgnoreSpec | None:
    try:
        pattern = kind(line)
    except (ValueError, re.error):
        return None
    return GitIgnoreSpec([pattern]) if pattern.include is not None else None


@settings(max_examples=600, deadline=None)
@given(WORDS, st.lists(PATHS, min_size=1, max_size=12))
def test_what_they_match_is_unchanged(line: str, paths: list[str]) -> None:
    ours, theirs = understood(line, Pattern), understood(line, GitIgnoreSpecPattern)
    if ours is None or theirs is None:
        assert theirs is None or line.count("**") > 2
        return
    for path in paths:
        assert ours.check_file(path).include == theirs.check_file(path).include, path


HARD = [
    ("*a" * 12 + "c", "a" * 254),
    ("x" + "*a?" * 9 + "c", "x" + "a" * 253),
    ("*a*b/**/c*d*e", "a" * 120 + "b/" + "c" * 255),
    ("a/**/b/**/c", "a/b/" * 500),
    ("**/a/**/b", "a/" * 1000),
    ("*[ab]*[ab]*[ab]*[ab]*[ab]*c", "ab" * 127),
]


@pytest.mark.parametrize(("line", "name"), HARD)
def test_no_name_keeps_them_busy(line: str, name: str) -> None:
    """Each takes less than 0.1 s; in pathspec's own form some take minutes or do not end."""
    spec = understood(line, Pattern)
    assert spec is not None
    before = time.process_time()
    spec.check_file(name)
    assert time.process_time() - before < 0.5


def test_too_many_depths_are_refused_in_words() -> None:
    with pytest.raises(BadRequest, match="invalid pattern"):
        IgnoreRules(os.fsencode("/p"), ["a/**/b/**/c/**/d"])
