"""The process that accesses one file system, so that the daemon never blocks on it.

A thread that waits for a dead server cannot be stopped, nor can its process. This process can be
abandoned.
"""

from __future__ import annotations

import socket
import sys
import time
from typing import Any

from photosd.core.frames import receive_frame, send_frame
from photosd.core.progress import reporting
from photosd.core.worker_setup import attach
from photosd.watch.filesystem_calls import CALLS, Item, errno_of

BATCH = 500  # items in a frame
KEEP_ALIVE_SECONDS = 0.25  # how often a frame is sent while calls return


class AnswerFrames:
    """The frames of one answer."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._items: list[Item] = []
        self._sent_at = time.monotonic()

    def add(self, item: Item) -> None:
        """Add an item; sent in batches."""
        self._items.append(item)
        if len(self._items) >= BATCH:
            self._send({})
        else:
            self.keep_alive()

    def keep_alive(self) -> None:
        """Report that the file system responds, if nothing was sent recently."""
        if time.monotonic() - self._sent_at >= KEEP_ALIVE_SECONDS:
            self._send({})

    def end(self, number: int = 0) -> None:
        """The last frame; ``number`` is the errno that ended it, 0 for success."""
        self._send({"end": number})

    def _send(self, fields: dict[str, Any]) -> None:
        items, self._items = self._items, []
        send_frame(self._sock, {"items": items, **fields})
        self._sent_at = time.monotonic()


def main() -> None:
    """Answer calls until the daemon closes the socket. Arguments: FD PARENT."""
    sock = attach(sys.argv[1:3])
    send_frame(sock, {"items": []})  # ready
    while True:
        try:
            header, _ = receive_frame(sock)
        except EOFError:
            return
        _serve(AnswerFrames(sock), header["call"], header["arguments"])


def _serve(answer: AnswerFrames, call: str, arguments: list[Any]) -> None:
    try:
        with reporting(answer.keep_alive):
            for item in CALLS[call](*arguments):
                answer.add(item)
    except BrokenPipeError:
        sys.exit()
    except Exception as error:
        answer.end(errno_of(error))
    else:
        answer.end()


if __name__ == "__main__":
    main()
