"""Following a standing query: each match printed once, whatever becomes of the daemon."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from photosd.core.errors import (
    Busy,
    DeadlineExceeded,
    NotRunning,
    PhotosdError,
    Unreachable,
    Warming,
)
from photosd.ipc.client import Client
from photosd_cli import console, paths

if TYPE_CHECKING:
    from photosd.ipc import replies

AWAY = (NotRunning, Unreachable, DeadlineExceeded, Busy, Warming)
RETRY_SECONDS = 0.5
SILENCE_SECONDS = 20.0  # a daemon that is there says something every five


def follow(client: Client, number: int, *, as_json: bool, wait: bool) -> int:
    """Print matches of that query; with ``wait`` until Ctrl-C, also across restarts.

    A match is acknowledged once it is printed, so that the next reader begins after it. Raises
    NotFound when the query is removed meanwhile.
    """
    # What subscribes cannot be asked anything else.
    reader = Client(client.socket_path, timeout=SILENCE_SECONDS)
    cursor, told = None, False
    while True:
        try:
            for match in reader.subscribe(number, cursor, wait):
                _show(match, as_json)
                cursor, told = match["cursor"], False
                _acknowledge(client, number, cursor)
        except AWAY:
            if not wait:
                raise
            if not told:
                console.note("the daemon has gone; waiting for it to return")
            told = True
        if not wait:
            return 0
        reader.close()
        time.sleep(RETRY_SECONDS)


def _show(match: replies.StandingMatch, as_json: bool) -> None:
    if as_json:
        console.out(console.as_json(match))
    else:
        paths.write(match)
    console.flush()


def _acknowledge(client: Client, number: int, cursor: int) -> None:
    """Not worth an error: the next one acknowledges this, too."""
    with contextlib.suppress(PhotosdError):
        client.acknowledge(number, cursor)
