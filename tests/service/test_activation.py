"""A socket that outlives the daemon, as systemd's does: the next connection starts the daemon."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from photosd.core.paths import Home
from tests.conftest import RunningDaemon

# The socket is handed over as by systemd. The daemon's own clients take long to connect, so that
# there is always one who is about to.
PRELUDE = """
import os, time
from photosd.protocol import connection

os.dup2({listener}, 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
connect = connection.Connection.__init__

def late(self, *arguments, **named):
    time.sleep(0.4)
    connect(self, *arguments, **named)

connection.Connection.__init__ = late
"""


@pytest.fixture
def listener(home: Home) -> Iterator[socket.socket]:
    """Outlives the daemon."""
    home.runtime.mkdir(mode=0o700, parents=True)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(home.socket))
        bound.listen(16)
        yield bound


@pytest.mark.parametrize("state", ["warming", "ready"])
def test_a_daemon_that_leaves_does_not_start_the_next(
    home: Home, listener: socket.socket, state: str
) -> None:
    """Its liveness checks, and the warm-up at its start, are clients like any other."""
    daemon = RunningDaemon(
        home,
        {"WATCHDOG_USEC": "600000"},
        PRELUDE.format(listener=listener.fileno()),
        descriptors=(listener.fileno(),),
    )
    daemon.wait_until(state)
    daemon.stop()
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()
