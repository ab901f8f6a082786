"""The web application: routes, and the server that ends with its terminal."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from photosd.core.errors import BadRequest, NotFound, PhotosdError
from photosd_cli.contact_sheet import PARTS
from photosd_cli.web import pictures
from photosd_cli.web.live import Live
from photosd_cli.web.pictures import Archives, Dropped, Original, attachment, name_of
from photosd_cli.web.routes import Api, Near, status_of
from photosd_cli.web.security import Access, Guard

STATIC = Path(__file__).parent / "static"
MAX_BODY = 256 << 10  # bytes of a request in JSON
MAX_STREAMS = 16  # pages that receive the daemon's state
MAX_CONNECTIONS, BACKLOG = 256, 128
LOOK_SECONDS, KEEP_ALIVE_SECONDS = 0.2, 15.0
PICTURE_SECONDS = 3600  # a browser keeps a picture for this long
LOOPBACK = ("127.0.0.1", "::1")
# A page that a browser opens from a file: its own address is not visible to other users in `ps`.
OPENING = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={url}">\n'
# Navigates by itself: a redirect would still count as coming from the file, without the cookie.
ENTERED = (
    '<!doctype html><title>photosd</title><link rel="icon" href="/static/icon.svg">'
    '<meta http-equiv="refresh" content="0;url=/">\n'
)
SPENT = "This address was used already. Start photosd web again for a new one.\n"


class Pages:
    """The endpoints. ``api`` and ``access`` are shared by all of them."""

    def __init__(self, api: Api, access: Access, live: Live, cookie: str) -> None:
        self._api, self._access, self._live, self._cookie = api, access, live, cookie
        self._streams = 0

    def routes(self) -> list[Route | Mount]:
        """Every route."""
        return [
            Route("/", self.page),
            Route("/enter", self.enter),
            Route("/login", self.login_page),
            Route("/login", self.login, methods=["POST"]),
            Route("/api/events", self.events),
            Route("/api/dropped", self.drop, methods=["POST"]),
            Route("/api/duplicates", self.duplicates, methods=["POST"]),
            Route("/api/{name}", self.post, methods=["POST"]),
            Route("/picture/{content}/{pixels:int}", self.picture),
            Route("/dropped/{name}", self.dropped),
            Route("/original/{content}", self.original),
            Route("/zip/{name}", self.zip),
            Route("/static/sheet.css", self.sheet_style),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]

    # -- access -----------------------------------------------------------------------------------

    async def enter(self, request: Request) -> Response:
        """The one-time code becomes a cookie."""
        session = self._access.with_code(request.query_params.get("code", ""))
        if session is None:
            return Response(SPENT, 403, media_type="text/plain")
        return self._with_cookie(HTMLResponse(ENTERED), session)

    async def login_page(self, _request: Request) -> Response:
        if not self._access.takes_passphrase:
            return Response("Not found\n", 404, media_type="text/plain")
        return _html("login.html")

    async def login(self, request: Request) -> Response:
        """The pass phrase becomes a cookie."""
        given = (await _body(request, MAX_BODY)).decode("utf-8", "replace")
        session = self._access.with_passphrase(given)
        if session is None:
            await anyio.sleep(0.5)
            return JSONResponse({}, 403)
        return self._with_cookie(JSONResponse({}), session)

    def _with_cookie(self, response: Response, session: str) -> Response:
        response.set_cookie(self._cookie, session, httponly=True, samesite="strict", path="/")
        return response

    async def page(self, _request: Request) -> Response:
        return _html("page.html")

    async def sheet_style(self, _request: Request) -> Response:
        """Colours, viewer and dialogs, shared with the contact sheet."""
        return FileResponse(PARTS / "style.css", headers={"cache-control": "no-cache"})

    # -- requests in JSON -------------------------------------------------------------------------

    async def post(self, request: Request) -> Response:
        """One of the requests of `Api`."""
        name = request.path_params["name"]
        if name not in self._api.posts:
            raise NotFound("there is no such request", remedy="reload the page")
        if name in self._api.local and not is_local(request):
            return _problem(BadRequest("only the computer itself may do that"), 403)
        body = await _body(request, MAX_BODY)
        return _json(await run_in_threadpool(self._api.answer, name, body))

    async def duplicates(self, request: Request) -> Response:
        """Groups, one JSON object per line, as they are found."""
        near = b"true" in await _body(request, MAX_BODY)

        def lines() -> Iterator[bytes]:
            try:
                for part in self._api.duplicates(Near(near)):
                    yield json.dumps(part).encode() + b"\n"
            except PhotosdError as error:
                yield json.dumps({"error": error.as_dict()}).encode() + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def events(self, request: Request) -> Response:
        """The daemon's state as server-sent events."""
        if self._streams >= MAX_STREAMS:
            return Response(status_code=503)
        about = {"local": is_local(request)}

        async def stream() -> AsyncIterator[str]:
            self._streams += 1
            try:
                yield f"retry: 1000\nevent: about\ndata: {json.dumps(about)}\n\n"
                seen, waited = -1, 0.0
                while not self._live.stopped:
                    number, state = self._live.latest
                    if number != seen:
                        yield f"data: {state}\n\n"
                        seen, waited = number, 0.0
                    elif waited > KEEP_ALIVE_SECONDS:
                        yield ": \n\n"
                        waited = 0.0
                    await anyio.sleep(LOOK_SECONDS)
                    waited += LOOK_SECONDS
            finally:
                self._streams -= 1

        return StreamingResponse(stream(), media_type="text/event-stream")

    # -- pictures ---------------------------------------------------------------------------------

    async def picture(self, request: Request) -> Response:
        content, pixels = request.path_params["content"], request.path_params["pixels"]
        tag = f'"{content}-{pixels}"'
        headers = {"cache-control": f"private, max-age={PICTURE_SECONDS}", "etag": tag}
        pictures.checked_content(content)
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)

        def small() -> bytes:
            with self._api.client() as client:
                return pictures.jpeg(client, content, pixels)

        data = await run_in_threadpool(small)
        return Response(data, headers=headers, media_type="image/jpeg")

    async def drop(self, request: Request) -> Response:
        """Keep a picture that was dropped on the page."""
        data = await _body(request, pictures.MAX_PICTURE)

        def keep() -> str:
            with self._api.client() as client:
                return self._api.dropped.keep(client, data)

        return _json({"name": await run_in_threadpool(keep)})

    async def dropped(self, request: Request) -> Response:
        path = self._api.dropped.path(request.path_params["name"])

        def small() -> bytes:
            with self._api.client() as client:
                return pictures.of_file(client, path)

        return Response(await run_in_threadpool(small), media_type="image/jpeg")

    async def original(self, request: Request) -> Response:
        """The file of an indexed photo, as a download."""
        content = request.path_params["content"]

        def opened() -> Original:
            with self._api.client() as client:
                return Original(client, content)

        found = await run_in_threadpool(opened)
        headers = {"content-disposition": attachment(name_of(found.path))}
        headers["content-length"] = str(found.size)
        return StreamingResponse(
            iterate_in_threadpool(found.chunks()),
            headers=headers,
            media_type="application/octet-stream",
        )

    async def zip(self, request: Request) -> Response:
        """Originals of the requested photos, as one download."""
        contents = self._api.archives.take(request.path_params["name"])

        def pieces() -> Iterator[bytes]:
            with self._api.client() as client:
                yield from pictures.zipped(client, contents)

        headers = {"content-disposition": attachment("photos.zip")}
        return StreamingResponse(pieces(), headers=headers, media_type="application/zip")


def is_local(request: Request) -> bool:
    """Whether it comes from this computer (or through its `ssh -L`)."""
    return request.client is not None and request.client.host in LOOPBACK


async def _body(request: Request, limit: int) -> bytes:
    """The body of a request; raises BadRequest if it is longer."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise BadRequest(f"the request has more than {limit:,} bytes", remedy="send less")
    return bytes(data)


def _html(name: str) -> Response:
    return HTMLResponse((STATIC / name).read_bytes())


def _json(result: Any) -> Response:
    return Response(json.dumps(result, ensure_ascii=False), media_type="application/json")


def _problem(error: PhotosdError, status: int) -> Response:
    return JSONResponse({"error": error.as_dict()}, status)


async def _failed(_request: Request, error: Exception) -> Response:
    if not isinstance(error, PhotosdError):
        raise error
    return _problem(error, status_of(error))


async def _left(_request: Request, _error: Exception) -> Response:
    return Response(status_code=400)


def build(
    daemon: str | None,
    access: Access,
    live: Live,
    directory: Path,
    *,
    cookie: str,
    names: list[str],
) -> ASGIApp:
    """The application. ``daemon``: path of its socket, None for the default one; ``directory``:
    private and empty, for dropped pictures; ``names``: allowed host names.
    """
    api = Api(daemon, Dropped(directory), Archives())
    pages = Pages(api, access, live, cookie)
    app = Starlette(
        routes=pages.routes(),
        exception_handlers={PhotosdError: _failed, ClientDisconnect: _left},
    )
    return Guard(app, access, cookie, names)


# -- the server ------------------------------------------------------------------------------------


def serve(
    daemon: str | None,
    access: Access,
    *,
    host: str,
    port: int,
    names: list[str],
    ready: Callable[[str, Path], None],
) -> None:
    """Serve until interrupted. ``ready`` gets the address with the code, and a private file that
    opens it. Raises BadRequest if the port is taken.
    """
    try:
        listener = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise BadRequest(
            f"cannot listen on port {port}: {error.strerror}", remedy="photosd web --port 0"
        ) from error
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/enter?code={access.code}"
    directory = Path(tempfile.mkdtemp(prefix="photosd-web-"))  # of mode 0700
    live = Live(daemon)
    try:
        opening = directory / f"{secrets.token_hex(8)}.html"
        opening.touch(0o600)
        opening.write_text(OPENING.format(url=escape(url)))
        cookie = f"photosd-{port}"
        app = build(daemon, access, live, directory, cookie=cookie, names=names)
        server = _Server(_config(app), lambda: ready(url, opening), live)
        live.start()
        server.run([listener])
    finally:
        live.stop()
        listener.close()
        with contextlib.suppress(OSError):
            shutil.rmtree(directory)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=2,
    )


class _Server(uvicorn.Server):
    """Reports when it listens, and ends open streams when it stops."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], live: Live) -> None:
        super().__init__(config)
        self._ready, self._live = ready, live

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await run_in_threadpool(self._ready)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.stop()
        await super().shutdown(sockets)
