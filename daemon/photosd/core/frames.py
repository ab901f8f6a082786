"""Frames between the daemon and its worker processes: a small header and raw byte blobs.

One frame is ``>I`` header length, ``>I`` number of blobs, ``>Q`` length of each blob, the msgpack
header, the blobs. Both ends are photosd on a private socketpair, so the format has no version; the
limits stop a corrupted worker from requesting absurd amounts of memory.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

HEADER_LIMIT = 4 << 20
BLOB_LIMIT = 512 << 20
BLOBS_LIMIT = 1024

Header = dict[str, Any]
Blob = bytes | bytearray | memoryview


class FrameError(Exception):
    """The peer sent something that is not a frame."""


def send_frame(sock: socket.socket, header: Header, blobs: Sequence[Blob] = ()) -> None:
    """Send one frame; raises OSError if the peer is closed or the socket's timeout passes."""
    packed = msgspec.msgpack.encode(header)
    sizes = [memoryview(blob).nbytes for blob in blobs]
    sock.sendall(struct.pack(f">II{len(sizes)}Q", len(packed), len(sizes), *sizes) + packed)
    for blob in blobs:
        sock.sendall(blob)


def receive_frame(sock: socket.socket) -> tuple[Header, list[bytearray]]:
    """Receive one frame; raises EOFError if the peer closed, FrameError for invalid data."""
    length, count = struct.unpack(">II", receive_exactly(sock, 8))
    if length > HEADER_LIMIT or count > BLOBS_LIMIT:
        raise FrameError(f"frame of {length} header bytes and {count} blobs")
    sizes = struct.unpack(f">{count}Q", receive_exactly(sock, 8 * count))
    if sum(sizes) > BLOB_LIMIT:
        raise FrameError(f"frame of {sum(sizes)} bytes")
    try:
        header = msgspec.msgpack.decode(receive_exactly(sock, length))
    except msgspec.MsgspecError as error:
        raise FrameError(str(error)) from error
    if not isinstance(header, dict):
        raise FrameError("header is not a map")
    return header, [receive_exactly(sock, size) for size in sizes]


def receive_exactly(sock: socket.socket, size: int) -> bytearray:
    """``size`` bytes from the socket; raises EOFError if the peer closed before them."""
    buffer = bytearray(size)
    view, filled = memoryview(buffer), 0
    while filled < size:
        received = sock.recv_into(view[filled:])
        if received == 0:
            raise EOFError("the other side closed the connection")
        filled += received
    return buffer
