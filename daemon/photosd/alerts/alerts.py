"""The service of standing queries: one thread that decides, delivers and keeps albums true."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from photosd.alerts.album import Albums, prepare
from photosd.alerts.alert_store import Alert, AlertOptions, AlertStore
from photosd.alerts.command_leases import CommandLeases
from photosd.alerts.commands import AlertMatch, check_command, notifier
from photosd.alerts.deciding import AlertJudge, Decider
from photosd.alerts.delivering import Delivery
from photosd.alerts.refusals import WARNING
from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.folders import Folders

log = structlog.get_logger()

GATHER_SECONDS = 0.05  # several wakes at once, as while many photos are indexed, are one
SOON_SECONDS = 1.0  # something could not be done, for want of a model or a disk
IDLE_SECONDS = 60.0  # nobody should forget to wake us; if somebody does, we look
KEPT_SECONDS = 30 * 86_400.0  # what is over is remembered this long
KEPT_UNREAD = 10_000  # matches of a stream that nobody reads
PAGE = 100
ALBUMS_SECONDS, PRUNE_SECONDS = 0.5, 3600.0
ALBUMS_SHARE = 0.05  # of a core, at most, to look at every link again while photos come


class Alerts:
    """All of it. `add`, `remove`, `matches` and `wake` may be called from any thread."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        folders: Folders,
        state: Path,
        copy: Path,
        judge: Callable[[], AlertJudge],
        settled: Callable[[], bool],
    ) -> None:
        self._database, self._folders, self._settled = database, folders, settled
        self.queries = AlertStore(database, copy)
        self.albums = Albums(database, catalog, folders.devices)
        self._decider = Decider(database, catalog, self.queries, judge)
        self._delivery = Delivery(database, catalog, folders, CommandLeases(state), self.wake)
        self._wake, self._news = threading.Event(), threading.Condition()
        self._stopping = False
        self._prune_at = self._albums_at = 0.0
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def trouble(self, query: Alert) -> str | None:
        """Why a query cannot do now what it should."""
        asleep = None if query.awake else "waits until every photo is known again"
        here = (self.albums.troubles, self._decider.troubles)
        found = next((one[query.id] for one in here if query.id in one), None)
        runs = query.options.kind in ("exec", "notify")
        return asleep or found or (self._delivery.trouble if runs else None)

    def warnings(self) -> list[str]:
        """What somebody should know who does not look at the queries."""
        trouble = self._delivery.trouble
        return [] if trouble is None else [f"{WARNING}: {trouble}; it is tried again"]

    def start(self) -> None:
        """Go on where the last daemon stopped."""
        self._delivery.open()
        self._thread.start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """Begin nothing more; bounded by one batch of verdicts. Readers are let go."""
        self._stopping = True
        self._delivery.close()
        self.wake()
        with self._news:
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join((deadline or Deadline.to_stop()).remaining)

    def wake(self) -> None:
        """There may be something to do: photos were indexed, moved or removed."""
        self._wake.set()

    # -- what clients ask ---------------------------------------------------------------------

    def add(self, options: AlertOptions) -> tuple[Alert, bool]:
        """Add an alert, and whether it is new; raises BadRequest when it cannot be."""
        if options.kind == "exec":
            check_command(options.argv)
        elif options.kind == "notify":
            notifier()
        elif options.kind == "link":
            standing = [query for query in self.queries.all() if query.options != options]
            directory = prepare(options.directory or b"", self._folders, standing)
            options = AlertOptions(options.text, options.kind, options.below, directory=directory)
        added = self.queries.add(options)
        self.wake()
        return added

    def remove(self, number: int) -> Alert:
        """End one; the links of an album go with it. Raises NotFound."""
        query = self.queries.remove(number)
        self.wake()
        with self._news:
            self._news.notify_all()
        return query

    def matches(
        self, number: int, after: int, *, wait: float | None = None
    ) -> Iterator[list[AlertMatch]]:
        """Matches of one query after the one with the number ``after``, oldest first.

        With ``wait``: for ever, an empty list at least every so many seconds. Ends with the
        daemon; raises NotFound when the query is removed.
        """
        while not self._stopping:
            self.queries.get(number)
            with self._news:  # held, so that nothing comes between the look and the wait
                found = self._after(number, after)
                if not found and wait is not None:
                    self._news.wait(wait)
            if not found and wait is None:
                return
            after = found[-1].id if found else after
            yield found

    def _after(self, number: int, after: int) -> list[AlertMatch]:
        with self._database.read() as db:
            rows = db.execute(
                "SELECT * FROM matches WHERE standing = ? AND id > ? ORDER BY id LIMIT ?",
                (number, after, PAGE),
            ).fetchall()
        return [AlertMatch(**dict(row)) for row in rows]

    def deliveries(self, number: int) -> tuple[dict[str, int], AlertMatch | None]:
        """Matches by state, and the last one that failed."""
        with self._database.read() as db:
            counts = db.execute(
                "SELECT state, count(*) FROM matches WHERE standing = ? GROUP BY state", (number,)
            ).fetchall()
            failed = db.execute(
                "SELECT * FROM matches WHERE standing = ? AND state = 'failed'"
                " ORDER BY id DESC LIMIT 1",
                (number,),
            ).fetchone()
        return {s: n for s, n in counts}, None if failed is None else AlertMatch(**dict(failed))

    # -- the loop -----------------------------------------------------------------------------

    def _run(self) -> None:
        patience = 0.0
        while not self._stopping:
            if self._wake.wait(patience):
                time.sleep(GATHER_SECONDS)
                self._wake.clear()
            try:
                patience = SOON_SECONDS if self._work() else IDLE_SECONDS
            except PhotosdError as error:  # the disk refuses
                log.debug("standing_waits", cause=str(error))
                patience = SOON_SECONDS
            except Exception:  # a defect in one step must not end all of them
                log.exception("standing_failed")
                patience = SOON_SECONDS

    def _work(self) -> bool:
        """Everything that can be done now; whether something is left."""
        queries = {query.id: query for query in self.queries.all()}
        if not all(query.awake for query in queries.values()) and self._settled():
            self.queries.awaken()
        left = any(not query.awake for query in queries.values())
        if queries and self._decider.decide():
            with self._news:
                self._news.notify_all()
        left = bool(self._decider.troubles) or left
        left = self._delivery.deliver(queries) or left  # also while the model is away
        left = self._keep_albums(list(queries.values())) or left
        self._prune()
        return left

    def _keep_albums(self, queries: list[Alert]) -> bool:
        """While many photos are indexed albums follow now and then; whether they have to yet."""
        if time.monotonic() < self._albums_at:
            return True
        begun = time.monotonic()
        self.albums.sync(queries)
        took = time.monotonic() - begun
        self._albums_at = time.monotonic() + max(ALBUMS_SECONDS, took / ALBUMS_SHARE)
        return bool(self.albums.troubles)

    def _prune(self) -> None:
        """Forget what is long over, and the oldest of what nobody reads; once an hour."""
        if time.monotonic() < self._prune_at:
            return
        self._prune_at = time.monotonic() + PRUNE_SECONDS
        with self._database.write() as db:
            db.execute(
                "DELETE FROM matches WHERE matched_at < ? AND state IN ('done', 'failed', 'gone')"
                " AND standing NOT IN (SELECT id FROM standing WHERE kind = 'stream'"
                "  AND acknowledged < matches.id)",
                (time.time() - KEPT_SECONDS,),
            )
            for query in self.queries.all():
                if query.options.kind == "stream":
                    db.execute(
                        "DELETE FROM matches WHERE standing = ? AND id NOT IN (SELECT id FROM"
                        " matches WHERE standing = ? ORDER BY id DESC LIMIT ?)",
                        (query.id, query.id, KEPT_UNREAD),
                    )
