"""`photosd reindex`: read photos again."""

from __future__ import annotations

import click

from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import PATH, json_option


@click.command()
@click.argument("path", required=False, type=PATH)
@json_option
def command(path: str | None, as_json: bool) -> None:
    """Read the photo or folder PATH again, or everything, even if unchanged."""
    with Client() as client:
        result = client.reindex(None if path is None else paths.absolute(path))
    photos = text.count(result["marked"], "photo")
    console.answer(result, as_json, f"{photos} will be read again")
