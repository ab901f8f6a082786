"""Follows an alert: prints each match once, across restarts of the daemon."""

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
from photosd.protocol.client import Client
from photosd_cli import console, paths

if TYPE_CHECKING:
    from photosd.protocol import replies

AWAY = (NotRunning, Unreachable, DeadlineExceeded, Busy, Warming)
RETRY_SECONDS = 0.5
SILENCE_SECONDS = 20.0  # the daemon sends something every five seconds


def follow(client: Client, number: int, *, as_json: bool, wait: bool) -> int:
    """Print matches of this alert; with ``wait`` until Ctrl-C, also across restarts.

    A match is acknowledged after it is printed, so the next reader starts after it. Raises NotFound
    if the alert is removed.
    """
    # A connection that subscribes cannot send other requests.
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
                console.note("the daemon stopped; waiting for it to restart")
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
    """Acknowledge; errors are ignored, as the next acknowledgement includes this one."""
    with contextlib.suppress(PhotosdError):
        client.acknowledge(number, cursor)
