"""A stand-in for Gemini on the loopback: its wire format, its errors, and every request it got.

It understands colours: a picture's vector is its mean colour, a query's the colours it names. As a
text model it translates by a dictionary.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}
COLOURS["πράσινο"] = COLOURS["green"]
KEY = "AIza-test-key-that-nobody-may-see"
HANG_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON in it."""
        parsed: dict[str, Any] = json.loads(self.raw)
        return parsed

    @property
    def images(self) -> list[bytes]:
        """Every picture in it."""
        found: list[bytes] = []
        _collect(self.body, found)
        return found


@dataclass
class Answer:
    """How one request is answered: ``None`` for the body means as Gemini would."""

    status: int = 200
    body: object = None
    after: float = 0.0  # seconds before the first byte
    trickle: float = 0.0  # seconds between the bytes of the body
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    dimensions: int | None = None  # other than was asked for
    missing: int = 0  # vectors left out
    value: str | None = None  # in place of every vector's first number
    scale: float = 1.0


def error(code: int, status: str, message: str, *details: object) -> Answer:
    """An error in Google's form."""
    said = {"code": code, "status": status, "message": message, "details": list(details)}
    return Answer(code, {"error": said})


def quota(delay: str) -> Answer:
    """429 with the delay Google asks for."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", info)


BAD_KEY = error(
    400,
    "INVALID_ARGUMENT",
    "API key not valid. Please pass a valid API key.",
    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},
)
FORBIDDEN = error(403, "PERMISSION_DENIED", "Permission denied on resource project")
GONE = error(404, "NOT_FOUND", "models/x is not found for API version v1")
BROKEN = error(500, "INTERNAL", "An internal error has occurred")
OVERLOADED = error(503, "UNAVAILABLE", "The model is overloaded")
HANG = Answer(hang=True)


class FakeGemini:
    """Use as a context manager. ``answers`` are used up one by one; then ``always``, then truth."""

    def __init__(self, translations: dict[str, list[str]] | None = None) -> None:
        self.translations = translations or {}
        self.requests: list[Request] = []
        self.answers: deque[Answer] = deque()
        self.always: Answer | None = None
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeGemini:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def asked(self, what: str) -> list[Request]:
        """Requests to this method of Gemini's."""
        return [request for request in self.requests if request.path.endswith(what)]

    @property
    def images(self) -> list[bytes]:
        """Every picture that was sent."""
        return [image for request in self.requests for image in request.images]

    def next_answer(self) -> Answer:
        """What the next request gets."""
        return self.answers.popleft() if self.answers else self.always or Answer()

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the test."""
        self._released.wait(seconds)

    def truth(self, request: Request, answer: Answer) -> object:
        """What Gemini would say."""
        if request.path.endswith(":batchEmbedContents"):
            return self._embeddings(request.body["requests"], answer)
        if request.path.endswith(":generateContent"):
            return self._written(request.body)
        return {"error": {"code": 404, "status": "NOT_FOUND", "message": "no such method"}}

    def _embeddings(self, asked: list[dict[str, Any]], answer: Answer) -> object:
        rows = []
        for one in asked[: len(asked) - answer.missing]:
            size = answer.dimensions or one.get("outputDimensionality", 3072)
            row = [answer.scale * float(number) for number in embed(one["content"], size)]
            rows.append({"values": [answer.value, *row[1:]] if answer.value else row})
        return {"embeddings": rows}

    def _written(self, body: dict[str, Any]) -> object:
        words = body["contents"][-1]["parts"][-1]["text"]
        prompts = self.translations.get(words, [words if words.isascii() else "a picture"])
        return written(json.dumps({"prompts": prompts}))


def written(text: str) -> object:
    """A text model's answer."""
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
        ],
        "usageMetadata": {"promptTokenCount": 150, "candidatesTokenCount": 30},
    }


def embed(content: dict[str, Any], size: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The unit vector of one content; parts of one content become one vector, as Gemini's do."""
    total = np.zeros(3)
    digest = hashlib.sha256()
    for part in content["parts"]:
        inline = part.get("inline_data") or part.get("inlineData")
        if inline:
            data = base64.urlsafe_b64decode(inline["data"])
            digest.update(data)
            with Image.open(io.BytesIO(data)) as picture:
                total += np.asarray(picture.convert("RGB"), np.float64).mean(axis=(0, 1)) / 255
        else:
            digest.update(part["text"].encode())
            for word in re.findall(r"\w+", part["text"].lower()):
                total += COLOURS.get(word, (0.0, 0.0, 0.0))
    rest = np.random.default_rng(int.from_bytes(digest.digest()[:8], "big")).normal(size=size)
    vector = 0.02 * rest / np.linalg.norm(rest)
    vector[:3] += total
    return np.asarray(vector / np.linalg.norm(vector))


def _collect(value: object, found: list[bytes]) -> None:
    if isinstance(value, dict):
        if "mime_type" in value or "mimeType" in value:
            found.append(base64.urlsafe_b64decode(value["data"]))
        for inner in value.values():
            _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)


def _handler(gemini: FakeGemini) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(self.path, dict(self.headers.items()), raw)
            gemini.requests.append(request)
            answer = gemini.next_answer()
            if answer.hang:
                gemini.pause(HANG_SECONDS)
                return
            gemini.pause(answer.after)
            self._say(
                answer, answer.body if answer.body is not None else gemini.truth(request, answer)
            )

        do_GET = do_PUT = do_CONNECT = do_POST  # whatever is asked is written down

        def _say(self, answer: Answer, body: object) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            head = f"HTTP/1.1 {answer.status} X\r\nContent-Length: {len(data)}\r\n"
            head += "Content-Type: application/json\r\n"
            head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
            try:
                if not answer.trickle:
                    self.wfile.write(head.encode() + b"\r\n" + data)
                    return
                self.wfile.write(head.encode() + b"\r\n")
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    gemini.pause(answer.trickle)
            except OSError:
                pass  # the caller is gone

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def wait_for(what: Any, seconds: float = 20.0) -> Any:
    """What ``what()`` says once it is true."""
    limit = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.05)
    return found
