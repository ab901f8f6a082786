"""`photosd resume`: resume indexing."""

from __future__ import annotations

import click

from photosd.protocol.client import Client
from photosd_cli import console
from photosd_cli.group import json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Resume indexing after a pause."""
    with Client() as client:
        console.answer(client.resume(), as_json, "Indexing resumed.")
