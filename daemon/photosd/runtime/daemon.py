"""The daemon: answers on its socket at once, opens the library in the background, stops
in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Sequence

import structlog

import photosd
from photosd.core import settings_file
from photosd.core.clock import STOP_SECONDS, Deadline
from photosd.core.config import Settings
from photosd.core.errors import Busy, PhotosdError, Warming
from photosd.core.log import set_level
from photosd.core.paths import Home
from photosd.core.process_memory import used_mb
from photosd.core.secrets import without_secrets
from photosd.core.settings_file import Problem, SettingsReading
from photosd.core.shortage import shortage_of
from photosd.core.start_stop import start
from photosd.encoder.encoder_status import EncoderStatus
from photosd.gemini.environment import Environment
from photosd.protocol.client import Client
from photosd.protocol.endpoint import Endpoint
from photosd.protocol.reports import EncoderReport, IndexReport, StatusResult
from photosd.protocol.server import Handler, Server
from photosd.runtime.library import Library
from photosd.runtime.liveness import LivenessChecks, LivenessMonitor
from photosd.service.notify import SystemdNotifier

log = structlog.get_logger()

# Parts of STOP_SECONDS: for all parts to stop; until our own clients have disconnected; then the
# process exits.
ENDING_SECONDS, OWN_CLIENTS_SECONDS, FORCE_SECONDS = STOP_SECONDS - 2, 3.0, STOP_SECONDS - 1
LOG_SECONDS = 0.5
SETTING_SECONDS = 30.0
RETRY_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # before retrying a failed start
WARM_UP_QUERIES, WARM_UP_SECONDS = 4, 5.0
LIBRARY_SECONDS = 5.0  # the time to open the library, with a margin; tells clients when to retry


class Daemon:
    """One process serving one home."""

    def __init__(
        self,
        home: Home,
        settings: SettingsReading,
        endpoint: Endpoint,
        notifier: SystemdNotifier | None = None,
        environment: Environment | None = None,
    ) -> None:
        self.home, self.settings = home, settings.settings
        self._note(settings.problems)
        self._setting = threading.Lock()  # settings change one at a time
        self._endpoint, self._notifier = endpoint, notifier or SystemdNotifier()
        self._environment = environment
        self._started = time.monotonic()
        self._library: Library | None = None
        self._monitor: LivenessMonitor | None = None
        self._open = threading.Event()
        self._querying_own_socket = threading.Lock()
        self._trouble: PhotosdError | None = None  # why there is no library; opening is retried
        self._stop_asked = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._deadline: Deadline | None = None  # once a stop was requested
        self._asking_to_stop = threading.Lock()
        self._warming: threading.Thread | None = None
        self._opening = threading.Thread(target=self.open_library, name="opening", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- start and stop ------------------------------------------------------------------------

    async def serve(self, handlers: dict[str, Handler]) -> None:
        """Serve clients with these handlers until stopped; the library opens meanwhile."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._signalled, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._rescan)
        server = Server(self._endpoint, handlers)
        await server.start()
        self._notifier.send(READY="1", STATUS=self.status_line())
        checks = LivenessChecks(self.home, self._endpoint, server, self._opened, self.request_stop)
        self._monitor = monitor = checks.monitor(self._notifier, self.status_line)
        monitor.start()
        log.info("serving", socket=str(self._endpoint.path), pid=os.getpid())
        self._opening.start()
        await self._stopping.wait()
        self._notifier.send(STOPPING="1", STATUS="stopping")
        await self._own_clients_gone(monitor)
        await server.stop()

    def close(self) -> None:
        """After the last client: stop every part, within the total deadline.

        For the main thread. Parts still running end with the process.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self._signalled(number))
        deadline = self._deadline or Deadline.after(ENDING_SECONDS)
        if self._library is not None:
            self._library.halt()
        self._opening.join(deadline.part(0.5).remaining)
        late = ["opening"] if self._opening.is_alive() else []
        if self._library is not None and not late:
            late = self._library.close(deadline)
        if self._warming is not None:  # its request failed when the encoder stopped
            self._warming.join(deadline.remaining)
        if late:  # the lock is released by the exit, after the last writer
            log.warning("stop_forced", late=late, remedy="no action needed: no data is lost")
        else:
            self._endpoint.release()
        log.info("stopped")

    def request_stop(self, reason: str) -> None:
        """Start stopping; from any thread, the first reason counts."""
        with self._asking_to_stop:
            if self._deadline is not None:
                return
            self._deadline = Deadline.after(ENDING_SECONDS)
        self._stop_asked.set()
        log.info("stopping", reason=reason)
        force = threading.Timer(FORCE_SECONDS, self.force_exit, ("it took too long",))
        force.daemon = True
        start(force)
        if (library := self._library) is not None:
            library.halt()
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    def _signalled(self, number: int) -> None:
        """The first signal stops, the second one forces an exit."""
        if self._deadline is not None:
            self.force_exit(f"{signal.Signals(number).name} came again")
        self.request_stop(signal.Signals(number).name)

    def force_exit(self, reason: str) -> None:
        """Exit now: all important data is on disk, and workers end with this process."""

        def say() -> None:  # in a thread, since the disk of the log may be what hangs
            log.warning("stop_forced", reason=reason, remedy="no action needed: no data is lost")
            logging.shutdown()

        closer = threading.Thread(target=say, name="exit-log", daemon=True)
        with contextlib.suppress(RuntimeError):  # out of threads: do not log
            closer.start()
            closer.join(LOG_SECONDS)
        os._exit(0)

    async def _own_clients_gone(self, monitor: LivenessMonitor) -> None:
        """Wait until our own clients have disconnected: a connection to systemd's socket would
        start a new daemon.
        """
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        deadline = Deadline.after(OWN_CLIENTS_SECONDS)

        def wait() -> None:
            monitor.stop(deadline)
            if self._querying_own_socket.acquire(timeout=deadline.remaining):
                self._querying_own_socket.release()
            with contextlib.suppress(RuntimeError):  # the loop is closed by now
                loop.call_soon_threadsafe(gone.set)

        if not start(threading.Thread(target=wait, name="own-clients", daemon=True)):
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(gone.wait(), OWN_CLIENTS_SECONDS)

    def failed_checks(self) -> dict[str, str]:
        """Parts that do not respond now."""
        return dict(self._monitor.failed_checks) if self._monitor is not None else {}

    def status_line(self) -> str:
        """The state in one line, for the service manager."""
        if self._trouble is not None:
            return f"degraded: {self._trouble.title}: {self._trouble}"
        if (library := self._opened()) is None:
            return "warming: the index is being opened"
        encoder = library.encoder.status()
        state = self._state(library, encoder["state"])
        if state == "ready":
            counts = library.catalog.totals()
            return (
                f"ready: {counts.get('indexed', 0):,} photos, {counts.get('pending', 0):,} waiting"
            )
        return f"{state}: the encoder is {encoder['state']}"

    def _rescan(self) -> None:
        if self._library is not None and self._open.is_set():
            self._library.reconciler.request()

    def open_library(self) -> None:
        """Open the library; errors are reported to every client, and retried."""
        for pause in itertools.chain(RETRY_PAUSES, itertools.repeat(RETRY_PAUSES[-1])):
            used = self.settings
            self._trouble = self._try_to_open(used)
            self._open.set()
            if self._trouble is None or self._stop_asked.wait(pause):
                break
        with self._setting:  # one that was changed meanwhile
            if self.settings is not used and (opened := self._opened()) is not None:
                opened.apply(self.settings)

    def _try_to_open(self, settings: Settings) -> PhotosdError | None:
        """Why the library cannot be opened now; nothing of it is kept then."""
        try:
            library = self._library = Library(self.home, settings, self._environment)
            if self._is_stopping():  # it did not exist yet when notified
                library.halt()
            library.open()
            self._warming = threading.Thread(
                target=self._warm_up, args=(library,), name="warm-up", daemon=True
            )
            self._warming.start()
            log.info("library_open", seconds=round(time.monotonic() - self._started, 2))
            return None
        except PhotosdError as error:
            log.error("library_failed", title=error.title, cause=str(error), remedy=error.remedy)
            trouble = error
        except Exception as error:
            trouble = PhotosdError(f"{type(error).__name__}: {error}")
            log.exception("library_failed", remedy=trouble.remedy)
        if not self._stop_asked.is_set():  # else it is closed with everything else
            built, self._library = self._library, None
            if built is not None:
                built.close()
        return trouble

    def _warm_up(self, library: Library) -> None:
        """Run a complete query before the first client does, from socket to socket."""
        try:
            if library.engine.warm_up(library.encoder.limits.start):
                for number in range(WARM_UP_QUERIES):
                    with self._querying_own_socket:
                        if self._is_stopping():
                            break
                        self._query_own_socket(f"warm-up query {number}")
        except Exception:  # queries report it; else the state would stay "warming"
            log.exception("warm_up_failed", remedy="photosd logs")
        gc.collect()
        gc.freeze()  # else each full collection visits all modules, 50 ms that queries wait
        library.warmed_up.set()

    def _query_own_socket(self, text: str) -> None:
        with (
            contextlib.suppress(PhotosdError),
            Client(self._endpoint.path, timeout=WARM_UP_SECONDS) as client,
        ):
            client.query(text, mode="local")

    def _is_stopping(self) -> bool:
        return self._deadline is not None

    # -- for operations ---------------------------------------------------------------------------

    def library(self, wait_seconds: float) -> Library:
        """The open library; raises Warming if it is not open in time, or the error that prevents
        it.
        """
        if not self._open.wait(max(0.0, wait_seconds)):
            left = max(0.5, LIBRARY_SECONDS - (time.monotonic() - self._started))
            raise Warming(
                "the index is being opened",
                remedy=f"try again in {math.ceil(left)} s",
                retry_after_ms=int(1000 * left),
            )
        if self._trouble is not None:
            raise self._trouble
        if self._library is None:
            raise PhotosdError("the library is not open")
        return self._library

    def _opened(self) -> Library | None:
        """The library if it is open and working."""
        return self._library if self._open.is_set() and self._trouble is None else None

    def change_setting(self, name: str, value: str) -> None:
        """Set ``name`` to ``value`` in the file, and apply it; raises ConfigError, Busy.

        The last change of a setting is applied last.
        """
        if not self._setting.acquire(timeout=SETTING_SECONDS):
            raise Busy("another setting is being changed", remedy="try again")
        try:
            library = self._opened()
            if name == "encoder.device" and library is not None:
                library.encoder.require_device(value)
            reading = settings_file.change(self.home.settings, name, value)
            self._note(reading.problems)
            self.settings = reading.settings
            set_level(self.settings.log.level)
            if library is not None:
                library.apply(self.settings, retry_device=name == "encoder.device")
        finally:
            self._setting.release()

    def _note(self, problems: Sequence[Problem]) -> None:
        """Store the problems of the file for status reports, and log them."""
        self._problems = problems
        for problem in problems:
            log.warning("setting_ignored", cause=problem.says, remedy=problem.remedy)

    def report(self) -> StatusResult:
        """The daemon's state; answers at any time."""
        library = self._opened()
        encoder = self._encoder_report()
        trouble, again = self._trouble, "it is retried until it works"
        warnings = [] if trouble is None else [f"{trouble.title}: {trouble}; {again}"]
        warnings += [f"{problem.says}: {problem.remedy}" for problem in self._problems]
        if encoder["error"] is not None:
            warnings.append(f"{encoder['error']['title']}: {encoder['error']['message']}")
        if encoder["doubt"] is not None:
            warnings.append(encoder["doubt"])
        if (takeover := encoder["takeover"]) is not None:
            says = f"{takeover['reason']}; the CPU is used instead"
            warnings.append(f"{says}: {takeover['remedy']}")
        switch = library.model_switcher.report() if library else None
        if switch is not None and switch["error"] is not None:
            warnings.append(f"switching to {switch['model']}: {switch['error']['message']}")
        if library is not None and (trouble := library.model_switcher.trouble) is not None:
            warnings.append(f"{trouble}: {trouble.remedy}")
        folders = library.status.folder_reports() if library else []
        warnings += [f"{f['path']}: {f['reason']}" for f in folders if f["reason"]]
        warnings += library.gemini.warnings() + library.alerts.warnings() if library else []
        return StatusResult(
            version=1,
            state=self._state(library, encoder["state"]),
            pid=os.getpid(),
            uptime_s=round(time.monotonic() - self._started, 1),
            socket=str(self._endpoint.path),
            daemon_version=photosd.__version__,
            rss_mb=used_mb(os.getpid()) or 0.0,
            encoder=encoder,
            index=library.status.index_report() if library else self._no_index(),
            folders=folders,
            warnings=[without_secrets(warning) for warning in warnings],
            switch=switch,
            cloud=library.gemini.report(count=False) if library else None,
            comparisons=library.status.comparison_reports() if library else [],
        )

    def _state(self, library: Library | None, encoder: str) -> str:
        if self._is_stopping():
            return "stopping"
        if self._trouble is not None or encoder in ("broken", "hung", "restarting"):
            return "degraded"
        if library is None or encoder == "loading" or not library.warmed_up.is_set():
            return "warming"
        return "ready"

    def _encoder_report(self) -> EncoderReport:
        if (library := self._library) is None:
            return {**EncoderStatus(self.settings.encoder.model, 0.0).report(None), "eta_s": None}
        return library.encoder.status()

    def _no_index(self) -> IndexReport:
        shortage = None if self._trouble is None else shortage_of(self._trouble)
        return IndexReport(
            photos=0,
            indexed=0,
            pending=0,
            failed=0,
            rate_per_s=0.0,
            eta_s=None,
            bytes=0,
            previews=0,
            waiting_for=shortage or "start",
            paused=False,
            paused_until=None,
        )
