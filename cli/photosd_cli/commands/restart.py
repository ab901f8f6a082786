"""`photosd restart`: stop the daemon and start it again."""

from __future__ import annotations

import click

from photosd_cli import console, lifecycle, text
from photosd_cli.group import json_option


@click.command()
@click.option("--wait/--no-wait", help="Also wait until the model is warm.  [default: no-wait]")
@json_option
def command(wait: bool, as_json: bool) -> None:
    """Stop the daemon, if it runs, and start it."""
    how = lifecycle.stop()
    lifecycle.start()
    status = lifecycle.status(wait=wait)
    console.answer(
        {"stopped": how, "pid": status["pid"], "state": status["state"]},
        as_json,
        f"photosd is running again (pid {status['pid']}): {text.encoder(status['encoder'])}",
    )
