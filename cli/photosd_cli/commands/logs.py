"""`photosd logs`: what the daemon has written down."""

from __future__ import annotations

import json

import click

from photosd.core.errors import NotFound
from photosd.core.paths import Home
from photosd_cli import console, logfile


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with every new line, until Ctrl-C.")
@click.option(
    "-n", "lines", type=click.IntRange(0), default=50, show_default=True, help="Last lines."
)
@click.option("--json", "as_json", is_flag=True, help="One object; with -f, one a line.")
def command(follow: bool, lines: int, as_json: bool) -> int:
    """The daemon's log, made readable. It is there when the daemon is not."""
    file = Home.from_environment().log
    if not file.exists() and not follow:
        raise NotFound(f"there is no log at {file}; it never ran here", remedy="photosd start")
    last = logfile.tail(file, lines)
    if as_json and not follow:
        console.out_json({"log": str(file), "lines": [_event(line) for line in last]})
        return 0
    for line in last:
        console.out(line if as_json else logfile.readable(line))
    if follow:
        console.flush()
        for line in logfile.follow(file):
            console.out(line if as_json else logfile.readable(line))
            console.flush()
    return 0


def _event(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return {"event": line}
