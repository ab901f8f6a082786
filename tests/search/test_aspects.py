"""Several ways to put a question become one ranking, by place and never by score."""

from __future__ import annotations

from photosd.search.aspects import Sources, View, fused
from photosd.search.names import Named


def order(*views: View) -> list[str]:
    return [one.content for one in fused(views)]


def test_one_view_keeps_its_order() -> None:
    """Those that tell something first, the rest by their looks."""
    assert order(View("clip", "abcd", "ab")) == list("abcd")
    assert order(View("clip", "abcd")) == list("abcd")


def test_what_two_models_have_in_common_comes_first() -> None:
    """Whatever their scores are: only places count."""
    assert order(View("clip", "abc", "abc"), View("gemini", "cxy", "cxy"))[0] == "c"


def test_looks_that_tell_nothing_take_no_rank_from_those_that_do() -> None:
    """A Hebrew question is noise to one model; the other's first photos come first."""
    ranked = order(View("clip", "nopq"), View("gemini", "abcn", "abc"))
    assert ranked[:3] == list("abc") and set(ranked) == set("abcnopq")


def test_names_count_though_the_words_mean_nothing() -> None:
    named = View("clip", names=[Named("x", 1.0)])
    assert "x" in order(named, View("gemini", "abc", "abc"))[:2]
    half = View("clip", names=[Named("x", 0.5)])
    assert order(half, View("gemini", "abc", "abc"))[-1] == "x"


def test_sources_are_the_lists_in_which_a_photo_is_near_the_top() -> None:
    views = [View("clip", "abc", "abc", [Named("z", 1.0)]), View("gemini", "cab", "c")]
    sources = Sources(views, 2)
    found = {one.content: sources.of(one) for one in fused(views)}
    assert found == {"a": ["clip", "gemini"], "b": ["clip"], "c": ["gemini"], "z": ["name"]}
