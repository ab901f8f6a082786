"""A real daemon among a hundred clients that mean harm, or are broken: others notice nothing."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from photosd.core.paths import Home
from tests.conftest import RunningDaemon
from tests.household.daemon import shared_daemon

Hostile = Callable[[socket.socket], None]
DEADLINE_MS = 20_000  # of queries on a busy machine
ATTACKS = 150
DEEP = 100_000


def half_a_line(client: socket.socket) -> None:
    client.sendall(b'{"v":1,"op":"que')


def drop_by_drop(client: socket.socket) -> None:
    for byte in b'{"op":"status"':
        client.sendall(bytes([byte]))
        time.sleep(0.5)


def too_long_a_line(client: socket.socket) -> None:
    client.sendall(b'{"op":"query","params":{"text":"' + b"x" * 200_000 + b'"}}\n')


def too_deep(client: socket.socket) -> None:
    client.sendall(b"[" * DEEP + b"]" * DEEP + b"\n")


def deep_within_the_limit(client: socket.socket) -> None:
    client.sendall(b'{"op":"query","params":' + b"[" * 30_000 + b"]" * 30_000 + b"}\n")


def no_number(client: socket.socket) -> None:
    client.sendall(b'{"op":"query","params":{"text":"x","limit":NaN}}\n')


def binary(client: socket.socket) -> None:
    client.sendall(random.Random(7).randbytes(50_000) + b"\n")


def asks_and_never_reads(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(b'{"op":"list","params":{"state":""}}\n{"op":"config"}\n{"op":"status"}\n' * 60)


def asks_and_hangs_up(client: socket.socket) -> None:
    client.sendall(b'{"op":"query","params":{"text":"a boat"}}\n' * 5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def says_nothing(_client: socket.socket) -> None:
    pass


KINDS: tuple[Hostile, ...] = (
    half_a_line,
    drop_by_drop,
    too_long_a_line,
    too_deep,
    deep_within_the_limit,
    no_number,
    binary,
    asks_and_never_reads,
    asks_and_hangs_up,
    says_nothing,
)


class Siege:
    """Clients of the given kinds, beginning again and again until it is over."""

    def __init__(self, home: Home, kinds: tuple[Hostile, ...], each: int) -> None:
        self._home, self._over = home, threading.Event()
        self.begun = 0  # connections made, about
        self._threads = [
            threading.Thread(target=self._besiege, args=(kind,), daemon=True)
            for kind in kinds
            for _ in range(each)
        ]

    def __enter__(self) -> Siege:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(20)

    def _besiege(self, kind: Hostile) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(5)
                client.connect(str(self._home.socket))
                self.begun += 1
                kind(client)
                self._over.wait(2)


@pytest.fixture(scope="module")
def besieged() -> Iterator[RunningDaemon]:
    """A daemon that is ready, and has met each kind once."""
    with shared_daemon() as daemon:
        with Siege(daemon.home, KINDS, 1):
            daemon.query("a first one")
        yield daemon


def rss(daemon: RunningDaemon) -> float:
    """Megabytes."""
    return float(psutil.Process(daemon.process.pid).memory_info().rss) / 1e6


def test_an_honest_client_is_answered(besieged: RunningDaemon) -> None:
    """Forty queries, each with a result; memory and descriptors stay flat."""
    process = psutil.Process(besieged.process.pid)
    before, open_before = rss(besieged), process.num_fds()
    with Siege(besieged.home, KINDS, 10) as siege:
        number = 0
        while siege.begun < ATTACKS or number < 40:
            assert "hits" in besieged.query(f"a boat, number {number}", deadline_ms=DEADLINE_MS)
            number += 1
    assert rss(besieged) - before < 40, f"{before} MB before, {rss(besieged)} after"
    limit = time.monotonic() + 60
    while process.num_fds() > open_before + 10 and time.monotonic() < limit:
        time.sleep(0.1)  # connections that were cut are closed one by one
    assert process.num_fds() <= open_before + 10
    assert besieged.wait_until("ready")["pid"] == besieged.process.pid
    assert "Traceback" not in besieged.log()


@pytest.mark.slow
def test_unread_streams_do_not_take_the_places_of_queries(besieged: RunningDaemon) -> None:
    """While a hundred lists and scans wait without end, queries have reserved places."""
    clients = []
    for _ in range(8):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(besieged.home.socket))
        client.sendall(b'{"op":"rescan","params":{"wait":true}}\n' * 16)
        clients.append(client)
    for number in range(10):
        assert "hits" in besieged.query(f"a tree, number {number}")
    for client in clients:
        client.close()


def test_each_kind_is_answered_or_cut_off(besieged: RunningDaemon) -> None:
    """Never left waiting: a typed error in time, or the end of the connection."""
    for kind in (too_long_a_line, too_deep, deep_within_the_limit, no_number, binary):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(besieged.home.socket))
            with contextlib.suppress(BrokenPipeError):  # cut off while it was still sending
                kind(client)
            try:
                reply = json.loads(client.makefile().readline())
            except ConnectionResetError:
                continue
            assert reply["error"]["code"] == "bad_request", kind
            assert reply["error"]["remedy"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_not_answered(besieged: RunningDaemon) -> None:
    """Even where the directory would let him in."""
    besieged.home.state.parent.chmod(0o755)
    besieged.home.runtime.chmod(0o755)
    besieged.home.socket.chmod(0o666)
    script = (
        "import os, socket, sys; os.setgid(12345); os.setuid(12345)\n"
        "client = socket.socket(socket.AF_UNIX); client.settimeout(10)\n"
        "client.connect(sys.argv[1])\n"
        'try:\n    client.sendall(b\'{"op":"status"}\\n\'); print(client.recv(100))\n'
        "except ConnectionError: print(b'')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script, str(besieged.home.socket)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.strip() == "b''", done
    assert besieged.query("still here")
