"""The socket server: one JSON object per line, requests answered concurrently."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any

import msgspec
import structlog

from photosd.core import descriptors
from photosd.core.errors import BadRequest, Busy, DeadlineExceeded, PhotosdError, UnknownOp
from photosd.protocol.caller import PROTOCOL, REQUEST_LIMIT
from photosd.protocol.connection import peer_uid
from photosd.protocol.endpoint import BACKLOG, Endpoint
from photosd.protocol.requests import OPERATIONS, Request, parse_params, parse_request

log = structlog.get_logger()

CONNECTIONS = 256  # at most half of the descriptors; beyond it the longest idle one is closed
AT_ONCE = 16  # accepted before any of them is looked at: each takes a descriptor
# Requests being answered, over all connections. Streams may last for hours, or have a client that
# does not read; others may come in floods: queries have their own places.
QUERIES, OTHERS, STREAMS = 24, 16, 16
PICTURES = 8  # thumbnails come by the hundred and wait for decoders
SUBSCRIPTIONS = 32  # each lasts as long as its reader
WAITING = 1000  # for a place, in order of arrival; then the answer is "busy"
IN_FLIGHT_EACH = 8  # per connection, so that no client takes every place
LINE_SECONDS = 5.0  # from a line's first byte to its last
IDLE_SECONDS = 300.0
WRITE_SECONDS = 10.0  # a client that does not read is cut off
OPERATION_SECONDS = 60.0
STOP_ANSWER_SECONDS = 2.0


class ClientLeft(ConnectionError):
    """The client disconnected, or does not read. Handlers let it propagate: it is not a failure."""


Result = Mapping[str, object]
Emit = Callable[[Result], None]  # sends a progress object
# Of the parameters and, for an operation with progress, the function that sends it.
Handler = Callable[..., Result]


class Server:
    """Answers each operation with its handler; handlers run in threads."""

    def __init__(self, endpoint: Endpoint, handlers: dict[str, Handler]) -> None:
        self._endpoint, self._handlers = endpoint, handlers
        self._queries, self._others = RequestLane(QUERIES, "query"), RequestLane(OTHERS, "request")
        self._streams, self._pictures = (
            RequestLane(STREAMS, "stream"),
            RequestLane(PICTURES, "picture"),
        )
        self._subscriptions = RequestLane(SUBSCRIPTIONS, "subscription")
        self._lanes = (
            self._queries,
            self._others,
            self._streams,
            self._pictures,
            self._subscriptions,
        )
        self._connections: dict[ClientConnection, None] = {}  # oldest first
        self._most = min(CONNECTIONS, descriptors.limit() // 2)
        self.stop_requests: set[asyncio.Task[None]] = set()  # not answered yet
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Start accepting."""
        # From Python 3.13 asyncio would unlink the socket's file, which may be systemd's.
        ours: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        self._server = await asyncio.start_unix_server(
            self._accept, sock=self._endpoint.listener, limit=REQUEST_LIMIT, backlog=AT_ONCE, **ours
        )
        self._endpoint.listener.listen(BACKLOG)  # asyncio has made its own number of it

    async def listen_again(self) -> None:
        """Accept on the renewed endpoint; open connections are kept."""
        before = self._server
        await self.start()
        if before is not None:
            before.close()

    async def stop(self) -> None:
        """Stop accepting, answer clients that requested the stop, and close every connection;
        bounded in time.
        """
        if self._server is not None:
            self._server.close()
        if self.stop_requests:
            await asyncio.wait(self.stop_requests, timeout=STOP_ANSWER_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        for lane in self._lanes:
            lane.close()
        self._endpoint.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ClientConnection(self, reader, writer)
        if len(self._connections) >= self._most:
            self._make_room()
        self._connections[connection] = None
        try:
            if _user_of(writer) == os.getuid():
                await connection.serve()
        except (ConnectionError, TimeoutError):
            pass  # the client left, or was too slow
        except asyncio.CancelledError:
            pass  # the loop ends; until Python 3.12 asyncio would log it as an error
        finally:
            self._connections.pop(connection, None)
            connection.abort()

    def _make_room(self) -> None:
        """Close the connection that has been idle for the longest time."""
        idle = [c for c in self._connections if not c.tasks] or list(self._connections)
        oldest = min(idle, key=lambda connection: connection.active_at)
        del self._connections[oldest]  # now: of many that come at once, each closes another one
        oldest.abort()

    async def answer(self, request: Request, emit: Emit) -> Result:
        """Run the operation in a thread, up to its time limit."""
        operation = OPERATIONS.get(request.op)
        handler = self._handlers.get(request.op)
        if operation is None or handler is None:
            raise UnknownOp(
                f"unknown operation {request.op!r}; known: {', '.join(self._handlers)}",
                remedy="photosd restart   (if the daemon is older than the client)",
            )
        params = parse_params(request, operation)
        limit = getattr(params, "deadline_ms", OPERATION_SECONDS * 1000) / 1000
        begun = time.monotonic()
        lane = self._lane(request.op, streams=operation.progress is not None)
        await lane.place(limit)
        left = max(0.001, limit - (time.monotonic() - begun))
        if "deadline_ms" in params.__struct_fields__:
            params = msgspec.structs.replace(params, deadline_ms=max(1, int(1000 * left)))
        if operation.progress:
            handler = functools.partial(handler, emit=emit)
        running = lane.run(handler, params)
        try:
            # Shielded: a thread cannot be stopped; it runs to its end and keeps its place.
            return await asyncio.wait_for(
                asyncio.shield(running), None if operation.progress else left
            )
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"no answer after {limit:g} s", remedy="photosd status", retry_after_ms=1000
            ) from error

    def _lane(self, op: str, *, streams: bool) -> RequestLane:
        if op in ("subscribe", "follow"):
            return self._subscriptions
        if streams:
            return self._streams
        return {"query": self._queries, "facets": self._queries, "thumbnail": self._pictures}.get(
            op, self._others
        )


class RequestLane:
    """Threads for one kind of request; requests without a free thread wait in order. For the event
    loop.
    """

    def __init__(self, places: int, name: str) -> None:
        self._free = asyncio.Semaphore(places)
        self._waiting = 0
        self._threads = ThreadPoolExecutor(places, thread_name_prefix=name)

    async def place(self, seconds: float) -> None:
        """Wait for a place, which `run` then fills; raises Busy if there is none in time."""
        if self._waiting >= WAITING:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise self._busy() from error
        finally:
            self._waiting -= 1

    def run(self, handler: Handler, params: msgspec.Struct) -> asyncio.Future[Result]:
        """Start in a thread; the place is free again when it has ended. Raises Busy if the system
        has no thread.
        """
        refused = False

        def work() -> Result:  # the executor keeps what it could not start
            return {} if refused else handler(params)

        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        except RuntimeError as error:
            refused = True
            self._free.release()
            raise Busy(str(error), remedy="close other programs", retry_after_ms=1000) from error
        running.add_done_callback(self._finished)
        return running

    def close(self) -> None:
        """Start nothing more; running work is not awaited."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _busy(self) -> Busy:
        return Busy(f"{self._waiting} requests are waiting", remedy="try again", retry_after_ms=200)

    def _finished(self, running: asyncio.Future[Result]) -> None:
        self._free.release()
        if not running.cancelled():
            running.exception()  # retrieve the exception: the client got it, or left


class ClientConnection:
    """One client: reads requests, writes answers, matched by id."""

    def __init__(
        self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._write_lock = asyncio.Lock()
        self.active_at = time.monotonic()
        self.tasks: set[asyncio.Task[None]] = set()

    def abort(self) -> None:
        """Close the connection now."""
        for task in self.tasks:
            task.cancel()
        self._writer.transport.abort()

    async def serve(self) -> None:
        """Read requests until the client leaves, is idle for long, or sends half a line."""
        while line := await self._line():
            self.active_at = time.monotonic()
            if line.isspace():
                continue
            if len(self.tasks) >= IN_FLIGHT_EACH:
                await asyncio.wait(self.tasks, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(self._respond(line))
            self.tasks.add(task)
            task.add_done_callback(self._responded)
        if self.tasks:  # `nc -N` closes its sending side and waits for the answers
            await asyncio.wait(self.tasks, timeout=IDLE_SECONDS)

    def _responded(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self._server.stop_requests.discard(task)

    async def _line(self) -> bytes:
        """The next line, empty at the end of the stream."""
        try:
            first = await asyncio.wait_for(self._reader.read(1), self._idle_limit())
            if first in (b"", b"\n"):
                return first
            rest = await asyncio.wait_for(self._reader.readuntil(b"\n"), LINE_SECONDS)
            return first + rest
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            error = BadRequest(
                f"a request is one line of at most {REQUEST_LIMIT} bytes",
                remedy="send a shorter request",
            )
            await self._send({"v": PROTOCOL, "id": None, "ok": False, "error": error.as_dict()})
            await asyncio.wait_for(self._drop_line(), LINE_SECONDS)
            return b""

    async def _drop_line(self) -> None:
        """Read up to the end of the line: a client reads its answer once it has sent all of it."""
        while (part := await self._reader.read(REQUEST_LIMIT)) and b"\n" not in part:
            pass

    def _idle_limit(self) -> float | None:
        return None if self.tasks else IDLE_SECONDS

    async def _respond(self, line: bytes) -> None:
        identity: str | int | None = None
        try:
            request = parse_request(line)
            identity = request.id
            if request.op == "stop" and (task := asyncio.current_task()) is not None:
                self._server.stop_requests.add(task)
            result = await self._server.answer(request, self._emitter(identity))
            reply = {"ok": True, "result": result, "warnings": result.get("warnings", [])}
        except ClientLeft:
            return
        except PhotosdError as error:
            reply = {"ok": False, "error": error.as_dict()}
        except Exception as error:
            log.exception("request_failed")
            reply = {"ok": False, "error": PhotosdError(f"{type(error).__name__}").as_dict()}
        with contextlib.suppress(ConnectionError, TimeoutError):
            await self._send({"v": PROTOCOL, "id": identity, **reply})

    def _emitter(self, identity: str | int | None) -> Emit:
        """A function for the handler's thread that sends a progress object, waiting for buffer
        space.
        """
        loop = asyncio.get_running_loop()

        def emit(progress: Result) -> None:
            message = {"v": PROTOCOL, "id": identity, "progress": progress}
            try:
                sent = asyncio.run_coroutine_threadsafe(self._send(message), loop)
                sent.result(WRITE_SECONDS + 5)
            except (ConnectionError, TimeoutError, CancelledError) as error:
                raise ClientLeft("the client disconnected") from error

        return emit

    async def _send(self, message: dict[str, Any]) -> None:
        encoded = msgspec.json.encode(message) + b"\n"
        async with self._write_lock:
            if self._writer.transport.is_closing():
                raise ClientLeft("the client disconnected")
            self._writer.write(encoded)
            try:
                await asyncio.wait_for(self._writer.drain(), WRITE_SECONDS)
            except TimeoutError:
                self.abort()
                raise


def _user_of(writer: asyncio.StreamWriter) -> int | None:
    """The user id of the client; None if it has disconnected (macOS then reports no peer)."""
    try:
        return peer_uid(writer.get_extra_info("socket"))
    except OSError:
        return None
