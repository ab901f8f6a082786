"""A daemon made of answers: what the command line is tested against, honest or not."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import photosd

Answer = dict[str, Any] | list[dict[str, Any]] | bytes | Callable[[dict[str, Any]], Any]


class StubDaemon:
    """Answers each operation as told: with a result, with progress and a result, or with bytes.

    A dict is the result (or the error, when its only key is ``error``); a list is progress
    objects and, last, the result; bytes are sent as they are and the connection is closed; a
    function is called with the parameters and returns any of these. None answers nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, Answer | None] = {"folders": {"folders": []}}
        self.requests: list[dict[str, Any]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def params(self, op: str) -> list[dict[str, Any]]:
        """The parameters of every request for ``op``, in order."""
        return [request["params"] for request in self.requests if request["op"] == op]

    def close(self) -> None:
        """Leave nothing behind."""
        for end in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as lines:
            for line in lines:
                request = json.loads(line)
                self.requests.append(request)
                answer = self.answers.get(request["op"])
                if callable(answer):
                    answer = answer(request["params"])
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                for message in _messages(answer):
                    reply = {"v": 1, "id": request["id"], **message}
                    connection.sendall(json.dumps(reply).encode() + b"\n")


def _messages(answer: Any) -> list[dict[str, Any]]:
    if answer is None:
        return []
    if isinstance(answer, list):
        *progress, result = answer
        return [*({"progress": part} for part in progress), {"ok": True, "result": result}]
    if list(answer) == ["error"]:
        return [{"ok": False, **answer}]
    return [{"ok": True, "result": answer}]


def error(code: str, **more: Any) -> dict[str, Any]:
    """An error answer."""
    fields = {"code": code, "title": "A title", "message": "the cause", "remedy": "the remedy"}
    return {"error": {**fields, **more}}


def hit(path: str, score: float = 0.3, strength: str = "strong", **more: Any) -> dict[str, Any]:
    """One photo of an answer."""
    return {
        "rank": 1,
        "path": path,
        "score": score,
        "strength": strength,
        "sources": ["clip"],
        "taken_at": None,
        "offline": False,
        **more,
    }


def query_result(*hits: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An answer to a query."""
    return {
        "version": 1,
        "query": "sunset",
        "mode_used": "local",
        "fallback_reason": None,
        "model": "starter",
        "answered_by": "vector",
        "convincing": bool(hits) and hits[0]["strength"] != "weak",
        "understood": 1.0,
        "unknown": [],
        "hits": [{**one, "rank": number} for number, one in enumerate(hits, 1)],
        "coverage": {
            "photos": 12408,
            "indexed": 12408,
            "pending": 0,
            "failed": 0,
            "offline_folders": [],
        },
        "timings_ms": {"encode": 1.0, "search": 2.0, "total": 41.0},
        "warnings": [],
        "daemon_version": photosd.__version__,
        **more,
    }


def status_result(state: str = "ready", **more: Any) -> dict[str, Any]:
    """An answer to `status`."""
    return {
        "version": 1,
        "state": state,
        "pid": 4121,
        "uptime_s": 266400.0,
        "socket": "/run/photosd.sock",
        "daemon_version": "0.1.0",
        "rss_mb": 120.0,
        "encoder": {
            "state": "ready",
            "pid": 4122,
            "model": "starter",
            "device": "cpu",
            "rss_mb": 280.0,
            "restarts": 0,
            "last_restart_reason": None,
            "images_encoded": 0,
            "texts_encoded": 0,
            "phase": None,
            "eta_s": None,
            "error": None,
            "latency_ms": {},
        },
        "index": {
            "photos": 12408,
            "indexed": 12405,
            "pending": 0,
            "failed": 3,
            "rate_per_s": 0.0,
            "eta_s": None,
            "bytes": 41_000_000,
            "waiting_for": None,
        },
        "folders": [
            {"path": "/p/Pictures", "state": "ok", "photos": 12408, "reason": None, "remedy": None}
        ],
        "warnings": [],
        **more,
    }


def progress(indexed: int, pending: int, **more: Any) -> dict[str, Any]:
    """Where indexing stands."""
    return {
        "photos": indexed + pending,
        "indexed": indexed,
        "pending": pending,
        "failed": 0,
        "rate_per_s": 38.0,
        "eta_s": 300.0,
        **more,
    }
