"""Decides which new photos match an alert, and records it in one transaction.

A content becomes a candidate in the transaction that indexes it. It stays one until there is a
verdict, which replaces it together with its consequences: a crash neither repeats nor loses a
match.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from photosd.alerts.alert_store import Alert, AlertOptions, AlertStore
from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.filters import Filter
from photosd.search.engine import Engine
from photosd.search.judging import Match as Verdict
from photosd.search.parsing import Question, QuestionTerm

log = structlog.get_logger()

BATCH = 256
ENCODE_SECONDS = 10.0  # to encode a text that is not cached; background work

# Contents that can be judged now: indexed at some path, encoded by the current model, with the
# words of their sidecars and of their place, which are looked up after indexing.
READY = (
    "SELECT content FROM candidates WHERE standing = ? AND content > ?"
    " AND EXISTS (SELECT 1 FROM photos WHERE photos.content = candidates.content"
    "  AND state = 'indexed')"
    " AND EXISTS (SELECT 1 FROM embedded WHERE model = ? AND embedded.content = candidates.content)"
    " AND NOT EXISTS (SELECT 1 FROM photos JOIN sidecars USING(path)"
    "  WHERE photos.content = candidates.content AND state = 'indexed' AND sidecars.due > 0)"
    " AND NOT EXISTS (SELECT 1 FROM contents WHERE contents.content = candidates.content"
    "  AND unplaced = 1 AND iif(json_valid(facts), json_extract(facts, '$.latitude'), NULL)"
    "  IS NOT NULL)"
    " ORDER BY content LIMIT ?"
)


class Matcher:
    """Turns candidates into matches. One thread uses it."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        store: AlertStore,
        engine: Callable[[], Engine],
    ) -> None:
        self._database, self._catalog, self._store = database, catalog, store
        self._engine = engine
        self.troubles: dict[int, str] = {}  # why an alert could not be evaluated the last time

    def decide(self) -> int:
        """Judge all candidates that are ready; returns the number of new matches.

        An alert that cannot be evaluated now, without a model, is recorded in `troubles`.
        """
        engine, found = self._engine(), 0
        troubles: dict[int, str] = {}
        for alert in self._store.all():
            try:
                found += self._ask(alert, engine)
            except PhotosdError as error:
                troubles[alert.id] = f"{error.title}: {error}"
        self.troubles = troubles
        return found

    def _ask(self, alert: Alert, engine: Engine) -> int:
        model = engine.spec.fingerprint
        if alert.options.kind == "link" and alert.awake and alert.model != model:
            self._store.reconsider(alert.id, model)
        question, after, found = _question(alert.options), "", 0
        while contents := self._ready(alert, model, after):
            verdicts = engine.match(question, contents, Deadline.after(ENCODE_SECONDS))
            found += self._decide(alert, verdicts)
            after = contents[-1]
        return found

    def _ready(self, alert: Alert, model: str, after: str) -> list[str]:
        with self._database.read() as db:
            rows = db.execute(READY, (alert.id, after, model, BATCH))
            return [content for (content,) in rows]

    def _decide(self, alert: Alert, verdicts: Mapping[str, Verdict]) -> int:
        convincing = [content for content, verdict in verdicts.items() if verdict.convincing]
        with self._database.write() as db:
            if not db.execute("SELECT 1 FROM standing WHERE id = ?", (alert.id,)).fetchone():
                return 0  # removed meanwhile
            db.executemany(
                "DELETE FROM candidates WHERE content = ? AND standing = ?",
                ((content, alert.id) for content in verdicts),
            )
            if alert.options.kind == "link":
                found = self._into_album(alert, verdicts, convincing)
            else:
                found = self._into_outbox(alert, verdicts, convincing)
            db.execute("UPDATE standing SET matches = matches + ? WHERE id = ?", (found, alert.id))
        if found:
            log.info("alert_matched", alert=alert.id, photos=found)
        return found

    def _into_outbox(
        self, alert: Alert, verdicts: Mapping[str, Verdict], convincing: Sequence[str]
    ) -> int:
        """Queue those for delivery; a stream is delivered by being read."""
        state = "done" if alert.options.kind == "stream" else "waiting"
        now = time.time()
        rows = [
            (alert.id, content, path, verdicts[content].score, verdicts[content].strength, now)
            for content, path in self._paths(alert, convincing).items()
        ]
        with self._database.write() as db:
            db.executemany(
                "INSERT INTO matches(standing, content, path, score, strength, matched_at, state)"
                f" VALUES(?, ?, ?, ?, ?, ?, '{state}')",
                rows,
            )
        return len(rows)

    def _into_album(
        self, alert: Alert, verdicts: Mapping[str, Verdict], convincing: Sequence[str]
    ) -> int:
        """Mark matches as wanted in the album, wherever they are, and others as not wanted."""
        with self._database.write() as db:
            db.executemany(
                "UPDATE links SET wanted = ? WHERE content = ? AND standing = ?",
                ((verdict.convincing, content, alert.id) for content, verdict in verdicts.items()),
            )
            new = db.executemany(
                "INSERT OR IGNORE INTO links(content, standing) VALUES(?, ?)",
                [(content, alert.id) for content in convincing],
            )
            return max(0, new.rowcount)

    def _paths(self, alert: Alert, contents: Sequence[str]) -> dict[str, bytes]:
        """The first path of each content in the alert's folder."""
        found: dict[str, bytes] = {}
        for content, places in self._catalog.paths_of(contents).items():
            covered = [path for path, _folder in places if alert.covers(path)]
            if covered:
                found[content] = covered[0]
        return found


def _question(options: AlertOptions) -> Question:
    """The query of an alert; names of copies outside its directory do not count."""
    where = None if options.below is None else Filter(below=(options.below,))
    return Question((QuestionTerm(1.0, options.text),), where=where)
