"""Sockets of macOS: a full backlog refuses, and a client that has left has no user."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.protocol import server
from photosd.protocol.endpoint import open_endpoint
from photosd.protocol.server import Server

FULL = """
import contextlib, socket, sys, time, types
from photosd.core.errors import NotRunning
from photosd.protocol import connection
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(0)
waiting = []
with contextlib.suppress(ConnectionRefusedError):
    while True:
        waiting.append(socket.socket(socket.AF_UNIX))
        waiting[-1].setblocking(False)
        waiting[-1].connect(sys.argv[1])
assert 0 < connection.REFUSED_SECONDS < 1
connection.REFUSED_SECONDS *= float(sys.argv[2])
accept = lambda _: [listener.accept() for _ in waiting[1:]]
connection.time = types.SimpleNamespace(monotonic=time.monotonic, sleep=accept)
try:
    connection.Connection(sys.argv[1], time.monotonic() + 60)
    print("connected")
except NotRunning:
    print("not running")
"""


@pytest.mark.parametrize(("patience", "says"), [("100", "connected"), ("0", "not running")])
def test_a_full_backlog_is_tried_again(
    python: Callable[..., str], home: Home, patience: str, says: str
) -> None:
    """For a moment: macOS says the same of a socket where no process listens."""
    assert python(FULL, str(home.state.parent / "s"), patience) == says


def test_a_client_that_has_left_is_no_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS may know no user of it any more: its connection is closed, and nothing is reported."""

    def unknown(_connection: socket.socket) -> int:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(server, "peer_uid", unknown)
    troubles: list[object] = []

    async def one_client(path: Path) -> bytes:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: troubles.append(context))
        serving = Server(open_endpoint(home), {})
        await serving.start()
        reader, writer = await asyncio.open_unix_connection(path)
        said = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        await serving.stop()
        return said

    assert asyncio.run(one_client(home.socket)) == b""
    assert not troubles
