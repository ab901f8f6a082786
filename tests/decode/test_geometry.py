"""The squares a model sees: torchvision's arithmetic, and tiles for wide and tall photos."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photosd.decode.geometry import (
    MAX_SQUEEZE,
    MAX_TILES,
    TILED_FROM,
    plan,
    stored_box,
    stored_size,
)
from photosd.decode.messages import Shape

SIDES = st.integers(1, 9000)


@settings(max_examples=300, deadline=None)
@given(width=SIDES, height=SIDES, side=st.sampled_from([224, 256, 384]))
def test_sizes_and_corners_are_torchvisions(width: int, height: int, side: int) -> None:
    """Resize cuts its sizes off, CenterCrop rounds its corner half to even; so do we."""
    if max(width, height) / min(width, height) > TILED_FROM:
        return
    ours = plan(width, height, Shape(side))
    long = int(side * max(width, height) / min(width, height))
    assert (ours.width, ours.height) == ((side, long) if width <= height else (long, side))
    assert ours.corners == ((round((ours.width - side) / 2.0), round((ours.height - side) / 2.0)),)


@settings(max_examples=300, deadline=None)
@given(width=SIDES, height=SIDES, mode=st.sampled_from(["shortest", "squash"]))
def test_tiles_are_few_distinct_and_inside(width: int, height: int, mode: str) -> None:
    """One square up to 1.6:1, two up to 2:1, three beyond; none reaches over the edge."""
    shape = Shape(224, resize_mode=mode)  # type: ignore[arg-type]
    ours = plan(width, height, shape)
    aspect = max(width, height) / min(width, height)
    assert len(ours.corners) == (1 if aspect <= 1.6 else 2 if aspect <= 2 else 3)
    assert len(set(ours.corners)) == len(ours.corners)
    for left, top in ours.corners:
        assert 0 <= left <= ours.width - 224 and 0 <= top <= ours.height - 224


@settings(max_examples=200, deadline=None)
@given(width=st.integers(100, 9000), height=st.integers(100, 9000))
def test_tiles_show_all_of_a_panorama_up_to_4_8(width: int, height: int) -> None:
    """Neighbouring squares touch or overlap, and the first and last reach the ends."""
    if not TILED_FROM < width / height <= MAX_TILES * MAX_SQUEEZE:
        return
    ours = plan(width, height, Shape(224))
    lefts = [left for left, _ in ours.corners]
    assert lefts[0] == 0 and lefts[-1] == ours.width - 224
    assert all(second - first <= 224 for first, second in itertools.pairwise(lefts))


def test_an_absurdly_long_picture_still_gives_three_squares() -> None:
    """40:1 and even 65535:1."""
    assert len(plan(4000, 100, Shape(224)).corners) == 3
    assert len(plan(1, 65535, Shape(224)).corners) == 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_stay_inside_the_stored_picture(orientation: int) -> None:
    """At every orientation the box of each square is inside the stored pixels."""
    for upright in ((3000, 4001), (4001, 3000), (997, 4999)):
        exact = plan(*upright, Shape(224))
        width, height = stored_size(upright, orientation)
        for corner in exact.corners:
            left, top, right, bottom = stored_box(
                corner, 224, exact, orientation, (0, 0, width, height)
            )
            assert 0 <= left < right <= width and 0 <= top < bottom <= height
