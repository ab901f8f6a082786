"""An error as the command line shows it: title, cause, remedy, and the exit code."""

from __future__ import annotations

import json

from photosd.core.errors import PhotosdError
from photosd_cli import console, text


def report(error: PhotosdError, as_json: bool) -> int:
    """Show an error, as one object on stdout or in words on stderr; its exit code."""
    if as_json:
        console.out(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
        return error.exit_code
    shown = error.as_dict()  # without secrets
    first, *more = f"{error.title}: {shown['message']}".removesuffix(": ").splitlines()
    console.note(text.inert(first), "red")
    for line in more:
        console.note(text.inert(line), "")
    for line in shown["remedy"].splitlines():
        console.note(f"  {text.inert(line)}", "")
    if error.retry_after_ms and "again in" not in error.remedy:
        console.note(f"  try again in {text.span(max(1, error.retry_after_ms / 1000))}", "")
    return error.exit_code
