"""The table of places, made when first needed: by a child process, once for each version."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from photosd.core.child import Child, readable
from photosd.core.errors import PlacesUnavailable
from photosd.core.frames import FrameError, receive_frame
from photosd.places.building import package_version
from photosd.places.table import Table

log = structlog.get_logger()

MODULE = "photosd.places"
BUILD_SECONDS = 900.0  # takes 10 to 20 on an idle core; the process has the lowest priority
LOOK_SECONDS = 0.5
RETRY_MS = 5000
DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
UNREADABLE = (OSError, sqlite3.Error, PlacesUnavailable)


class Gazetteer:
    """Opens the table. `make` builds it, in one thread; the other methods may be called by any."""

    def __init__(self, file: Path, source: Path | None = None) -> None:
        """``source``: a directory with files like those of the package; None: the package's."""
        self._file, self._source = file, source
        self.on_asked: Callable[[], object] = lambda: None  # called when the table is missing
        self._lock = threading.Lock()
        self._table: Table | None = None
        self._trouble: PlacesUnavailable | None = None
        self.asked = threading.Event()
        self.being_made = False

    @property
    def ready(self) -> bool:
        """Whether the table can be read."""
        with contextlib.suppress(*UNREADABLE):
            return self._opened() is not None
        return False

    @contextlib.contextmanager
    def reading(self) -> Iterator[Table]:
        """The table for one block; it is made again if it proves damaged.

        Raises PlacesUnavailable: it is being made, or the reason why it cannot be.
        """
        try:
            table = self._opened()
        except UNREADABLE:
            self.asked.set()
            self.on_asked()
            raise self._trouble or PlacesUnavailable(
                "the table of places is being made",
                remedy="try again in a minute",
                retry_after_ms=RETRY_MS,
            ) from None
        try:
            yield table
        except sqlite3.Error as error:
            if not self._close(table):  # by another thread, or photosd is being stopped
                why, remedy = "is being replaced", "try again in a minute"
            elif getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
                self._delete(str(error))
                why, remedy = f"is damaged: {error}", "try again in a minute; it is rebuilt"
            else:
                why = f"cannot be read: {error}"
                remedy = "check its disk and the free memory, then try again"
            raise PlacesUnavailable(
                f"the table of places {why}", remedy=remedy, retry_after_ms=RETRY_MS
            ) from error

    def make(self, stopping: threading.Event) -> bool:
        """Build the table if it is missing, damaged or old; False if stopped meanwhile.

        The process ends with the calling thread. Raises PlacesUnavailable.
        """
        self.asked.clear()
        try:
            if not self.ready:
                package_version()
                self.being_made = True
                if not self._build(stopping):
                    return False
                self._opened()
        except PlacesUnavailable as error:
            self._trouble = error
            raise
        except UNREADABLE as error:
            self._trouble = PlacesUnavailable(
                f"the table of places cannot be made: {error}",
                remedy="check free space, memory and the state directory",
            )
            raise self._trouble from error
        finally:
            self.being_made = False
        self._trouble = None
        return True

    def close(self) -> None:
        """Close the table."""
        with self._lock:
            if self._table is not None:
                self._table.close()
                self._table = None

    def _opened(self) -> Table:
        with self._lock:
            if self._table is None:
                self._table = Table(self._file)
            return self._table

    def _close(self, table: Table) -> bool:
        """Close this table; the next reader opens it again. False if it is not the current one."""
        with self._lock:
            if table is not self._table:
                return False
            table.close()
            self._table = None
            return True

    def _delete(self, cause: str) -> None:
        """Delete the damaged file; `make` builds another."""
        log.warning("places_damaged", cause=cause, remedy="no action needed: it is rebuilt")
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _build(self, stopping: threading.Event) -> bool:
        child = Child(MODULE, list(map(os.fspath, filter(None, (self._file, self._source)))))
        reason, started = "no longer needed", time.monotonic()
        try:
            while not readable(child.sock, LOOK_SECONDS):
                if stopping.is_set():
                    return False
                if time.monotonic() > started + BUILD_SECONDS:
                    reason = f"it took more than {BUILD_SECONDS:g} seconds"
                    raise OSError(reason)
            reply = _reply(child)
        finally:
            death = child.kill(reason, dump=False)
        if reply is None:
            words = death.stack.splitlines()[-1:] or [death.reason]
            raise OSError(f"its process ended early: {words[0]}")
        if "cause" in reply:
            raise PlacesUnavailable(str(reply["cause"]), remedy=str(reply["remedy"]))
        seconds = round(time.monotonic() - started, 1)
        log.info("places_made", places=reply.get("places"), seconds=seconds)
        return True


def _reply(child: Child) -> dict[str, Any] | None:
    """Its answer; None if it ended without one."""
    with contextlib.suppress(EOFError, OSError, FrameError):
        return receive_frame(child.sock)[0]
    return None
