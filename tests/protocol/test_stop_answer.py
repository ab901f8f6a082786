"""A client that stops the daemon is answered, although its connection is closed then."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest

from photosd.core.paths import Home
from photosd.protocol import requests
from photosd.protocol import server as server_module
from photosd.protocol.endpoint import open_endpoint
from photosd.protocol.server import Result, Server


async def asked_to_stop(home: Home, seconds: float) -> tuple[bytes, float]:
    """What the client gets if the answer takes so long, and how long the server took to stop."""
    wanted, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(_params: requests.Nothing) -> Result:
        loop.call_soon_threadsafe(wanted.set)
        time.sleep(seconds)
        return {"stopping": True}

    server = Server(open_endpoint(home), {"stop": stop})
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(home.socket))
    writer.write(b'{"id":"a","op":"stop"}\n')
    await asyncio.wait_for(wanted.wait(), 30)
    begun = time.monotonic()
    await server.stop()
    took = time.monotonic() - begun
    try:
        line = await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        line = b""
    writer.close()
    return line, took


def test_the_answer_arrives(home: Home) -> None:
    """The main thread closed the connection while another one wrote the answer."""
    line, _ = asyncio.run(asked_to_stop(home, 0.5))
    assert json.loads(line)["result"] == {"stopping": True}


def test_an_answer_that_never_comes_holds_up_no_stop(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "STOP_ANSWER_SECONDS", 0.2)
    line, took = asyncio.run(asked_to_stop(home, 2.0))
    assert line == b""
    assert took < 2.0


def test_open_connections_are_no_errors(home: Home) -> None:
    """The loop ends before their tasks do, and cancels them."""
    reported: list[dict[str, Any]] = []

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, found: reported.append(found))
        server = Server(open_endpoint(home), {})
        await server.start()
        client.connect(str(home.socket))
        while len(asyncio.all_tasks()) < 2:  # the connection's
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        await server.stop()

    with socket.socket(socket.AF_UNIX) as client:
        asyncio.run(serve())
    assert reported == []
