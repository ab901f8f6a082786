"""What of this daemon is asked for signs of life, and its socket repaired when it went missing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

import structlog

from photosd.core.errors import AlreadyRunning, PhotosdError
from photosd.core.paths import Home
from photosd.ipc.endpoint import Endpoint
from photosd.ipc.server import Server
from photosd.library import Library
from photosd.service import health
from photosd.service.notify import Notifier
from photosd.service.pulse import Pulse

log = structlog.get_logger()


class Vitals:
    """Signs of one running daemon; ``library`` gives it once it is open."""

    def __init__(
        self,
        home: Home,
        endpoint: Endpoint,
        server: Server,
        library: Callable[[], Library | None],
        stop: Callable[[str], None],
    ) -> None:
        self._home, self._endpoint, self._server = home, endpoint, server
        self._library, self._stop = library, stop
        self._loop = asyncio.get_running_loop()

    def pulse(self, notifier: Notifier, words: Callable[[], str]) -> Pulse:
        """The thread that looks at all of it."""
        signs = {
            "event_loop": lambda: health.loop_turns(self._loop),
            "socket": self._socket,
            "watchdog": self._watchdog,
            "watcher": self._watcher,
            "reconciler": self._reconciler,
        }
        alone = os.environ.get("PHOTOSD_SELF_CHECK") == "exit"
        return Pulse(notifier, signs, words, exit_when_unwell=alone)

    def _socket(self) -> str | None:
        try:
            self._repair_socket()
        except AlreadyRunning as error:  # the runtime directory was removed, and made anew
            self._stop(str(error))
            return None
        except PhotosdError as error:
            return str(error)
        return health.socket_is_ours(self._endpoint.path)

    def _repair_socket(self) -> None:
        if not self._endpoint.renew(self._home):
            return
        log.warning("socket_was_gone", path=str(self._endpoint.path), remedy="nothing: made anew")
        listening = asyncio.run_coroutine_threadsafe(self._server.listen_anew(), self._loop)
        with contextlib.suppress(TimeoutError):  # then the event loop's own sign says so
            listening.result(health.LOOP_SECONDS)

    def _watchdog(self) -> str | None:
        if (library := self._library()) is None:
            return None
        return health.recent("no turn", library.encoder.turned_at, health.WATCHDOG_SECONDS)

    def _watcher(self) -> str | None:
        if (library := self._library()) is None:
            return None
        return health.recent("nothing heard", library.watcher.sign_at, health.WATCHER_SECONDS)

    def _reconciler(self) -> str | None:
        if (library := self._library()) is None:
            return None
        reconciler = library.reconciler
        turned = health.recent("no turn", reconciler.turned_at, health.RECONCILER_SECONDS)
        return turned or reconciler.stalled()
