"""Unix sockets as macOS has them."""

from __future__ import annotations

import errno
import os
import select
import socket
from typing import Any

from tests.darwin.pretend.patches import Patches, words

SETSOCKOPT: Any = socket.socket.setsockopt
SO_PEERCRED: int = vars(socket)["SO_PEERCRED"]
PATH_BYTES = 104  # sizeof(sockaddr_un.sun_path)
LOCAL_PEERCRED, LOCAL_PEERPID = 1, 2  # of level SOL_LOCAL, 0
XUCRED_BYTES = 76
BUFFER_BYTES = 8192  # net.local.stream.sendspace
# AF_PACKET stays: psutil's side for Linux needs it.
LINUX = words("""
AF_NETLINK AF_VSOCK AF_ALG AF_QIPCRTR AF_TIPC SOCK_CLOEXEC SOCK_NONBLOCK SO_PEERCRED SO_PASSCRED
SO_DOMAIN SO_PROTOCOL SO_MARK SO_BINDTODEVICE SO_PEERSEC SO_PASSSEC SO_INCOMING_CPU SCM_CREDENTIALS
MSG_NOSIGNAL MSG_CMSG_CLOEXEC MSG_CONFIRM MSG_ERRQUEUE MSG_FASTOPEN MSG_MORE TCP_CORK
TCP_DEFER_ACCEPT TCP_INFO TCP_LINGER2 TCP_QUICKACK TCP_SYNCNT TCP_USER_TIMEOUT TCP_WINDOW_CLAMP
""")


def apply(patches: Patches) -> None:
    """Pretend all of it."""
    patches.remove(socket, *LINUX)
    for name in ("bind", "connect", "connect_ex"):
        patches.replace(socket.socket, name, _checked(getattr(socket.socket, name)))
    accept = socket.socket.accept
    patches.replace(socket.socket, "accept", lambda self: _small(*accept(self)))
    patches.replace(socket.socket, "getsockopt", _peer(socket.socket.getsockopt))
    patches.replace(socket.socket, "setsockopt", _setsockopt)
    pair = socket.socketpair

    def socketpair(
        family: int = socket.AF_UNIX, type: int = socket.SOCK_STREAM, proto: int = 0
    ) -> Any:
        if family == socket.AF_UNIX and type == socket.SOCK_SEQPACKET:
            raise OSError(errno.EPROTONOSUPPORT, os.strerror(errno.EPROTONOSUPPORT))
        return _small(*_small(*pair(family, type, proto))[::-1])[::-1]

    patches.replace(socket, "socketpair", socketpair)


def _small(connection: socket.socket, other: Any) -> Any:
    """Both, the first with the buffer of a Unix socket on macOS."""
    if connection.family == socket.AF_UNIX:
        # Linux takes twice as much, for what it adds to each message.
        SETSOCKOPT(connection, socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES // 2)
    return connection, other


def _setsockopt(self: socket.socket, *given: Any) -> None:
    """Refused once the other side has closed a Unix socket."""
    if self.family == socket.AF_UNIX:
        poll = select.poll()
        poll.register(self, 0)
        if poll.poll(0) and _connected(self):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    SETSOCKOPT(self, *given)


def _connected(unix: socket.socket) -> bool:
    """Whether it ever was."""
    try:
        unix.getpeername()
    except OSError:
        return False
    return True


def _checked(method: Any) -> Any:
    def checked(self: socket.socket, address: Any) -> Any:
        if self.family == socket.AF_UNIX:
            _small(self, None)
            name = os.fsencode(address) if isinstance(address, str) else bytes(address)
            if len(name) >= PATH_BYTES:
                raise OSError("AF_UNIX path too long")
            if name.startswith(b"\0"):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            try:
                return method(self, address)
            except BlockingIOError as error:  # the backlog is full
                raise ConnectionRefusedError(
                    errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)
                ) from error
        return method(self, address)

    return checked


def _peer(method: Any) -> Any:
    def getsockopt(self: socket.socket, level: int, option: int, *size: int) -> Any:
        if self.family == socket.AF_UNIX and level == 0:
            credentials = method(self, socket.SOL_SOCKET, SO_PEERCRED, 12)  # pid, uid, gid
            if option == LOCAL_PEERPID:
                return int.from_bytes(credentials[:4], "little")
            if option == LOCAL_PEERCRED:
                return (bytes(4) + credentials[4:8] + bytes(XUCRED_BYTES))[:XUCRED_BYTES]
        return method(self, level, option, *size)

    return getsockopt
