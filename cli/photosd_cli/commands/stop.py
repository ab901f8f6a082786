"""`photosd stop`: stop the daemon."""

from __future__ import annotations

import click

from photosd_cli import console, lifecycle
from photosd_cli.group import json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Stop the daemon and wait until it has ended. One that does not respond is killed."""
    how = lifecycle.stop()
    console.answer({"stopped": how}, as_json, lifecycle.STOPPED_IN_WORDS[how])
