"""`photosd show`: details of one photo, and why it is or is not indexed."""

from __future__ import annotations

from typing import Any

import click

from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import PATH, json_option

LABEL = 12


@click.command()
@click.argument("path", type=PATH)
@json_option
def command(path: str, as_json: bool) -> None:
    """Show the photo PATH: its state, the reason, and what to do about it."""
    with Client() as client:
        photo = client.show(paths.absolute(path))
    rows: dict[str, Any] = {
        "path": paths.shown(photo["path"]),
        "state": photo["state"],
        "reason": photo["reason"],
        "remedy": photo["remedy"],
        "attempts": photo["attempts"] or None,
        "folder": photo["folder"] and paths.shown(photo["folder"]),
        "size": photo["size"] and text.size(photo["size"]),
        "modified": text.moment(photo["modified_at"]),
        "content": photo["content_id"],
        **_facts(photo["facts"]),
    }
    lines = (
        f"{name.replace('_', ' '):<{LABEL}}{text.inert(str(value))}"
        for name, value in rows.items()
        if value is not None
    )
    console.answer(photo, as_json, *lines)


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Metadata of the photo; its date is local time at the place where it was taken."""
    if (taken := facts.get("taken")) is not None:
        return {**facts, "taken": str(taken).replace("T", " "), "taken_at": None}
    return {
        name: text.moment(value) if name.endswith("_at") else value for name, value in facts.items()
    }
