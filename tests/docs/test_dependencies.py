"""What pyproject.toml asks for."""

from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def test_no_torch_older_than_was_tried() -> None:
    """Everything else was installed once at its lowest bound; torch 2.6 never was."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = {one.name: one.specifier for one in map(Requirement, project["dependencies"])}
    assert not bounds["torch"].contains("2.13.1") and bounds["torch"].contains("2.14.0")
