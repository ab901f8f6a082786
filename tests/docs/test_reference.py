"""The reference pages say what the code does: they are written by it."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from photosd.core import config
from release.reference import PAGES
from tests.cli.test_help import every_command
from tests.conftest import ROOT

DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_that_of_this_code(name: str) -> None:
    """`make docs` generates it."""
    assert (DOCS / name).read_text() == PAGES[name](), "run: make docs"


def test_every_command_and_setting_is_there() -> None:
    """Also in the manual page."""
    commands = (DOCS / "reference/commands.md").read_text()
    manual = (DOCS / "man/photosd.1").read_text()
    for name, _command in every_command():
        assert f"\n### {name}\n" in commands
        assert f"\\fBphotosd {name}\\fR" in manual
    settings = (DOCS / "reference/settings.md").read_text()
    for setting in config.describe(config.Settings()):
        assert f"`{setting.name}`" in settings
        assert setting.description, setting.name


def test_every_error_is_there() -> None:
    """This holds also for errors of modules that are not imported yet."""
    page = (DOCS / "reference/exit-codes.md").read_text()
    sources = [*(ROOT / "daemon").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]
    codes = {
        code
        for source in sources
        for body in re.findall(r"^class \w+\(\w+\):\n((?: .*\n|\n)+)", source.read_text(), re.M)
        for code in re.findall(r'^    code(?:, \w+)* = "(\w+)"', body, re.M)
    }
    assert len(codes) > 10
    assert [code for code in sorted(codes) if f"`{code}`" not in page] == []


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs mandoc")
def test_the_manual_page_is_sound() -> None:
    """By mandoc's errors; its advice on style is ignored."""
    page = DOCS / "man/photosd.1"
    found = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, timeout=30
    )
    complaints = [line for line in found.stdout.splitlines() if "missing date" not in line]
    assert not complaints, complaints
