"""The daemon's state as it changes, for every open page; and that the daemon does not answer."""

from __future__ import annotations

import json
import threading
from typing import Any

from photosd.core.errors import PhotosdError
from photosd.protocol.client import Client

RETRY_SECONDS = 0.5
LOOK_SECONDS = 15.0  # beyond the daemon's keep-alives


class Live:
    """Follows the daemon in a thread, across its restarts. Any thread may read it."""

    def __init__(self, socket: str | None) -> None:
        """``socket``: path of the daemon's socket, None for the default one."""
        self._socket = socket
        self._stopped = threading.Event()
        # Number of the state, and the state as JSON.
        self.latest: tuple[int, str] = (0, json.dumps({"state": "connecting"}))

    def start(self) -> None:
        """Begin to follow."""
        threading.Thread(target=self._follow, name="live", daemon=True).start()

    def stop(self) -> None:
        """End streams and the thread; nothing is awaited."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether the server ends."""
        return self._stopped.is_set()

    def _follow(self) -> None:
        while not self.stopped:
            try:
                with Client(self._socket, timeout=LOOK_SECONDS) as client:
                    for status in client.follow():
                        self._publish(status)
                        if self.stopped:
                            return
            except PhotosdError as error:
                self._publish({"state": "down", "error": error.as_dict()})
            self._stopped.wait(RETRY_SECONDS)

    def _publish(self, state: Any) -> None:
        text = json.dumps(state, ensure_ascii=False)
        if text != self.latest[1]:
            self.latest = (self.latest[0] + 1, text)
