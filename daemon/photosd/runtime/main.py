"""`photosd run`: takes the socket and runs the daemon until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import os
import signal
import sys

import structlog

import photosd
from photosd.core import settings_file
from photosd.core.descriptors import raise_limit
from photosd.core.errors import AlreadyRunning, PhotosdError
from photosd.core.heap import limit_arenas
from photosd.core.log import set_up
from photosd.core.macos import never_download_from_icloud
from photosd.core.paths import Home
from photosd.gemini.environment import Environment
from photosd.protocol.endpoint import open_endpoint
from photosd.runtime.daemon import Daemon
from photosd.runtime.operations import handlers
from photosd.service.notify import SystemdNotifier

log = structlog.get_logger()

SWITCH_SECONDS = 0.0005  # a query crosses several threads; each may wait for the GIL
STACKS_BYTES = 1 << 20


def main() -> int:
    """Run the daemon in the foreground; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # until there is something to stop
    limit_arenas()
    raise_limit()
    never_download_from_icloud()
    environment = Environment.take()  # before any child inherits it
    home = Home.from_environment()
    reading = settings_file.read(home.settings)
    try:
        endpoint = open_endpoint(home)
    except PhotosdError as error:
        print(f"{error.title}: {error}\n  {error.remedy}", file=sys.stderr)  # noqa: T201
        return 0 if isinstance(error, AlreadyRunning) else error.exit_code
    os.umask(0o077)
    sys.setswitchinterval(SWITCH_SECONDS)
    notifier = SystemdNotifier()
    set_up(reading.settings.log.level, home.log)
    log.info(
        "starting", version=photosd.__version__, home=str(home.state), python=sys.version.split()[0]
    )
    _keep_stacks(home)
    daemon = Daemon(home, reading, endpoint, notifier, environment)
    asyncio.run(daemon.serve(handlers(daemon)))
    daemon.close()
    # Worker threads may be in native calls; all important data is on disk by now.
    logging.shutdown()
    os._exit(0)


def _keep_stacks(home: Home) -> None:
    """Dump every thread's stack if the process is aborted or crashes."""
    file = home.stacks
    with contextlib.suppress(OSError):  # without space for it the daemon still starts
        if file.exists() and file.stat().st_size > STACKS_BYTES:
            file.replace(file.with_suffix(".old"))
        # Open until the process ends: faulthandler writes to the file descriptor.
        faulthandler.enable(file.open("a"), all_threads=True)
