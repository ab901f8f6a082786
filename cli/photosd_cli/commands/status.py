"""`photosd status`: the state of the daemon."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

import click

from photosd.core.errors import PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, failure, text
from photosd_cli.group import json_option
from photosd_cli.report import EXIT_CODE_OF, LABEL, status_lines, version_skew
from photosd_cli.wrapping import fit

if TYPE_CHECKING:
    from photosd.protocol.replies import StatusResult

WATCH_SECONDS = 1.0
STATUS_SECONDS = 10.0
# The alternate screen, as less and top use it: the previous content comes back afterwards.
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


@click.command()
@click.option("--watch", is_flag=True, help="Refresh every second, until Ctrl-C.")
@json_option
def command(watch: bool, as_json: bool) -> int:
    """Show the daemon's state: model, index, queue, folders.

    Exit codes: 0 ready, 3 not running, 4 warming up, 5 degraded. `--watch --json` writes one object
    per line.
    """
    if watch:
        return _watch(as_json)
    with Client(timeout=STATUS_SECONDS) as client:
        status = client.status()
    if as_json:
        console.out_json(status)
    else:
        for line in status_lines(status):
            console.tell(line, hang=LABEL)
        console.flush()
        _warn(_untold(status), status["daemon_version"])
    return EXIT_CODE_OF.get(status["state"], 5)


def _watch(as_json: bool) -> int:
    """Refresh until interrupted, across restarts of the daemon.

    On a terminal each page replaces the one before, and the last one stays; elsewhere pages are
    separated by an empty line.
    """
    redraws = console.is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb" and not as_json
    page = ""
    try:
        if redraws:
            console.out(ENTER, end="")
        while True:
            try:
                page = _page(as_json)
            except PhotosdError as error:
                page = failure.words(error)
                if not redraws:
                    failure.report(error, as_json)
                    page = ""
            if redraws:
                console.out(_drawn(page))
            elif page:
                console.out(page if as_json else f"{page}\n")
            console.flush()
            time.sleep(WATCH_SECONDS)
    finally:
        if redraws:
            console.out(f"{LEAVE}{page}")


def _page(as_json: bool) -> str:
    """The current status, one JSON object or lines for people; raises PhotosdError."""
    with Client(timeout=STATUS_SECONDS) as client:
        status = client.status()
    if as_json:
        return console.as_json(status)
    warnings = [f"! {text.inert(warning)}" for warning in _untold(status)]
    lines = [fit(line, sys.stdout, hang=LABEL) for line in status_lines(status)]
    return "\n".join([*lines, *(fit(warning, sys.stdout, hang=2) for warning in warnings)])


def _untold(status: StatusResult) -> list[str]:
    """Warnings that are not shown below their folder."""
    told = {f"{folder['path']}: {folder['reason']}" for folder in status["folders"]}
    return [warning for warning in status["warnings"] if warning not in told]


def _drawn(page: str) -> str:
    """The page drawn over the previous one, cut to the height of the screen."""
    lines = page.splitlines()[: max(1, shutil.get_terminal_size().lines - 1)]
    return HOME + "\n".join(line + CLEAR_LINE for line in lines) + CLEAR_BELOW


def _warn(warnings: list[str], daemon_version: str) -> None:
    for warning in warnings:
        console.warn(text.inert(warning))
    if skew := version_skew(daemon_version):
        console.warn(skew)
