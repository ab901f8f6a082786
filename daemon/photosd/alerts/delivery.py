"""Runs the command of each match exactly once, across crashes of the daemon.

A match is `waiting` until it has a lease, then `started` until its result is recorded. A lease is a
file: exactly one process runs a command for it. After a crash a `started` match is launched again
with the same lease, which does nothing if the first runner ran the command (command_runner.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import structlog

from photosd.alerts.alert_store import Alert
from photosd.alerts.commands import AlertMatch, command_for, environment_for, seconds_for
from photosd.core.errors import PhotosdError
from photosd.core.log import printable
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.folders import Folders

log = structlog.get_logger()

FIRST_SECONDS, MAX_SECONDS = 1.0, 60.0
WARNING = "commands for new photos cannot be started"

RUNNER = Path(__file__).with_name("command_runner.py")
INTERRUPTED = {"exit": None, "error": "it was killed before it ended", "output": ""}
AT_ONCE = 2  # commands; each may be heavy
WORDS_BYTES = 4096
PAGE = 64  # rows read at once
RUNNER_SECONDS = 30.0  # in addition to the command's own limit
POLL_SECONDS = 0.02
LOOK_SECONDS = 0.5  # how often a command that a crashed daemon started is checked


@dataclass
class Wait:
    """Length of the last wait, and when it ends (``time.monotonic()``)."""

    seconds: float = 0.0
    over_at: float = 0.0

    def lengthen(self) -> None:
        """Twice as long, from now."""
        self.seconds = min(max(FIRST_SECONDS, 2 * self.seconds), MAX_SECONDS)
        self.over_at = time.monotonic() + self.seconds


class Refusals:
    """Refusals of all leases. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all, self._each = Wait(), dict[str, Wait]()
        self.reason: str | None = None  # why the last command could not be started

    def may_try(self, lease: str | None) -> bool:
        """Whether this lease, or a new one, may be tried now."""
        with self._lock:
            own = self._each.get(lease or "", self._all)
            return time.monotonic() >= max(own.over_at, self._all.over_at)

    def refused(self, lease: str, reason: str) -> None:
        """Record a failed start; logged if the reason is new."""
        with self._lock:
            before, self.reason = self.reason, reason
            self._all.lengthen()
            self._each.setdefault(lease, Wait()).lengthen()
        if reason != before:
            log.error("alert_start_failed", cause=reason, remedy="no action needed: it is retried")

    def started(self, lease: str) -> None:
        """Record that it has run, or will."""
        with self._lock:
            before, self.reason = self.reason, None
            self._all = Wait()
            self._each.pop(lease, None)
        if before is not None:
            log.info("alert_start_recovered", before=before)


class CommandLeases:
    """A directory of leases; see command_runner.py for their content."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def new(self) -> str:
        """A unique name; no file is created."""
        return secrets.token_hex(8)

    def launch(
        self, lease: str, seconds: float, argv: Sequence[bytes], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a runner for it; it runs the command unless another one did. Raises OSError."""
        self._directory.mkdir(mode=0o700, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", RUNNER, self._file(lease), str(seconds), *argv],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # why it created no lease; its command uses the other
            start_new_session=True,  # Ctrl-C in the daemon's terminal must not stop it
        )

    def result(self, lease: str) -> dict[str, Any] | None:
        """The result of the command; None: no runner has taken the lease. Raises StillRunning."""
        try:
            descriptor = os.open(self._file(lease), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            with contextlib.suppress(msgspec.MsgspecError):
                found = msgspec.json.decode(os.read(descriptor, 1 << 20))
                return dict(found)
            return INTERRUPTED
        except BlockingIOError as error:
            raise StillRunning from error
        finally:
            os.close(descriptor)

    def drop(self, lease: str) -> None:
        """Delete it; its result is stored elsewhere."""
        for file in (self._file(lease), *self._directory.glob(f"{lease}.*")):
            file.unlink(missing_ok=True)

    def sweep(self, kept: Collection[str]) -> None:
        """Delete all others: the daemon crashed between storing and deleting."""
        for file in self._directory.glob("*"):
            if file.name.partition(".")[0] not in kept:
                file.unlink(missing_ok=True)

    def _file(self, lease: str) -> Path:
        return self._directory / lease


class StillRunning(Exception):
    """The command has not ended."""


class Delivery:
    """Runs due commands in its own threads, a few at a time. One thread calls `deliver`."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        folders: Folders,
        leases: CommandLeases,
        on_room: Callable[[], None],
    ) -> None:
        self._database, self._catalog, self._folders = database, catalog, folders
        self._leases, self._on_room = leases, on_room
        self._threads = ThreadPoolExecutor(AT_ONCE, "alerts")
        self._running: set[str] = set()  # leases
        self._refusals = Refusals()
        self._stopping = threading.Event()

    def open(self) -> None:
        """Delete the leases of results recorded before the last daemon ended."""
        with self._database.read() as db:
            rows = db.execute("SELECT claim FROM matches WHERE state = 'started'").fetchall()
        self._leases.sweep({lease for (lease,) in rows})

    def close(self) -> None:
        """Start nothing more. Running commands are left to end; the next daemon collects their
        results.
        """
        self._stopping.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def trouble(self) -> str | None:
        """Why no command can be started now; it is retried."""
        return self._refusals.reason

    def deliver(self, alerts: Mapping[int, Alert]) -> bool:
        """Start due commands while there are free slots; returns whether any are left. Raises
        StorageError.
        """
        left = False
        if not self._refusals.may_try(None):
            return True
        for matches in self._due():
            if self._stopping.is_set() or len(self._running) >= AT_ONCE:
                return True
            if not self._refusals.may_try(matches[0].claim):
                left = True
                continue
            alert = alerts.get(matches[0].standing)
            if alert is not None and matches[0].claim not in self._running:
                left = not self._begin(matches, alert) or left
        return left

    def _due(self) -> Iterator[list[AlertMatch]]:
        """Matches for one command each: started ones first, then in order."""
        for lease, group in groupby(self._in_state("started"), key=lambda match: match.claim):
            if lease not in self._running:
                yield list(group)
        for match in self._in_state("waiting"):
            yield [match]

    def _in_state(self, state: str) -> Iterator[AlertMatch]:
        after = 0
        while rows := self._page(state, after):
            yield from rows
            after = rows[-1].id

    def _page(self, state: str, after: int) -> list[AlertMatch]:
        with self._database.read() as db:
            rows = db.execute(
                "SELECT * FROM matches WHERE state = ? AND id > ? ORDER BY id LIMIT ?",
                (state, after, PAGE),
            )
            return [AlertMatch(**dict(row)) for row in rows]

    def _begin(self, matches: Sequence[AlertMatch], alert: Alert) -> bool:
        """Start it, after recording its lease; not while its photo is unavailable."""
        first = matches[0]
        lease = first.claim
        if first.state == "waiting":
            path = self._place(first.content, alert)
            if path is None:
                return False
            if not path:
                self._end("id = ?", first.id, "gone", "the photo was gone before")
                return True
            lease = self._lease(first, path, alert)
        # Read after `_running`: `first` may be older than the end of its command.
        if lease and (started := self._started(lease)):
            self._running.add(lease)
            try:
                self._threads.submit(self._run, lease, started, alert)
            except RuntimeError as error:  # out of threads, or stopping
                self._running.discard(lease)
                self._refusals.refused(lease, str(error))
                return False
        return True

    def _started(self, lease: str) -> list[AlertMatch]:
        """The matches of a lease whose result is not recorded; none: there is nothing to run."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT * FROM matches WHERE claim = ? AND state = 'started' ORDER BY id", (lease,)
            )
            return [AlertMatch(**dict(row)) for row in rows]

    def _lease(self, match: AlertMatch, path: bytes, alert: Alert) -> str:
        """Assign a lease; one notification covers all waiting matches."""
        others = "OR (standing = ? AND state = 'waiting')" if alert.options.kind == "notify" else ""
        lease = self._leases.new()
        with self._database.write() as db:
            db.execute(
                "UPDATE matches SET path = ? WHERE id = ? AND state = 'waiting'", (path, match.id)
            )
            db.execute(
                "UPDATE matches SET state = 'started', claim = ?"
                f" WHERE state = 'waiting' AND (id = ? {others})",
                (lease, match.id, *([alert.id] if others else [])),
            )
        return lease

    def _place(self, content: str, alert: Alert) -> bytes | None:
        """The photo's current path; empty if it has none, None if unknown."""
        places = self._catalog.paths_of([content]).get(content, [])
        present = {folder.id for folder in self._folders.all() if folder.present}
        covered = [(path, folder) for path, folder in places if alert.covers(path)]
        for path, folder in covered:
            if folder in present and self._is_there(path):
                return path
        return None if covered else b""

    def _is_there(self, path: bytes) -> bool:
        try:
            return self._folders.filesystems.entry(path) is not None
        except OSError:  # its absence is not certain
            return False

    def _run(self, lease: str, matches: Sequence[AlertMatch], alert: Alert) -> None:
        try:
            result = self._result(lease, matches, alert)
            if result is not None:
                self._write_down(lease, matches, result)
                self._refusals.started(lease)
        except (PhotosdError, OSError) as error:  # it is retried with the same lease
            self._refusals.refused(lease, str(error))
        except Exception as error:
            log.exception("alert_delivery_failed", alert=alert.id)
            self._refusals.refused(lease, f"{type(error).__name__}: {error}")
        finally:
            self._running.discard(lease)
            self._on_room()

    def _result(
        self, lease: str, matches: Sequence[AlertMatch], alert: Alert
    ) -> dict[str, Any] | None:
        """The result of the command; None if the daemon ends first.

        Raises OSError if no runner can be started, Refused if it creates no lease.
        """
        seconds = seconds_for(alert)
        runner = self._leases.launch(
            lease, seconds, command_for(alert, matches), environment_for(alert, matches[0])
        )
        try:
            return self._outcome(runner, lease, seconds)
        finally:
            if runner.stderr is not None:
                runner.stderr.close()

    def _outcome(
        self, runner: subprocess.Popen[bytes], lease: str, seconds: float
    ) -> dict[str, Any] | None:
        until = time.monotonic() + seconds + RUNNER_SECONDS
        while time.monotonic() < until:
            ended = runner.poll() is not None
            try:
                result = self._leases.result(lease)
                if result is not None:
                    runner.wait(RUNNER_SECONDS)
                    return result
                if ended:
                    raise Refused(_why(runner))  # the command has not run: a retry may succeed
            except StillRunning:
                self._refusals.started(lease)
            if self._stopping.wait(LOOK_SECONDS if ended else POLL_SECONDS):
                return None
        return INTERRUPTED

    def _write_down(
        self, lease: str, matches: Sequence[AlertMatch], result: dict[str, Any]
    ) -> None:
        code, error = result["exit"], result["error"]
        ended_well = code == 0 and error is None
        outcome = error or (f"exit code {code}" if code >= 0 else f"ended by signal {-code}")
        say = log.info if ended_well else log.warning
        say(
            "alert_delivered",
            alert=matches[0].standing,
            path=printable(matches[0].path),
            photos=len(matches),
            outcome=outcome,
            output_text=result["output"],  # "text": left out of bug reports
        )
        self._end("claim = ?", lease, "done" if ended_well else "failed", outcome)
        self._leases.drop(lease)

    def _end(self, which: str, value: int | str, state: str, outcome: str) -> None:
        with self._database.write() as db:
            db.execute(
                f"UPDATE matches SET state = ?, outcome = ?, ended_at = ? WHERE {which}",
                (state, outcome, time.time(), value),
            )


class Refused(OSError):
    """A runner ended without a lease."""


def _why(runner: subprocess.Popen[bytes]) -> str:
    """The reason: its own message, else its exit status."""
    said = runner.stderr.read(WORDS_BYTES) if runner.stderr is not None else b""
    words = said.decode("utf-8", "backslashreplace").strip().rpartition("\n")[2]
    return words or f"the runner ended with code {runner.returncode} before it started the command"
