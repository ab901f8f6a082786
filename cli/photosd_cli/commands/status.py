"""`photosd status`: how the daemon is."""

from __future__ import annotations

import json
import sys
import time

import click

from photosd.core.errors import PhotosdError
from photosd.ipc.client import Client
from photosd_cli import console, failure, text
from photosd_cli.group import json_option
from photosd_cli.report import EXIT_CODE_OF, status_lines, version_skew

WATCH_SECONDS = 1.0
STATUS_SECONDS = 10.0
HOME_AND_CLEAR = "\x1b[H\x1b[J"


@click.command()
@click.option("--watch", is_flag=True, help="Show it anew every second, until Ctrl-C.")
@json_option
def command(watch: bool, as_json: bool) -> int:
    """The daemon's state: model, index, queue, folders.

    Exit codes: 0 ready, 3 not running, 4 warming up, 5 degraded. `--watch --json` writes one
    object a line.
    """
    if watch:
        return _watch(as_json)
    with Client(timeout=STATUS_SECONDS) as client:
        status = client.status()
    if as_json:
        console.out_json(status)
    else:
        for line in status_lines(status):
            console.out(line)
        console.flush()
        _warn(status["warnings"], status["daemon_version"])
    return EXIT_CODE_OF.get(status["state"], 5)


def _watch(as_json: bool) -> int:
    """For ever; a daemon that ends or comes back is part of what is watched."""
    while True:
        try:
            with Client(timeout=STATUS_SECONDS) as client:
                status = client.status()
        except PhotosdError as error:
            failure.report(error, as_json)
        else:
            if as_json:
                console.out(json.dumps(status, ensure_ascii=False))
            else:
                clear = HOME_AND_CLEAR if console.is_terminal(sys.stdout) else ""
                console.out(clear + "\n".join(status_lines(status)))
                for warning in status["warnings"]:
                    console.out(f"! {text.inert(warning)}")
        console.flush()
        time.sleep(WATCH_SECONDS)


def _warn(warnings: list[str], daemon_version: str) -> None:
    for warning in warnings:
        console.warn(text.inert(warning))
    if skew := version_skew(daemon_version):
        console.warn(skew)
