"""A crowd of clients that query all the time and note how each query ended."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from types import TracebackType

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.protocol.client import Client

DEADLINE_MS = 3000
PAUSE_SECONDS = 0.1
WORDS = ("dog", "beach", "snow", "car", "child", "tree", "river", "bird", "boat", "city", "night")


@dataclass(frozen=True)
class Ending:
    """How a query ended: ``kind`` is how it was answered, or the code of its error."""

    kind: str
    seconds: float
    title: str = ""
    remedy: str = ""


class Crowd:
    """``with Crowd(home, 50) as crowd:`` queries from then on until the block ends."""

    def __init__(self, home: Home, clients: int, deadline_ms: int = DEADLINE_MS) -> None:
        self._home, self._deadline_ms = home, deadline_ms
        self._stop = threading.Event()
        self.endings: list[Ending] = []
        self.broken: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(clients)
        ]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    @property
    def slowest(self) -> float:
        """Seconds the slowest answer took."""
        return max(ending.seconds for ending in self.endings)

    def kinds(self) -> dict[str, int]:
        """How many ended in which way."""
        return {
            kind: len(list(group))
            for kind, group in itertools.groupby(sorted(e.kind for e in self.endings))
        }

    def _run(self, client_number: int) -> None:
        try:
            with Client(self._home.socket, timeout=30) as client:
                for number in itertools.count():
                    if self._stop.wait(PAUSE_SECONDS):
                        return
                    word = WORDS[(client_number + number) % len(WORDS)]
                    self.endings.append(self._ask(client, f"{word} {client_number} {number}"))
        except BaseException as error:  # whatever it is, the test must see it
            self.broken.append(error)

    def _ask(self, client: Client, text: str) -> Ending:
        started = time.monotonic()
        params = {"text": text, "limit": 5, "deadline_ms": self._deadline_ms}
        try:
            answer = client.call("query", params)
        except PhotosdError as error:
            return Ending(error.code, time.monotonic() - started, error.title, error.remedy)
        return Ending(answer["answered_by"], time.monotonic() - started)
