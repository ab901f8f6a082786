"""The kernel's limits: what is left for others, and the line that raises them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from photosd.watch import watch_limits


@pytest.mark.parametrize(
    ("limit", "budget"), [(100, 50), (1_000, 500), (8_192, 7_373), (524_288, 471_860)]
)
def test_some_watches_are_left_to_others(
    monkeypatch: pytest.MonkeyPatch, limit: int, budget: int
) -> None:
    """500 or a tenth, whichever is more; half of a limit that is tiny."""
    monkeypatch.setattr(watch_limits, "watch_limit", lambda: limit)
    assert watch_limits.watch_budget() == budget


def test_the_smaller_of_two_limits_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system's and the user namespace's; without either there is no limit."""
    monkeypatch.setattr(watch_limits, "_SYSTEM", tmp_path / "system")
    monkeypatch.setattr(watch_limits, "_USER", tmp_path / "user")
    assert watch_limits.watch_limit() == sys.maxsize
    for place, name, value in [("system", "max_user_watches", "9000\n"),
                               ("user", "max_inotify_watches", "700\n")]:  # fmt: skip
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_text(value)
    assert watch_limits.watch_limit() == 700


def test_the_remedy_asks_for_more_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has the recommended number already gets a larger one."""
    for limit, wanted in [(8_192, 524_288), (1_000_000, 2_000_000), (sys.maxsize, 524_288)]:
        monkeypatch.setattr(watch_limits, "watch_limit", lambda limit=limit: limit)
        assert f"fs.inotify.max_user_watches={wanted} " in watch_limits.watches_remedy()
