"""Makes the calls to one file system: in a thread, or in a process if calls can hang forever."""

from __future__ import annotations

import contextlib
import errno
import queue
import threading
import time
from typing import Any, NamedTuple, Protocol

from photosd.core.child import Child, readable
from photosd.core.frames import FrameError, receive_frame, send_frame
from photosd.core.progress import reporting
from photosd.core.query_priority import after_queries
from photosd.watch.filesystem_calls import CALLS, Item, errno_of

BATCH = 500  # items passed at once
FIRST_BATCH = 16  # in the first ones; each part has twice as many
WAITING = 8  # batches prepared ahead of the consumer
SEND_SECONDS = 5.0
REAP_SECONDS = 0.2


class AnswerPart(NamedTuple):
    """A part of an answer. ``end``: the errno it ended with (0: success), None: more follow."""

    items: list[Item]
    end: int | None


class FilesystemWorker(Protocol):
    """Makes one call at a time; no method waits for the file system."""

    @property
    def ready(self) -> bool:
        """Whether it has started; before that, silence is not the file system's."""

    def send(self, call: str, arguments: tuple[Any, ...]) -> None:
        """Start a call."""

    def receive(self, seconds: float) -> AnswerPart | None:
        """The next part of the answer; None if none came. An empty part shows that the call is
        alive.
        """

    def discard(self) -> None:
        """Abandon it, whatever it is doing."""

    @property
    def usable(self) -> bool:
        """Whether another call can start once the last one has ended."""

    @property
    def lingers(self) -> bool:
        """Whether it was abandoned and is still blocked by the file system."""


class FilesystemProcess:
    """A separate process: if the server is down it is abandoned, and this process can
    still exit.
    """

    def __init__(self) -> None:
        """Raises OSError; call from a permanent thread, because the process ends with it."""
        self._child = Child("photosd.watch")
        self.ready = self._discarded = self._broken = False

    def send(self, call: str, arguments: tuple[Any, ...]) -> None:
        """Start a call; a dead process is reported by `receive`."""
        self._child.sock.settimeout(SEND_SECONDS)
        with contextlib.suppress(OSError):
            send_frame(self._child.sock, {"call": call, "arguments": arguments})

    def receive(self, seconds: float) -> AnswerPart | None:
        """The next part; EIO if the process has ended."""
        sock = self._child.sock
        try:
            if not readable(sock, seconds):
                return None
            sock.settimeout(SEND_SECONDS)
            header, _ = receive_frame(sock)
        except (OSError, EOFError, FrameError, ValueError):
            self._broken = True
            return AnswerPart([], errno.EIO)
        self.ready = True
        return AnswerPart(header["items"], header.get("end"))

    def discard(self) -> None:
        """Kill it; the file system may block it for longer, which is not awaited."""
        if not self._discarded:
            self._discarded = True
            self._child.kill("no longer needed", dump=False, reap_seconds=REAP_SECONDS)

    @property
    def usable(self) -> bool:
        """Whether it runs, and every frame was read completely."""
        return not (self._broken or self._discarded) and self._child.alive

    @property
    def lingers(self) -> bool:
        """Whether it was killed and has not ended."""
        return self._discarded and self._child.alive


class _Discarded(Exception):
    """The answer is no longer needed."""


class FilesystemThread:
    """A thread: fast to start, and sufficient for local disks."""

    ready = True

    def __init__(self) -> None:
        """Raises OSError: the system may be out of threads."""
        self._calls: queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._parts: queue.Queue[AnswerPart] = queue.Queue(WAITING)
        self._discarded = False
        self._alive_at = 0.0
        self._heard_at = 0.0
        self._thread = threading.Thread(target=self._run, name="filesystem", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise OSError(errno.EAGAIN, str(error)) from error

    def send(self, call: str, arguments: tuple[Any, ...]) -> None:
        """Start a call."""
        self._calls.put((call, arguments))

    def receive(self, seconds: float) -> AnswerPart | None:
        """The next part."""
        try:
            return self._parts.get(timeout=seconds) if seconds else self._parts.get_nowait()
        except queue.Empty:
            if self._alive_at == self._heard_at:
                return None
            self._heard_at = self._alive_at
            return AnswerPart([], None)

    def discard(self) -> None:
        """Stop it as soon as the file system allows."""
        self._discarded = True
        self._calls.put(None)

    @property
    def usable(self) -> bool:
        """Whether it was not told to stop."""
        return not self._discarded

    @property
    def lingers(self) -> bool:
        """Whether it was told to stop and has not."""
        return self._discarded and self._thread.is_alive()

    def _run(self) -> None:
        with reporting(self._keep_alive):
            while (asked := self._calls.get()) is not None:
                try:
                    self._serve(*asked)
                except _Discarded:
                    return

    def _serve(self, call: str, arguments: tuple[Any, ...]) -> None:
        items: list[Item] = []
        end, size = 0, min(FIRST_BATCH, BATCH)
        try:
            for item in after_queries(CALLS[call](*arguments)):
                items.append(item)
                if len(items) >= size:
                    self._put(AnswerPart(items, None))
                    items, size = [], min(2 * size, BATCH)
        except _Discarded:
            raise
        except Exception as error:
            # The thread continues: otherwise the file system would seem silent.
            end = errno_of(error)
        self._put(AnswerPart(items, end))

    def _put(self, part: AnswerPart) -> None:
        while True:
            self._keep_alive()
            with contextlib.suppress(queue.Full):
                self._parts.put(part, timeout=1.0)
                return

    def _keep_alive(self) -> None:
        if self._discarded:
            raise _Discarded
        self._alive_at = time.monotonic()
