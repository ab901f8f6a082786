"""Hints: one change is told once, and a wider hint stands for those it covers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from photosd.watch.hints import Hint, HintBatch

PATHS = st.lists(st.sampled_from([b"a", b"b", b"a-b", b"a.b"]), min_size=1, max_size=4).map(
    lambda names: b"/r/" + b"/".join(names)
)


def covers(hint: Hint, path: bytes) -> bool:
    """Whether following this hint looks at the path."""
    if hint.kind == "path":
        return hint.path == path
    return hint.path == b"" or (path + b"/").startswith(hint.path + b"/")


@settings(max_examples=300, deadline=None)
@given(st.lists(PATHS), st.lists(PATHS), st.lists(PATHS, max_size=1))
def test_all_is_covered_and_nothing_twice(
    paths: list[bytes], trees: list[bytes], roots: list[bytes]
) -> None:
    """Some hint covers every path that was put in, and no scan or look is inside another."""
    batch = HintBatch()
    for path in paths:
        batch.path(path)
    for tree in trees:
        batch.subtree(tree)
    for root in roots:
        batch.overflow(root)
    hints = batch.take()
    for path in [*paths, *trees, *roots]:
        assert any(covers(hint, path) for hint in hints)
    for tree in [*trees, *roots]:
        below = tree + b"/below"
        assert any(covers(hint, below) for hint in hints if hint.kind != "path")
    for hint in hints:
        if hint.kind == "overflow":
            continue  # says more than a scan: the root itself is to be looked at
        others = [other for other in hints if other is not hint and other.kind != "path"]
        strictly = [o for o in others if covers(o, hint.path) and o.path != hint.path]
        assert not strictly, (hint, strictly)


def test_taking_empties_the_batch() -> None:
    """What was taken is not told again."""
    batch = HintBatch()
    batch.path(b"/r/1.jpg")
    assert batch
    assert len(batch) == 1
    assert batch.take() == [Hint("path", b"/r/1.jpg")]
    assert not batch
    assert batch.take() == []


def test_a_hint_about_all_roots_covers_all_others() -> None:
    """Only the hint about all roots is left."""
    batch = HintBatch()
    batch.path(b"/r/1.jpg")
    batch.subtree(b"/q/a")
    batch.overflow(b"/r")
    batch.overflow(b"")
    assert batch.take() == [Hint("overflow", b"")]


def test_the_file_that_replaced_a_directory_keeps_its_own_hint() -> None:
    """A scan of ``x.jpg/`` does not stand for a look at the file ``x.jpg``."""
    batch = HintBatch()
    batch.subtree(b"/r/x.jpg")
    batch.path(b"/r/x.jpg")
    assert set(batch.take()) == {Hint("subtree", b"/r/x.jpg"), Hint("path", b"/r/x.jpg")}
