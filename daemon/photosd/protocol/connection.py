"""One connection to the daemon: sends and receives lines, every wait with a limit.

Part of every `photosd query`, so it imports nothing that takes milliseconds.
"""

from __future__ import annotations

import os
import socket
import sys
import time

from photosd.core.errors import Busy, DeadlineExceeded, NotRunning, PhotosdError, Unreachable
from photosd.core.socketpath import VARIABLE

REPLY_LIMIT = 256 << 20  # bytes of one line; a longer one is not from photosd
CHUNK = 256 << 10
FULL_BACKLOG_PAUSE = 0.02  # seconds between tries while the daemon's backlog is full
# macOS refuses connections beyond the backlog (at most 128, kern.ipc.somaxconn), as it does when
# no process listens: for so many seconds it may be the backlog.
REFUSED_SECONDS = 0.3 if sys.platform == "darwin" else 0.0
START_REMEDY = "start it now:       photosd start\nin this terminal:   photosd run"


class HungUp(Unreachable):
    """The daemon closed the connection; it may be stopping."""


class Connection:
    """A connected socket. Times (``until``) are seconds of ``time.monotonic()``."""

    def __init__(self, path: str, until: float) -> None:
        """Connect; raises NotRunning, Unreachable, Busy or DeadlineExceeded with the reason."""
        self.path = path
        self._socket = _connect(path, until)
        self._received = bytearray()

    def send(self, line: bytes, until: float) -> None:
        """Send one line; raises Unreachable if the daemon closed, DeadlineExceeded."""
        try:
            self._socket.settimeout(_left(until))
            self._socket.sendall(line + b"\n")
        except TimeoutError as error:
            raise _too_slow() from error
        except OSError as error:
            raise _gone() from error

    def receive(self, until: float) -> bytes:
        """The next line; raises Unreachable if it ends early or never ends, DeadlineExceeded."""
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            if searched > REPLY_LIMIT:
                raise Unreachable(
                    f"the process listening on {self.path} sends no lines", remedy="photosd restart"
                )
            self._received += self._receive_some(until)
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _receive_some(self, until: float) -> bytes:
        try:
            self._socket.settimeout(_left(until))
            chunk = self._socket.recv(CHUNK)
        except TimeoutError as error:
            raise _too_slow() from error
        except OSError as error:
            raise _gone() from error
        if not chunk:
            raise _gone()
        return chunk


def _connect(path: str, until: float) -> socket.socket:
    refused_until = min(until, time.monotonic() + REFUSED_SECONDS)
    while True:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            client.settimeout(_left(until))
            client.connect(os.fsencode(path))
            _require_same_user(client, path)
            return client
        except BlockingIOError:  # its backlog is full; it may soon have room
            client.close()
            if time.monotonic() + FULL_BACKLOG_PAUSE >= until:
                raise Busy(
                    "too many clients are waiting", remedy="try again", retry_after_ms=1000
                ) from None
            time.sleep(FULL_BACKLOG_PAUSE)
        except TimeoutError as error:
            client.close()
            raise _too_slow() from error
        except OSError as error:
            client.close()
            refused = isinstance(error, ConnectionRefusedError)
            if not refused or time.monotonic() + FULL_BACKLOG_PAUSE >= refused_until:
                raise _why_not(path, error) from error
            time.sleep(FULL_BACKLOG_PAUSE)


def _require_same_user(client: socket.socket, path: str) -> None:
    """Send nothing to another user's process: below /tmp anyone can create a name first."""
    try:
        owner = peer_uid(client)
    except OSError as error:  # macOS: it has closed already
        client.close()
        raise _gone() from error
    if owner != os.getuid():
        client.close()
        raise Unreachable(
            f"another user (uid {owner}) listens on {path}; nothing was sent",
            remedy=f"Set {VARIABLE} to a directory that you own; photosd sockname prints the path",
        )


def peer_uid(connection: socket.socket) -> int:
    """The user id at the other end; for a client, of the listener. Raises OSError."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(credentials[4:8], sys.byteorder)
    # struct xucred of LOCAL_PEERCRED (sys/ucred.h): version, uid, …
    credentials = connection.getsockopt(0, 1, 76)
    return int.from_bytes(credentials[4:8], sys.byteorder)


def _why_not(path: str, error: OSError) -> PhotosdError:
    """The reason for a refused connection: no socket, no listener, or no permission."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotRunning(f"there is no socket at {path}", remedy=START_REMEDY)
    if isinstance(error, ConnectionRefusedError):
        return NotRunning(
            f"no process listens on {path} (left by a daemon that ended)", remedy=START_REMEDY
        )
    if isinstance(error, PermissionError):
        return Unreachable(
            f"you may not open {path}",
            remedy=f"If it belongs to another user: set PHOTOSD_SOCKET or {VARIABLE} to your own",
        )
    return Unreachable(f"{path}: {error.strerror or error}", remedy="photosd sockname")


def _left(until: float) -> float:
    """Seconds left; a socket's timeout of 0 would mean something else."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _too_slow() -> DeadlineExceeded:
    return DeadlineExceeded(
        "the daemon did not answer in time", remedy="photosd status", retry_after_ms=1000
    )


def _gone() -> HungUp:
    return HungUp(
        "the daemon closed the connection before answering",
        remedy="photosd status   (photosd logs may say why)",
    )
