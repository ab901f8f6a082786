"""A model hub on the loopback interface, with the faults that real networks have."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlparse

COMMIT = "a" * 40
PIECE = 1 << 16


class StubHub:
    """Serves ``files`` (repository/name -> content) as huggingface.co does, LFS style.

    Faults: ``cut_after`` bytes each answer breaks off; ``cut_times`` how often; ``hold_after``
    bytes it waits; ``silent`` never answers; ``falsify`` changes bytes; ``status`` answers only
    that; ``announced`` is the size it claims; ``etag`` is what kind of etag it gives: "sha256",
    "git" (SHA-1 of the blob), None for none, or any other text as it is.
    """

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.cut_after: int | None = None
        self.cut_times = 1 << 30
        self.hold_after: int | None = None
        self.silent = self.falsify = False
        self.status: int | None = None
        self.announced: int | None = None  # a size that is not true
        self.etag: str | None = "sha256"
        self.requests: list[tuple[str, str, str | None]] = []  # method, path, range
        self.released = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                stub.answer(self, body=False)

            def do_GET(self) -> None:
                stub.answer(self, body=True)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        path = urlparse(request.path).path  # a proxy is asked for the whole address
        self.requests.append((request.command, request.path, request.headers.get("Range")))
        if self.silent:
            self.released.wait(60)
            return
        repository, _, name = path.strip("/").partition("/resolve/main/")
        file = self.files.get(f"{repository}/{name}")
        if self.status is not None or file is None:
            request.send_response(self.status or 404)
            request.send_header("X-Error-Code", "" if self.status else "EntryNotFound")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        self._send(request, file, body=body)

    def _send(self, request: BaseHTTPRequestHandler, file: Path, *, body: bool) -> None:
        size, start = file.stat().st_size, 0
        if (wanted := request.headers.get("Range")) and body:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            request.send_response(200)
        etag = self._etag(file)
        for header, value in (
            *((("ETag", f'"{etag}"'), ("X-Linked-Etag", f'"{etag}"')) if etag else ()),
            ("X-Linked-Size", str(self.announced or size)),
            ("X-Repo-Commit", COMMIT),
            ("Content-Length", str(size - start)),
        ):
            request.send_header(header, value)
        request.end_headers()
        if body:
            with contextlib.suppress(ConnectionError):
                self._send_body(request, file, start)

    def _etag(self, file: Path) -> str | None:
        if self.etag == "sha256":
            return hashlib.sha256(file.read_bytes()).hexdigest()
        if self.etag == "git":
            content = file.read_bytes()
            return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        return self.etag

    def _send_body(self, request: BaseHTTPRequestHandler, file: Path, start: int) -> None:
        sent = 0
        with file.open("rb") as stream:
            stream.seek(start)
            while piece := stream.read(PIECE):
                if self.falsify:
                    piece = bytes(len(piece))
                if self.cut_after is not None and self.cut_times and sent >= self.cut_after:
                    self.cut_times -= 1
                    request.close_connection = True
                    request.connection.close()
                    return
                request.wfile.write(piece)
                sent += len(piece)
                if self.hold_after is not None and sent >= self.hold_after:
                    self.released.wait(60)
