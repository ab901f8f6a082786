"""Errors on the command line: title, cause, remedy, exit code."""

from __future__ import annotations

from collections.abc import Mapping

from photosd.core.errors import PhotosdError
from photosd_cli import console, text


def report(error: PhotosdError, as_json: bool) -> int:
    """Show an error, as one object on stdout or as text on stderr; returns its exit code."""
    if as_json:
        console.out(console.as_json({"error": error.as_dict()}))
        return error.exit_code
    first, *more = _lines(error)
    console.note(first, "red")
    for line in more:
        console.note(line, "", hang=2)
    return error.exit_code


def report_after(error: PhotosdError, done: Mapping[str, object], as_json: bool) -> int:
    """The same for an error after several steps; ``done`` is the answer so far."""
    if not (as_json and any(done.values())):
        return report(error, as_json)
    console.out_json({**done, "error": error.as_dict()})
    return error.exit_code


def words(error: PhotosdError) -> str:
    """The error as text."""
    return "\n".join(_lines(error))


def _lines(error: PhotosdError) -> list[str]:
    shown = error.as_dict()  # without secrets
    lines = f"{error.title}: {shown['message']}".removesuffix(": ").splitlines()
    lines += [f"  {line}" for line in shown["remedy"].splitlines()]
    if error.retry_after_ms and "again in" not in error.remedy:
        lines.append(f"  try again in {text.span(max(1, error.retry_after_ms / 1000))}")
    return [text.inert(line) for line in lines]
