"""The server answers every honest client in time, whatever the others do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photosd.core.errors import Busy, NotFound
from photosd.core.paths import Home
from photosd.protocol import requests
from photosd.protocol import server as server_module
from photosd.protocol.endpoint import open_endpoint
from photosd.protocol.requests import Nothing
from photosd.protocol.server import Emit, RequestLane, Result, Server

ENDED: list[type[BaseException]] = []  # what ended a stream before its time


def handlers() -> dict[str, Any]:
    def hello(_params: requests.Nothing) -> Result:
        return {"version": "0", "protocol": 1, "pid": os.getpid(), "home": "/h", "capabilities": []}

    def query(params: requests.QueryParams) -> Result:
        time.sleep(float(params.text) if params.text.replace(".", "").isdigit() else 0)
        return {"version": params.text}

    def show(params: requests.PathParams) -> Result:
        raise NotFound("nothing there", remedy="look elsewhere")

    def purge(_params: requests.Nothing) -> Result:
        raise ZeroDivisionError

    def list_(_params: requests.ListParams, emit: Emit) -> Result:
        try:
            for _ in range(200):
                emit({"paths": [{"path": "x" * 1000, "state": "indexed"}] * 50})
        except BaseException as error:
            ENDED.append(type(error))
            raise
        return {"count": 200}

    return {"hello": hello, "query": query, "show": show, "purge": purge, "list": list_}


@pytest.fixture
def running(home: Home) -> Iterator[Home]:
    """A server on its own loop and thread."""
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        server = Server(open_endpoint(home), handlers())
        await server.start()
        started.set()
        await asyncio.to_thread(stop.wait)
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(30)
    yield home
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def connect(home: Home, timeout: float = 10) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(timeout)
    client.connect(str(home.socket))
    return client


def ask(home: Home, line: bytes) -> dict[str, Any]:
    with connect(home) as client:
        client.sendall(line + b"\n")
        reply = json.loads(client.makefile().readline())
    assert isinstance(reply, dict)
    return reply


def well(home: Home) -> None:
    """Another client is answered."""
    assert ask(home, b'{"id":"a","op":"hello"}')["ok"] is True


def test_a_client_that_hangs_up_is_not_logged(running: Home) -> None:
    """Ctrl-C on a command that streams is no failure of the daemon."""
    ENDED.clear()
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            with connect(running) as client:
                client.sendall(b'{"id":"1","op":"list"}\n')
                client.recv(10)
        deadline = time.monotonic() + 60
        while len(ENDED) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        well(running)
    assert [server_module.ClientLeft] * 3 == ENDED
    assert not logged


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"not json", "bad_request"),
        (b"[1,2]", "bad_request"),
        (b"{}", "bad_request"),
        (b'{"op":7}', "bad_request"),
        (b'{"op":"hello","v":"x"}', "bad_request"),
        (b'{"op":"nothing"}', "unknown_op"),
        (b'{"op":"query","params":[]}', "bad_request"),
        (b'{"op":"query","params":{"text":null}}', "bad_request"),
        (b'{"op":"query","params":{"text":5}}', "bad_request"),
        (b'{"op":"query","params":{"text":"x","limit":0}}', "bad_request"),
        (b'{"op":"query","params":{"text":"x","limit":1001}}', "bad_request"),
        (b'{"op":"query","params":{"text":"x","limit":1e99}}', "bad_request"),
        (b'{"op":"query","params":{"text":"x","limit":NaN}}', "bad_request"),
        (b'{"op":"query","params":{"text":"\\ud800"}}', "bad_request"),
        (b'{"op":"query","params":{"text":"%s"}}' % (b"y" * 10_001), "bad_request"),
        (b'{"op":"query","params":{"text":"x","deadline_ms":true}}', "bad_request"),
        (b'{"op":"query","params":' + b"[" * 30_000, "bad_request"),
        (b"\xff\xfe\x00", "bad_request"),
        (b"z" * 200_000, "bad_request"),
        (b'{"op":"show","params":{"path":"/x"}}', "not_found"),
        (b'{"op":"purge"}', "internal"),
    ],
)
def test_what_cannot_be_answered_gets_one_typed_error(
    running: Home, line: bytes, code: str
) -> None:
    """Every bad request gets a code, title, cause and remedy; the server keeps serving."""
    error = ask(running, line)["error"]
    assert error["code"] == code
    assert error["title"]
    assert error["message"]
    assert error["remedy"]
    well(running)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=st.binary(max_size=300).filter(lambda b: b"\n" not in b and b.strip()))
def test_no_line_of_bytes_silences_the_server(running: Home, line: bytes) -> None:
    """Any bytes get an answer that is JSON."""
    assert ask(running, line)["ok"] is False


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    op=st.sampled_from(["hello", "query", "show", "nothing"]),
    params=json_values | st.fixed_dictionaries({"text": json_values, "limit": json_values}),
    identity=json_values,
)
def test_no_json_silences_the_server(running: Home, op: str, params: Any, identity: Any) -> None:
    """Any values in any field get an answer."""
    line = json.dumps({"op": op, "params": params, "id": identity})
    assert "ok" in ask(running, line.encode("utf-8", "replace"))


def test_requests_on_one_connection_overlap(running: Home) -> None:
    """A slow request does not hold up a fast one; ids tell the answers apart."""
    with connect(running) as client:
        client.sendall(b'{"id":1,"op":"query","params":{"text":"0.5"}}\n{"id":2,"op":"hello"}\n')
        lines = client.makefile()
        assert [json.loads(lines.readline())["id"] for _ in range(2)] == [2, 1]


def test_no_answer_is_awaited_past_its_deadline(running: Home) -> None:
    """A handler that hangs costs its client the deadline, not more."""
    line = b'{"op":"query","params":{"text":"2","deadline_ms":200}}'
    assert ask(running, line)["error"]["code"] == "deadline_exceeded"


def test_half_a_line_is_evicted(running: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred clients that never finish their line neither block others nor stay."""
    monkeypatch.setattr(server_module, "LINE_SECONDS", 0.5)
    clients = [connect(running) for _ in range(100)]
    for client in clients:
        client.sendall(b'{"op":"he')
    well(running)
    for client in clients:
        assert client.recv(10) == b""
        client.close()


def test_a_line_that_is_too_long_is_read_to_its_end(running: Home) -> None:
    """On a Mac a socket holds 8 kB: the client had not sent all of it, and saw no answer."""
    with connect(running) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.sendall(b"z" * 20_000_000 + b"\n")
        reply = json.loads(client.makefile().readline())
    assert reply["error"]["code"] == "bad_request"


def test_a_line_that_never_ends_is_cut_off(running: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "LINE_SECONDS", 0.5)
    with connect(running, timeout=60) as client, pytest.raises(ConnectionError):
        while True:
            client.sendall(b"z" * 10_000)


def test_a_client_that_never_reads_is_cut_off(
    running: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answers do not pile up in memory, and others are served meanwhile."""
    monkeypatch.setattr(server_module, "WRITE_SECONDS", 0.5)
    before = psutil.Process().memory_info().rss
    with connect(running) as client:
        client.sendall(b'{"op":"list"}\n')
        well(running)
        time.sleep(1.5)
        with contextlib.suppress(ConnectionError):
            while client.recv(1 << 20):
                pass
    assert psutil.Process().memory_info().rss - before < 50e6
    well(running)


def test_more_connections_than_places_push_out_idle_ones(running: Home) -> None:
    """A pile of silent connections cannot keep a new client out."""
    silent = [connect(running) for _ in range(server_module.CONNECTIONS + 20)]
    well(running)
    for client in silent:
        client.close()


def test_streams_come_before_the_answer(running: Home) -> None:
    """Progress objects carry the request's id; the answer is last."""
    with connect(running) as client:
        client.sendall(b'{"id":"s","op":"list"}\n')
        replies = [json.loads(line) for line in _take(client, 201)]
    assert {reply["id"] for reply in replies} == {"s"}
    assert all("progress" in reply for reply in replies[:-1])
    assert replies[-1]["result"] == {"count": 200}


def _take(client: socket.socket, count: int) -> list[str]:
    lines = client.makefile()
    return [lines.readline() for _ in range(count)]


def test_a_socket_lent_by_the_service_manager_stays(home: Home) -> None:
    """Since Python 3.13 asyncio unlinks what it listened on, unless it is told not to."""
    endpoint = open_endpoint(home)
    endpoint.inherited = True

    async def serve_for_a_moment() -> None:
        server = Server(endpoint, handlers())
        await server.start()
        await server.stop()

    asyncio.run(serve_for_a_moment())
    assert home.socket.exists()
    endpoint.release()


def test_no_thread_for_a_request_costs_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was refused is not done later."""
    lane, done = RequestLane(1, "lane"), list[str]()

    def note(what: str) -> Result:
        done.append(what)
        return {}

    async def ask(what: str) -> None:
        await lane.place(0.1)
        await lane.run(lambda _: note(what), Nothing())

    async def ask_twice() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", _no_thread)
            for _ in range(3):
                with pytest.raises(Busy, match="can't start new thread"):
                    await ask("refused")
        await ask("answered")

    asyncio.run(ask_twice())
    lane.close()
    assert done == ["answered"]


def _no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
