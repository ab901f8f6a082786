"""`photosd start`: start the daemon."""

from __future__ import annotations

import click

from photosd_cli import console, lifecycle, text
from photosd_cli.group import json_option


@click.command()
@click.option("--wait/--no-wait", help="Also wait until the model is warm.  [default: no-wait]")
@json_option
def command(wait: bool, as_json: bool) -> int:
    """Start the daemon in the background, unless it runs already.

    Returns once the daemon answers; the model warms up in the background.
    """
    started = lifecycle.start()
    status = lifecycle.status(wait=wait)
    already = "" if started else " already"
    console.answer(
        {"already_running": not started, "pid": status["pid"], "state": status["state"]},
        as_json,
        f"photosd is running{already} (pid {status['pid']}): {text.encoder(status['encoder'])}",
    )
    if not as_json:
        console.warn_of_skew(status["daemon_version"])
    return 5 if status["state"] == "degraded" and wait else 0
