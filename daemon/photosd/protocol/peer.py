"""The user at the other end of a Unix socket. Part of every `photosd query`, so it is small."""

from __future__ import annotations

import socket
import sys


def peer_uid(connection: socket.socket) -> int:
    """The user id of the peer; for a client, of the listener. Raises OSError."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(credentials[4:8], sys.byteorder)
    # struct xucred of LOCAL_PEERCRED (sys/ucred.h): version, uid, …
    credentials = connection.getsockopt(0, 1, 76)
    return int.from_bytes(credentials[4:8], sys.byteorder)
