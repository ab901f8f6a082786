"""`photosd start`: start the daemon."""

from __future__ import annotations

import click

from photosd_cli import console, lifecycle, text
from photosd_cli.commands.status import encoder_summary
from photosd_cli.group import json_option


@click.command()
@click.option("--wait/--no-wait", help="Also wait until the model is warm.  [default: no-wait]")
@json_option
def command(wait: bool, as_json: bool) -> int:
    """Start the daemon in the background, unless it runs already.

    Returns once the daemon answers; the model warms up in the background.
    """
    started = lifecycle.start()
    status = lifecycle.wait_until_warm() if wait else lifecycle.current_status()
    if as_json:
        console.out_json(
            {"already_running": not started, "pid": status["pid"], "state": status["state"]}
        )
    else:
        verb = "is running" if started else "is running already"
        summary = encoder_summary(status["encoder"])
        console.out(f"photosd {verb} (pid {status['pid']}): {summary}")
        if skew := text.version_skew(status["daemon_version"]):
            console.warn(skew)
    return 5 if status["state"] == "degraded" and wait else 0
