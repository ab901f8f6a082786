"""The alert service: one thread that decides, delivers and updates albums."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from photosd.alerts.album import Albums, prepare
from photosd.alerts.alert_store import Alert, AlertOptions, AlertStore
from photosd.alerts.commands import AlertMatch, check_command, notifier
from photosd.alerts.delivery import WARNING, CommandLeases, Delivery
from photosd.alerts.matching import Matcher
from photosd.core.background import BackgroundLoop
from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.folders import Folders
from photosd.search.engine import Engine

log = structlog.get_logger()

GATHER_SECONDS = 0.05  # several wakes at once, as while many photos are indexed, are merged
SOON_SECONDS = 1.0  # an action failed for lack of a model or a disk
IDLE_SECONDS = 60.0  # fallback if a wake was missed
KEPT_SECONDS = 30 * 86_400.0  # completed matches are kept this long
KEPT_UNREAD = 10_000  # unread matches of a stream
PAGE = 100
ALBUMS_SECONDS, PRUNE_SECONDS = 0.5, 3600.0
ALBUMS_SHARE = 0.05  # of a core, at most, to check all links while photos are indexed


class Alerts(BackgroundLoop):
    """The service. `add`, `remove`, `matches` and `wake` may be called from any thread."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        folders: Folders,
        state: Path,
        copy: Path,
        *,
        engine: Callable[[], Engine],
        all_indexed: Callable[[], bool],
    ) -> None:
        """``engine``: of the current model. ``all_indexed``: whether all photos are indexed."""
        super().__init__("alerts", gather=GATHER_SECONDS, retry=SOON_SECONDS)
        self._database, self._folders, self._all_indexed = database, folders, all_indexed
        self.store = AlertStore(database, copy)
        self.albums = Albums(database, catalog, folders.filesystems)
        self._matcher = Matcher(database, catalog, self.store, engine)
        self._delivery = Delivery(database, catalog, folders, CommandLeases(state), self.wake)
        self._news = threading.Condition()
        self._prune_at = self._albums_at = 0.0
        database.changed.add(self.wake)

    def trouble(self, alert: Alert) -> str | None:
        """Why an alert cannot run now."""
        disabled = None if alert.awake else "waits until every photo is indexed again"
        here = (self.albums.troubles, self._matcher.troubles)
        found = next((one[alert.id] for one in here if alert.id in one), None)
        runs = alert.options.kind in ("exec", "notify")
        return disabled or found or (self._delivery.trouble if runs else None)

    def warnings(self) -> list[str]:
        """Warnings for `photosd status`."""
        trouble = self._delivery.trouble
        return [] if trouble is None else [f"{WARNING}: {trouble}; it is retried"]

    def start(self) -> None:
        """Continue where the last daemon stopped."""
        self._delivery.open()
        super().start()

    def stop(self, deadline: Deadline | None = None) -> None:
        """Start nothing more; bounded by one batch of verdicts. Readers are released."""
        self.stopping.set()
        self._delivery.close()
        with self._news:
            self._news.notify_all()
        super().stop(deadline)

    # -- requests of clients ---------------------------------------------------------------------

    def add(self, options: AlertOptions) -> tuple[Alert, bool]:
        """Save an alert; also returns whether it is new; raises BadRequest if invalid."""
        if options.kind == "exec":
            check_command(options.argv)
        elif options.kind == "notify":
            notifier()
        elif options.kind == "link":
            standing = [alert for alert in self.store.all() if alert.options != options]
            directory = prepare(options.directory or b"", self._folders, standing)
            options = AlertOptions(options.text, options.kind, options.below, directory=directory)
        added = self.store.add(options)
        self.wake()
        return added

    def remove(self, number: int) -> Alert:
        """Remove an alert, with the links of an album. Raises NotFound."""
        alert = self.store.remove(number)
        self.wake()
        with self._news:
            self._news.notify_all()
        return alert

    def matches(
        self, number: int, after: int, *, wait: float | None = None
    ) -> Iterator[list[AlertMatch]]:
        """Matches of one alert after the number ``after``, oldest first.

        With ``wait``: without end, an empty list at least every few seconds. Ends with the daemon;
        raises NotFound if the alert is removed.
        """
        while not self.stopping.is_set():
            self.store.get(number)
            with self._news:  # held, so that nothing happens between check and wait
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

    def work(self) -> float:
        """Do everything that is possible now."""
        try:
            return SOON_SECONDS if self._work() else IDLE_SECONDS
        except PhotosdError as error:  # writing to the disk fails
            log.debug("alerts_wait", cause=str(error))
            return SOON_SECONDS

    def _work(self) -> bool:
        """Do everything that is possible now; returns whether any work is left."""
        alerts = {alert.id: alert for alert in self.store.all()}
        if not all(alert.awake for alert in alerts.values()) and self._all_indexed():
            self.store.enable_all()
        left = any(not alert.awake for alert in alerts.values())
        if alerts and self._matcher.decide():
            with self._news:
                self._news.notify_all()
        left = bool(self._matcher.troubles) or left
        left = self._delivery.deliver(alerts) or left  # also while the model is unavailable
        left = self._keep_albums(list(alerts.values())) or left
        self._prune()
        return left

    def _keep_albums(self, alerts: list[Alert]) -> bool:
        """Update albums, less often while many photos are indexed; returns whether they are still
        outdated.
        """
        if time.monotonic() < self._albums_at:
            return True
        begun = time.monotonic()
        self.albums.sync(alerts)
        took = time.monotonic() - begun
        self._albums_at = time.monotonic() + max(ALBUMS_SECONDS, took / ALBUMS_SHARE)
        return bool(self.albums.troubles)

    def _prune(self) -> None:
        """Delete old completed matches, and the oldest unread ones; once an hour."""
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
            for alert in self.store.all():
                if alert.options.kind == "stream":
                    db.execute(
                        "DELETE FROM matches WHERE standing = ? AND id NOT IN (SELECT id FROM"
                        " matches WHERE standing = ? ORDER BY id DESC LIMIT ?)",
                        (alert.id, alert.id, KEPT_UNREAD),
                    )
