"""`photosd restart`: stop the daemon and start it again."""

from __future__ import annotations

import click

from photosd_cli import console, lifecycle
from photosd_cli.group import json_option
from photosd_cli.report import encoder_summary


@click.command()
@click.option("--wait/--no-wait", help="Also wait until the model is warm.  [default: no-wait]")
@json_option
def command(wait: bool, as_json: bool) -> int:
    """Stop the daemon, if it runs, and start it."""
    how = lifecycle.stop()
    lifecycle.start()
    status = lifecycle.wait_until_warm() if wait else lifecycle.current_status()
    if as_json:
        console.out_json({"stopped": how, "pid": status["pid"], "state": status["state"]})
    else:
        summary = encoder_summary(status["encoder"])
        console.out(f"photosd is running again (pid {status['pid']}): {summary}")
    return 0
