"""The order of an answer: what evidence means comes first, then places; never scores."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from photosd.search.fusion import Evidence, Weight, fuse


def looks(contents: str, good: str = "", kind: str = "clip") -> list[Evidence]:
    return [Evidence(kind, c, Weight.GOOD if c in good else Weight.WEAK) for c in contents]


def names(**weights: float) -> list[Evidence]:
    """A share of the words, or 1 for all of them, 2 in the own name, 3 for the whole name."""
    found = [
        Evidence("name", c, Weight(int(weight)), min(1.0, weight)) for c, weight in weights.items()
    ]
    return sorted(found, key=lambda one: (one.weight, one.share), reverse=True)


def order(*lists: Sequence[Evidence]) -> str:
    return "".join(one.content for one in fuse(lists))


@given(st.sets(st.sampled_from("abcdefgh")))
def test_looks_alone_keep_their_order(good: set[str]) -> None:
    """Whatever they are worth: the numbers beside them never rise."""
    assert order([], looks("abcdefgh", "".join(good))) == "abcdefgh"


def test_meaning_decides_before_places() -> None:
    """The whole name, its words in the file's own name, then looks; half of a name is last."""
    found = order(names(w=3, v=2, u=0.5), looks("abcuvw", "ab"))
    assert found[:4] == "wvab"
    assert found.index("u") > 3


def test_names_and_looks_take_turns_a_name_first() -> None:
    """Neither hides the other, however many there are."""
    assert order(names(u=1, v=1, w=1), looks("abc", "abc")) == "uavbwc"
    assert order(names(u=1, v=1), looks("abcdv", "abcd"))[0] == "u"


def test_what_has_both_comes_before_what_has_one() -> None:
    assert order(names(u=1, c=1), looks("abc", "abc"))[0] == "c"


def test_a_partial_name_raises_only_photos_with_a_matching_look() -> None:
    """A dog in Eilat comes before other dogs; what else there is of Eilat does not."""
    found = order(names(c=0.5, x=0.5), looks("abcx", "abc"))
    assert found == "cabx"
    assert order(names(u=1, a=0.5), looks("ab", "ab"))[0] == "u"


def test_names_come_before_looks_that_say_nothing() -> None:
    assert order(names(u=1, v=1), looks("abc")) == "uvabc"


def test_what_two_models_have_in_common_comes_first() -> None:
    """Whatever their scores are: only places count."""
    assert order([], looks("abc", "abc"), looks("cxy", "cxy", "gemini"))[0] == "c"


def test_looks_that_tell_nothing_take_no_place_from_those_that_do() -> None:
    """A Hebrew question is noise to one model; the other's first photos come first."""
    found = order([], looks("nopq"), looks("abcn", "abc", "gemini"))
    assert found[:3] == "abc" and set(found) == set("abcnopq")
