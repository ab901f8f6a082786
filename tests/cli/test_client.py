"""The client: every answer typed, every failure named, no wait without an end."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import (
    BadRequest,
    Busy,
    DeadlineExceeded,
    NotFound,
    NotRunning,
    PhotosdError,
    Unreachable,
    UnreadablePhoto,
    Warming,
)
from photosd.core.paths import Home
from photosd.protocol import connection, requests
from photosd.protocol.client import Client
from tests.cli.stub import StubDaemon, error, hit, progress, query_result

# -- what it says ---------------------------------------------------------------------------------


def test_a_result_comes_as_it_was_sent(stub: StubDaemon) -> None:
    """Nothing is lost or renamed on the way."""
    stub.answers["query"] = query_result(hit("/p/שקיעה.jpg"))
    with Client() as client:
        assert client.query("שקיעה", limit=3, deadline_ms=700) == stub.answers["query"]
    assert stub.params("query") == [{"text": "שקיעה", "limit": 3, "deadline_ms": 700}]


def test_progress_comes_before_the_result(stub: StubDaemon) -> None:
    """The last object of a stream is the result."""
    stub.answers["rescan"] = [progress(1, 2), progress(2, 1), progress(3, 0)]
    with Client() as client:
        assert [part["pending"] for part in client.rescan()] == [2, 1, 0]
        assert client.call("rescan") == progress(3, 0)


def test_answers_are_matched_by_id(stub: StubDaemon) -> None:
    """A late answer to an earlier request is never taken for that of the current one."""
    stub.answers["hello"] = b'{"v":1,"id":"other","ok":true,"result":{"pid":1}}\n' + (
        b'{"v":1,"id":"1","ok":true,"result":{"pid":2}}\n'
    )
    with Client() as client:
        assert client.hello()["pid"] == 2


def test_a_path_that_is_not_utf8_arrives_whole(stub: StubDaemon) -> None:
    """Its bytes travel in base64 beside the readable text."""
    stub.answers["show"] = error("not_found")
    with Client() as client, pytest.raises(NotFound):
        client.show(b"/p/\xff.jpg")
    assert stub.params("show") == [{"path": "/p/\\xff.jpg", "path_b64": "L3Av/y5qcGc="}]


def test_every_operation_has_a_method() -> None:
    """Other programs need no knowledge of the wire."""
    names = {"list": "paths"}
    for op in requests.OPERATIONS:
        assert callable(getattr(Client, names.get(op, op)))


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PhotosdError.__subclasses__(), ids=lambda kind: kind.code)
def test_each_error_code_is_its_exception(stub: StubDaemon, kind: type[PhotosdError]) -> None:
    """With cause, remedy and the time to wait."""
    stub.answers["status"] = error(kind.code, retry_after_ms=250)
    with Client() as client, pytest.raises(kind) as caught:
        client.status()
    assert (str(caught.value), caught.value.remedy) == ("the cause", "the remedy")
    assert caught.value.retry_after_ms == 250


def test_an_unknown_error_code_keeps_its_words(stub: StubDaemon) -> None:
    """A daemon younger than the client may have errors that the client has not."""
    stub.answers["status"] = error("moon_phase")
    with Client() as client, pytest.raises(PhotosdError) as caught:
        client.status()
    assert caught.value.as_dict()["code"] == "moon_phase"
    assert caught.value.title == "A title"


def test_no_socket_means_not_running(home: Home) -> None:
    """The remedy is the two commands that start it."""
    with Client() as client, pytest.raises(NotRunning, match="there is no socket") as caught:
        client.hello()
    assert "photosd start" in caught.value.remedy
    assert "photosd run" in caught.value.remedy


def test_a_stale_socket_means_not_running(home: Home) -> None:
    """A crash leaves the file behind; that is another cause, with the same remedy."""
    home.runtime.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home.socket))
    with Client() as client, pytest.raises(NotRunning, match="no process listens"):
        client.hello()


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_a_forbidden_socket_is_unreachable(stub: StubDaemon) -> None:
    """It is another user's daemon, most likely; starting one would not help."""
    stub.path.chmod(0)
    with Client() as client, pytest.raises(Unreachable, match="you may not open"):
        client.hello()


def test_a_name_too_long_for_the_kernel_is_unreachable() -> None:
    """Said in words, not as a ValueError."""
    with Client("/tmp/" + "x" * 200) as client, pytest.raises(Unreachable):
        client.hello()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", Unreachable),
        (b'{"v":1,"id":"1","ok":tr', Unreachable),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Unreachable),
        (b"\xff\xfe\x00\n", Unreachable),
        (b"[]\n", Unreachable),
        (b'{"id":"1"}\n', Unreachable),
        (b'{"id":"1","ok":true}\n', Unreachable),
        (b'{"id":"1","ok":true,"result":[]}\n', Unreachable),
        (b'{"id":"1","ok":false,"error":"no"}\n', Unreachable),
        (b'{"id":"1","progress":7}\n', Unreachable),
        (b"[" * 100_000 + b"\n", Unreachable),
        (b'{"id":null,"ok":false,"error":{"code":"bad_request"}}\n', BadRequest),
    ],
)
def test_nonsense_is_an_error_of_ours(
    stub: StubDaemon, answer: bytes, kind: type[PhotosdError]
) -> None:
    """Half answers, other protocols and wrong shapes end in one typed error, at once."""
    stub.answers["hello"] = answer
    with Client(timeout=30) as client, pytest.raises(kind):
        client.hello()


def test_a_silent_daemon_is_waited_for_no_longer_than_asked(stub: StubDaemon) -> None:
    """The time limit holds from the question to the answer."""
    stub.answers["hello"] = None
    with Client(timeout=0.2) as client, pytest.raises(DeadlineExceeded):
        client.hello()


def test_a_dripping_daemon_does_not_stretch_the_limit(home: Home) -> None:
    """A byte now and then is no answer."""
    stop = threading.Event()

    def drip(sock: socket.socket) -> None:
        while not stop.wait(0.05):
            sock.send(b" ")

    with _listening(home.socket, drip), Client(timeout=0.4) as client:
        with pytest.raises(DeadlineExceeded):
            client.hello()
        stop.set()


def test_an_endless_line_is_not_read_without_limit(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded, too."""
    monkeypatch.setattr(connection, "REPLY_LIMIT", 1 << 20)

    def flood(sock: socket.socket) -> None:
        while True:
            sock.sendall(b"x" * 65536)

    with (
        _listening(home.socket, flood),
        Client(timeout=20) as client,
        pytest.raises(Unreachable, match="no lines"),
    ):
        client.hello()


def test_a_full_backlog_is_busy_not_a_crash(home: Home) -> None:
    """Linux answers EAGAIN there, which is retried until the limit; macOS refuses, as if no
    process listened.
    """
    told = (Busy, DeadlineExceeded, *([NotRunning] if sys.platform == "darwin" else []))
    home.runtime.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.socket))
        listener.listen(0)
        waiting = []
        try:
            for _ in range(8):
                sock = socket.socket(socket.AF_UNIX)
                waiting.append(sock)
                sock.setblocking(False)
                try:
                    sock.connect(str(home.socket))
                except (BlockingIOError, ConnectionRefusedError):
                    break
            with Client(timeout=0.3) as client, pytest.raises(told):
                client.hello()
        finally:
            for sock in waiting:
                sock.close()


def test_after_a_failure_the_next_call_connects_again(stub: StubDaemon) -> None:
    """A program may keep its client while the daemon restarts."""
    stub.answers["hello"] = b"garbage\n"
    with Client() as client:
        with pytest.raises(Unreachable):
            client.hello()
        stub.answers["hello"] = {"pid": 7}
        assert client.hello()["pid"] == 7


def test_an_error_answer_keeps_the_connection(stub: StubDaemon) -> None:
    """It is an answer like any other."""
    stub.answers.update(status=error("warming"), hello={"pid": 7})
    with Client() as client:
        with pytest.raises(Warming):
            client.status()
        assert client.hello()["pid"] == 7


def test_a_request_too_long_is_refused_before_it_is_sent(stub: StubDaemon) -> None:
    """The server would cut the connection."""
    with Client() as client, pytest.raises(BadRequest, match="limit is 65,536"):
        client.query("x" * 70_000)
    assert not stub.requests


class _listening:
    """A server that does one thing to its first client."""

    def __init__(self, path: Path, behave: Callable[[socket.socket], Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._behave = behave

    def __enter__(self) -> None:
        threading.Thread(target=self._serve, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
            with client:
                self._behave(client)
        except OSError:
            pass  # the client left


def test_several_calls_are_under_way_and_come_back_in_order(stub: StubDaemon) -> None:
    """Never more than the server reads; a refusal among them is a result."""
    under_way: list[str] = []

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        under_way.append(params["path"])
        if params["path"] == "/3":
            return error("unreadable")
        return {"width": int(params["path"][1:])}

    stub.answers["thumbnail"] = answer
    with Client(stub.path, timeout=60) as client:
        found = client.thumbnails([f"/{number}" for number in range(20)])
        first = next(found)
        assert not isinstance(first, PhotosdError) and first["width"] == 0
        assert len(stub.requests) <= 7
        rest = list(found)
        assert isinstance(rest[2], UnreadablePhoto)
        widths = [one["width"] for one in rest if not isinstance(one, PhotosdError)]
        assert widths == [1, 2, *range(4, 20)]


def test_abandoned_calls_change_no_later_answer(stub: StubDaemon) -> None:
    """What still comes is not taken for the next answer."""
    stub.answers["thumbnail"] = {"width": 1}
    stub.answers["hello"] = {"version": "1"}
    with Client(stub.path, timeout=60) as client:
        found = client.thumbnails([f"/{number}" for number in range(20)])
        next(found)
        del found
        assert client.hello()["version"] == "1"
