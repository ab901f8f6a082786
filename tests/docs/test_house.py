"""The house rules that a tool can check."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest

from photosd.models.presets import PRESETS
from tests import conftest
from tests.conftest import ROOT

FILES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
]
LONGEST = 500


@pytest.mark.skipif(not FILES, reason="not a git checkout")
def test_modules_are_small_and_say_what_they_own() -> None:
    """At most 500 lines; a sentence on top of each."""
    for file in FILES:
        if not file.exists():
            continue
        text = file.read_text()
        assert len(text.splitlines()) <= LONGEST, file
        if ast.parse(text).body:
            assert ast.get_docstring(ast.parse(text)), file


@pytest.mark.skipif(not FILES, reason="not a git checkout")
def test_commands_in_remedies_quote_paths() -> None:
    """Quotation marks alone do not suffice for a name with an apostrophe (`errors.quoted`)."""
    for file in FILES:
        if file.exists() and file.parts[len(ROOT.parts)] in ("daemon", "cli"):
            assert not re.search(r"\bphotosd [a-z -]+'\{", file.read_text()), file


def test_the_longest_test_files_are_there() -> None:
    """`make test` begins with them."""
    assert [name for name in conftest.LONGEST if not (ROOT / "tests" / name).is_file()] == []


def test_the_map_names_only_what_exists() -> None:
    """Every path in ARCHITECTURE.md is there."""
    import re

    tops = "daemon|cli|training|release|docs|systemd|launchd"
    for path in re.findall(rf"`((?:{tops})/[\w./]*)`", _architecture()):
        assert (ROOT / path).exists(), path
    names = {file.name for file in FILES}
    for name in re.findall(r"`(?:[\w/]*/)?(\w+\.py)`", _architecture()):
        assert name in names, name


def _architecture() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text()


def test_what_defends_and_what_tests_it_exists() -> None:
    """Every module and test that SECURITY.md names is there."""
    import re

    text = (ROOT / "SECURITY.md").read_text()
    tests = re.findall(r"`(tests/[\w./]*)`", text)
    modules = re.findall(r"`((?:decode|protocol|watch|install|gemini|core)/[\w./]*)`", text)
    assert len(tests) > 10 and len(modules) > 10
    for name in tests:
        assert (ROOT / name).exists(), name
    for name in modules:
        assert (ROOT / "daemon/photosd" / name).exists(), name


def test_every_recommended_model_is_explained() -> None:
    """Where people read how to get another one."""
    page = (ROOT / "docs/how-to/use-another-model.md").read_text()
    assert [preset.name for preset in PRESETS if preset.name not in page] == []


def test_tests_patch_no_private_names() -> None:
    """Ruff's SLF001 refuses `object._name` in tests; this refuses the same as a string.

    Faults that are planted inside worker processes (tests/faults) may.
    """
    import re

    private = re.compile(
        r"""setattr\(\s*(?!os,|reading\.reader,)[^,()]+,\s*"_[a-z]"""  # Python's and watchdog's
        r"""|(?:setattr|patch)\(\s*"[^"]*\._[a-z]|\.object\([^,()]+,\s*"_[a-z]"""
        r"""|^ *from photosd\S* import [^;\n]*\b_[a-z]""",
        re.MULTILINE,
    )
    found = [
        f"{file.relative_to(ROOT)}: {match[0].strip()}"
        for file in FILES
        if file.exists() and file.is_relative_to(ROOT / "tests")
        if not file.is_relative_to(ROOT / "tests/faults") and file.name != "test_house.py"
        for match in private.finditer(file.read_text())
    ]
    assert not found, "\n".join(found)


def test_make_gives_each_python_its_own_environment() -> None:
    """`make PYTHON=...` uses `.venv-3.x`, else `.venv`; a Python that does not run is an error."""
    import sys

    def planned(*more: str) -> str:
        done = subprocess.run(
            ["make", "-n", "clean", "setup", *more], cwd=ROOT, capture_output=True, text=True
        )
        return done.stdout

    own = f".venv-{sys.version_info[0]}.{sys.version_info[1]}/bin/python"
    assert f" {own} " in planned(f"PYTHON={sys.executable}", "--always-make")
    assert " .venv/bin/python " in planned("--always-make")
    refused = subprocess.run(
        ["make", "setup", "PYTHON=/no/such/python"], cwd=ROOT, capture_output=True, text=True
    )
    assert refused.returncode != 0 and "/no/such/python does not run" in refused.stderr
