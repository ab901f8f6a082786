"""The Gemini worker: the only process that connects to another machine, while a cloud
mode is on.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec

from photosd.core import typed
from photosd.core.errors import CloudUnavailable
from photosd.core.frames import receive_frame, send_frame
from photosd.core.worker_setup import attach
from photosd.gemini.environment import Environment
from photosd.gemini.keys import Key
from photosd.gemini.worker_messages import (
    CallAnswer,
    CallRequest,
    Opening,
    Trouble,
    Vectors,
    Written,
)

AT_ONCE = 8  # the daemon has fewer calls under way


def main() -> None:
    """Serve the daemon until it closes the socket. Arguments: FD PARENT."""
    sock = attach(sys.argv[1:3])
    Environment.take()
    header, _ = receive_frame(sock)
    service = CallService(sock, typed.convert(header, Opening))
    threads = ThreadPoolExecutor(AT_ONCE, "call")
    with contextlib.suppress(EOFError, OSError):
        while True:
            header, blobs = receive_frame(sock)
            threads.submit(
                service.serve, typed.convert(header, CallRequest), list(map(bytes, blobs))
            )
    os._exit(0)  # calls may be under way: their answers are not needed


class CallService:
    """Executes calls, each answered once."""

    def __init__(self, sock: socket.socket, opening: Opening) -> None:
        self._sock, self._lock = sock, threading.Lock()
        from photosd.gemini.sdk import GeminiSdk  # a second, while orders queue up in the socket

        try:
            self._gemini = GeminiSdk(Key(opening.key, opening.source), opening.settings)
        except Exception as error:  # an unsuitable SDK, an invalid proxy
            trouble = CloudUnavailable(
                f"the client of Gemini cannot be created ({type(error).__name__})",
                remedy="photosd config get cloud.proxy; photosd bugreport",
                reason="server",
            )
            self._say(CallAnswer(id=0, trouble=Trouble.of(trouble)))
            os._exit(1)
        self._say(CallAnswer(id=0))

    def serve(self, order: CallRequest, pictures: list[bytes]) -> None:
        """Make one call."""
        try:
            result = self._call(order, pictures)
        except CloudUnavailable as error:
            self._say(CallAnswer(id=order.id, trouble=Trouble.of(error)))
        except Exception as error:  # never its text, which may contain the key
            trouble = CloudUnavailable(f"a bug: {type(error).__name__}", reason="server")
            self._say(CallAnswer(id=order.id, trouble=Trouble.of(trouble)))
        else:
            if isinstance(result, Written):
                self._say(CallAnswer(id=order.id, written=result))
            else:
                self._say(CallAnswer(id=order.id), result.tobytes())

    def _call(self, order: CallRequest, pictures: list[bytes]) -> Written | Vectors:
        gemini, model, seconds = self._gemini, order.model, order.seconds
        match order.op:
            case "write":
                return gemini.write(model, order.instruction, order.text, order.schema, seconds)
            case "embed_query":
                return gemini.embed_query(model, order.text, order.dimensions, seconds)
            case "embed_photos":
                return gemini.embed_photos(model, pictures, order.dimensions, seconds)

    def _say(self, answer: CallAnswer, *blobs: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            send_frame(self._sock, msgspec.to_builtins(answer), blobs)


if __name__ == "__main__":
    main()
