"""`photosd reindex`: read photos again."""

from __future__ import annotations

import click

from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import json_option


@click.command()
@click.argument("path", required=False, type=click.Path(readable=False))
@json_option
def command(path: str | None, as_json: bool) -> int:
    """Read the photo or folder PATH again, or everything, even if unchanged."""
    with Client() as client:
        result = client.reindex(None if path is None else paths.absolute(path))
    if as_json:
        console.out_json(result)
    else:
        console.out(f"{text.count(result['marked'], 'photo')} will be read again")
    return 0
