"""Finds every limit of a count in the code, so that none goes untested."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = ("index", "search", "watch", "alerts", "protocol", "decode")
SOURCE = ROOT / "daemon" / "photosd"


def limits() -> dict[str, int]:
    """Every whole number that a module of those packages names in capitals: ``place:NAME``.

    Seconds and shares are fractions and not among them, except where they are written as whole
    numbers.
    """
    found = {}
    for package in PACKAGES:
        for file in sorted((SOURCE / package).rglob("*.py")):
            for name, value in _numbers(file):
                found[f"{file.relative_to(SOURCE).as_posix()}:{name}"] = value
    return found


def _numbers(file: Path) -> Iterator[tuple[str, int]]:
    for statement in ast.parse(file.read_text()).body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                yield from _named(targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from _named([target], value)


def _named(targets: list[ast.expr], value: ast.expr) -> Iterator[tuple[str, int]]:
    for target in targets:
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=True))
        for one, given in pairs:
            number = _number(given)
            if isinstance(one, ast.Name) and one.id.isupper() and number is not None:
                yield one.id, number


def _number(value: ast.expr) -> int | None:
    """A whole number, or what is calculated of some: ``64 << 10``, ``30 * 86_400``."""
    match value:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp() | ast.BinOp():
            if all(_plain(node) for node in ast.walk(value)):
                number = eval(compile(ast.Expression(value), "", "eval"), {})
                return number if isinstance(number, int) else None
    return None


def _plain(node: ast.AST) -> bool:
    arithmetic = ast.BinOp | ast.UnaryOp | ast.operator | ast.unaryop
    return isinstance(node, arithmetic) or (
        isinstance(node, ast.Constant) and isinstance(node.value, int)
    )
