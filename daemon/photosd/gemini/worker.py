"""The daemon's handle of the Gemini worker: a process that makes the calls, killed when needed.

A hung name lookup, or an SDK call that never returns, costs the daemon a timeout, and closing the
worker ends calls under way.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import socket
import struct
import threading
from concurrent.futures import Future
from typing import Any

import msgspec
import numpy as np
import structlog

from photosd.core import typed
from photosd.core.child import Child
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudUnavailable
from photosd.core.frames import FrameError, receive_frame, send_frame
from photosd.gemini.keys import Key
from photosd.gemini.worker_messages import CallAnswer, CallRequest, Opening, Vectors, Written

log = structlog.get_logger()

MODULE = "photosd.gemini"
START_SECONDS = 30.0
SEND_SECONDS = 5
GRACE_SECONDS = 3.0  # in addition to a call's time limit: then the process hangs
Delivery = tuple[CallAnswer, bytes]


class GeminiWorker(threading.Thread):
    """One process, one address, one key. Any thread may call; each call ends in bounded time.

    Every method raises CloudUnavailable.
    """

    def __init__(self, key: Key, settings: CloudSettings) -> None:
        super().__init__(name="gemini-worker", daemon=True)
        self._key, self._settings = key, settings
        self._child: Child | None = None
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._waiting: dict[int, Future[Delivery]] = {0: Future()}
        self._ready = self._waiting[0]
        self._numbers = itertools.count(1)
        self._end: CloudUnavailable | None = None
        self.start()

    @property
    def ready(self) -> bool:
        """Whether a call would be sent at once."""
        return self._ready.done() and self._end is None

    @property
    def ended(self) -> bool:
        """Whether it has stopped permanently."""
        return self._end is not None

    def write(
        self, model: str, instruction: str, text: str, schema: dict[str, Any], seconds: float
    ) -> Written:
        """The JSON that ``model`` writes for ``text``, in the given ``schema``."""
        order = CallRequest(
            id=next(self._numbers),
            op="write",
            model=model,
            seconds=seconds,
            text=text,
            instruction=instruction,
            schema=schema,
        )
        answer, _ = self._deliver(order)
        return answer.written or Written("", None, None)

    def embed_query(self, model: str, text: str, dimensions: int, seconds: float) -> Vectors:
        """The unit vector (dimensions,) float32 of a query for pictures."""
        order = CallRequest(
            id=next(self._numbers),
            op="embed_query",
            model=model,
            seconds=seconds,
            text=text,
            dimensions=dimensions,
        )
        return self._vectors(order, 1).reshape(dimensions)

    def embed_photos(
        self, model: str, jpegs: list[bytes], dimensions: int, seconds: float
    ) -> Vectors:
        """Unit vectors (len(jpegs), dimensions) float32, in order."""
        order = CallRequest(
            id=next(self._numbers),
            op="embed_photos",
            model=model,
            seconds=seconds,
            dimensions=dimensions,
        )
        return self._vectors(order, len(jpegs), jpegs)

    def close(self) -> None:
        """Kill the process; calls under way fail."""
        self._finish(CloudUnavailable("aborted: the settings changed", reason="busy"))

    # -- one call -----------------------------------------------------------------------------

    def _vectors(self, order: CallRequest, count: int, jpegs: list[bytes] | None = None) -> Vectors:
        _, data = self._deliver(order, jpegs or [])
        if len(data) != 4 * count * order.dimensions:
            raise CloudUnavailable("the worker's answer is invalid", reason="server")
        return np.frombuffer(data, np.float32).reshape(count, order.dimensions)

    def _deliver(self, order: CallRequest, blobs: list[bytes] | None = None) -> Delivery:
        self._await(self._ready, START_SECONDS, "did not start")
        future: Future[Delivery] = Future()
        with self._lock:
            if self._end is not None:
                raise self._end
            self._waiting[order.id] = future
        self._send(order, blobs or [])
        delivery = self._await(future, order.seconds + GRACE_SECONDS, "hangs")
        if delivery[0].trouble is not None:
            raise delivery[0].trouble.error()
        return delivery

    def _await(self, future: Future[Delivery], seconds: float, what: str) -> Delivery:
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            self._finish(
                CloudUnavailable(f"the process that calls Gemini {what}", reason="deadline"),
                dump=True,
            )
            raise self._end or CloudUnavailable("it ended", reason="server") from None

    def _send(self, message: Opening | CallRequest, blobs: list[bytes]) -> None:
        child = self._child
        try:
            with self._sending:
                if child is None:
                    raise OSError("closed")
                send_frame(child.sock, msgspec.to_builtins(message), blobs)
        except OSError:
            self._finish(_lost("does not listen"))

    # -- the thread ---------------------------------------------------------------------------

    def run(self) -> None:
        """Start the process, which lives as long as this thread, and distribute its answers."""
        try:
            child = Child(MODULE)
        except OSError as error:
            self._finish(_lost(f"cannot be started: {error}"))
            return
        _bound_sending(child.sock)
        with self._lock:
            self._child = child if self._end is None else None
        if self._child is None:
            child.kill("no longer needed", dump=False)
            return
        self._send(Opening(self._key.reveal(), self._key.source, self._settings), [])
        try:
            while True:
                header, blobs = receive_frame(child.sock)
                answer = typed.convert(header, CallAnswer)
                self._hand_out(answer, bytes(blobs[0]) if blobs else b"")
        except (EOFError, OSError, ValueError, FrameError, msgspec.MsgspecError):
            self._finish(_lost("ended"))

    def _hand_out(self, answer: CallAnswer, data: bytes) -> None:
        with self._lock:
            future = self._waiting.pop(answer.id, None)
        if answer.id == 0 and answer.trouble is not None:
            self._finish(answer.trouble.error())
        elif future is not None:
            future.set_result((answer, data))

    def _finish(self, error: CloudUnavailable, *, dump: bool = False) -> None:
        """Make no more calls, for this reason; the first one is kept."""
        with self._lock:
            if self._end is not None:
                return
            self._end = error
            child, self._child = self._child, None
            waiting, self._waiting = list(self._waiting.values()), {}
        if not self._ready.done() and self._ready not in waiting:
            waiting.append(self._ready)
        for future in waiting:
            future.set_exception(error)
        if child is not None:
            death = child.kill(str(error), dump=dump)
            if error.reason != "busy":
                stack = self._key.hide_in(death.stack)[-2000:]
                log.error(
                    "gemini_worker_ended", cause=str(error), code=death.exit_code, stack=stack
                )


def _lost(what: str) -> CloudUnavailable:
    return CloudUnavailable(
        f"the process that calls Gemini {what}", remedy="photosd logs", reason="server"
    )


def _bound_sending(sock: socket.socket) -> None:
    """A worker that does not read must not block the sender."""
    with contextlib.suppress(OSError):  # EINVAL on macOS: it has ended already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
