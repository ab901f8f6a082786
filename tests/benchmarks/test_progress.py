"""An interrupted benchmark resumes at the next step and never mixes figures of two commits."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import progress
from benchmarks.progress import Progress


def cut() -> float:
    raise KeyboardInterrupt


def test_an_interrupted_run_continues(tmp_path: Path) -> None:
    """Finished steps are not measured again; after a complete run the next starts from scratch."""
    file = tmp_path / "runs" / "full.partial"
    first = Progress(file, {"photos": 3})
    assert first.part("a", lambda: {"ms": 1.5}) == {"ms": 1.5}
    with pytest.raises(KeyboardInterrupt):
        first.part("b", cut)
    again = Progress(file, {"photos": 3})
    assert again.part("a", cut) == {"ms": 1.5}
    assert again.part("b", lambda: 2) == 2
    assert list(again.machine()["seconds"]) == ["a", "b"]
    again.over()
    assert Progress(file, {"photos": 3}).part("a", lambda: 3) == 3


def test_figures_of_other_code_or_settings_are_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table is of one code and one size."""
    file = tmp_path / "full.partial"
    Progress(file, {"photos": 3}).part("a", lambda: 1)
    assert Progress(file, {"photos": 4}).part("a", lambda: 2) == 2
    monkeypatch.setattr(progress, "code_version", lambda: "other")
    assert Progress(file, {"photos": 4}).part("a", lambda: 3) == 3
