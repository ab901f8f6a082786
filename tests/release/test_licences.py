"""Licences of what photosd brings along."""

from __future__ import annotations

import re
import tomllib

import pytest

from release import licences
from tests.conftest import ROOT

PAGE = ROOT / "docs/reference/licences.md"


def test_the_page_has_every_library_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    needed = {re.match(r"[\w.-]+", line)[0] for line in lines}  # type: ignore[index]
    said = set(re.findall(r"^\| ([\w.-]+) \|", PAGE.read_text(), re.MULTILINE)) - {"library"}
    assert said == needed


def test_nothing_installed_for_photosd_has_a_licence_that_forbids_it() -> None:
    found = licences.closure()
    assert {"torch", "lancedb", "filelock"} <= found.keys(), (
        "what they bring along is looked at, too"
    )
    assert licences.doubtful(found) == {}


@pytest.mark.parametrize(
    ("name", "licence"), [("x", ""), ("x", "GPL-3.0-only"), ("x", "AGPL-3.0"), ("x", "Proprietary")]
)
def test_others_are_named(name: str, licence: str) -> None:
    assert licences.doubtful({name: licence}) == {name: licence}
