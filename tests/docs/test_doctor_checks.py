"""Every check of the doctor is in docs/troubleshooting.md, with the commands of its remedies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from photosd.doctor.checks import CHECKS
from photosd_cli.command_names import SECTIONS
from tests.conftest import ROOT

DOCTOR = ROOT / "daemon/photosd/doctor"
PAGE = ROOT / "docs/troubleshooting.md"
# How a finding is made, and at which place among its arguments the remedy stands.
REMEDY_AT = {"ok": None, "unknown": None, "failed": None, "warning": 2, "fault": 2, "Finding": 3}
COMMAND = re.compile(
    rf"photosd (?:{'|'.join(name for names in SECTIONS.values() for name in names)})\b"
)


def findings(file: Path) -> Iterator[tuple[str, set[str]]]:
    """Each finding a module can make: its check, and the commands that its remedy names."""
    module = ast.parse(file.read_text())
    shared = _texts(module.body)
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef):
            known = shared | _texts(ast.walk(function))
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                    yield from _finding(call, call.func.id, known)


def _texts(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """What names stand for, where that is text in the source."""
    return {
        target.id: _text(node.value, {})
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _text(node: ast.AST, known: dict[str, str]) -> str:
    """All text in an expression; names are replaced by what they stand for."""
    parts = [
        known.get(part.id, "") if isinstance(part, ast.Name) else part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Name)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str))
    ]
    return "\n".join(str(part) for part in parts)


def _finding(call: ast.Call, made_by: str, known: dict[str, str]) -> Iterator[tuple[str, set[str]]]:
    if made_by not in REMEDY_AT or not call.args or not isinstance(call.args[0], ast.Constant):
        return
    at = REMEDY_AT[made_by]
    remedy = _text(call.args[at], known) if at is not None and len(call.args) > at else ""
    yield str(call.args[0].value), set(COMMAND.findall(remedy))


def rows() -> dict[str, str]:
    """The table: what is said of each check."""
    found = re.findall(r"^\| `([a-z_ ]+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    return dict(found)


def test_every_check_is_explained_with_its_remedies_and_no_other() -> None:
    made = [finding for file in sorted(DOCTOR.glob("*.py")) for finding in findings(file)]
    table = rows()
    assert len(made) > 50
    assert sorted({check for check, _ in made}) == sorted(table)
    missing = {
        (check, command)
        for check, commands in made
        for command in commands - {"photosd doctor"}
        if command not in table[check]
    }
    assert not missing


def test_a_check_that_fails_has_a_name_to_look_up() -> None:
    """Its defects are found under it."""
    assert not CHECKS.keys() - rows().keys()


def test_what_is_shown_is_what_is_explained() -> None:
    """The sources are read rightly: findings with remedies of every kind are among them."""
    made = [finding for file in sorted(DOCTOR.glob("*.py")) for finding in findings(file)]
    assert ("agreement", {"photosd restart"}) in made  # written in the call
    assert ("index", {"photosd purge"}) in made  # in a variable
    assert ("service", {"photosd service"}) in made  # in a constant of the module
