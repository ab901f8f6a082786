"""Sockets of macOS: a full backlog refuses, and a client that has left has no user."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from photosd.core.child import Death
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudUnavailable
from photosd.core.paths import Home
from photosd.gemini import worker
from photosd.gemini.keys import Key
from photosd.gemini.worker import GeminiWorker
from photosd.protocol import connection, server
from photosd.protocol.connection import Connection, HungUp
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


@pytest.mark.parametrize(("seconds", "says"), [("100", "connected"), ("0", "not running")])
def test_a_full_backlog_is_tried_again(
    python: Callable[..., str], home: Home, seconds: str, says: str
) -> None:
    """For a moment only: macOS reports the same error if no process listens."""
    assert python(FULL, str(home.state.parent / "s"), seconds) == says


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


def test_a_daemon_that_hangs_up_at_once_is_stopping(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`photosd start` waits for its end then, and did not for "Socket is not connected"."""

    def unknown(_connection: socket.socket) -> int:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    monkeypatch.setattr(connection, "peer_uid", unknown)
    endpoint = open_endpoint(home)
    try:
        with pytest.raises(HungUp):
            Connection(str(home.socket), time.monotonic() + 30)
    finally:
        endpoint.close()
        endpoint.release()


def test_a_worker_that_ended_at_once_fails_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS refuses options for a socket whose other side has closed."""

    class Ended:
        def __init__(self, *_given: object) -> None:
            self.sock, theirs = socket.socketpair()
            theirs.close()

        def kill(self, reason: str, *, dump: bool) -> Death:
            self.sock.close()
            return Death(reason, "", 1, True)

    def refused(*_given: object) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(worker, "Child", Ended)
    monkeypatch.setattr(socket.socket, "setsockopt", refused)
    monkeypatch.setattr(worker, "START_SECONDS", 60.0)
    calls = GeminiWorker(Key("key", "a test"), CloudSettings())
    with pytest.raises(CloudUnavailable, match=r"ended|does not listen"):
        calls.write("model", "instruction", "text", {}, 60.0)
    calls.join(30)
    assert not calls.is_alive()
