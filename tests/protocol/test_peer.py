"""A client says nothing to another user's process that has taken the daemon's place."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from photosd.core.errors import Unreachable
from photosd.core.paths import Home
from photosd.core.socketpath import VARIABLE
from photosd.protocol import connection
from photosd.protocol.client import Client

# Listens where a daemon should, and tells in a file what it was told.
IMPOSTOR = """
import os, socket, sys
os.setgid(12345); os.setuid(12345)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o666); listener.listen()
print("listening", flush=True)
client, _ = listener.accept()
print("heard", client.recv(1000), flush=True)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_listener_of_another_user_receives_nothing(home: Home) -> None:
    """Any user can place a socket into /tmp before the first start."""
    home.runtime.mkdir(parents=True)
    home.state.parent.chmod(0o755)
    os.chown(home.runtime, 12345, 12345)
    home.runtime.chmod(0o755)
    impostor = subprocess.Popen(
        [sys.executable, "-I", "-c", IMPOSTOR, str(home.socket)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert impostor.stdout is not None
        assert impostor.stdout.readline() == "listening\n"
        with Client(home.socket) as client, pytest.raises(Unreachable, match="12345") as refused:
            client.query("my passport")
        assert VARIABLE in refused.value.remedy
        assert impostor.stdout.readline() == "heard b''\n"
    finally:
        impostor.kill()
        impostor.communicate(timeout=60)


def test_who_listens_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without being root."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place, socket.socket(socket.AF_UNIX) as ours:
        address = str(Path(place) / "s")
        ours.bind(address)
        ours.listen()
        connection.Connection(address, time.monotonic() + 10).close()
        monkeypatch.setattr(os, "getuid", lambda: -1)
        with pytest.raises(Unreachable, match="another user"):
            connection.Connection(address, time.monotonic() + 10)
