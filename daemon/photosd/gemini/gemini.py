"""The daemon's interface to the cloud: queries, sending, reports, deletion."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import structlog

from photosd.core.clock import Deadline, Pause
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudNotPermitted, CloudUnavailable, PhotosdError, StorageError
from photosd.core.paths import Home
from photosd.decode.pool import Pool, Thumbnail
from photosd.gemini.answer_cache import AnswerCache
from photosd.gemini.backfill import BOX, Backfill
from photosd.gemini.checkup import check
from photosd.gemini.consent import Purpose, digest, terms_of
from photosd.gemini.environment import Environment
from photosd.gemini.gate import Gate
from photosd.gemini.ledger import COPY, Ledger
from photosd.gemini.marked_photos import MarkedPhotos
from photosd.gemini.pending_question import PendingQuestion, SendPermission, answered, nothing_asked
from photosd.gemini.questions import Questions
from photosd.gemini.vector_table import GeminiTable, finish_forgetting
from photosd.index.database import Database
from photosd.protocol.reports import CloudCheck, CloudLogEntry, CloudReport, CloudTermsResult

log = structlog.get_logger()

WORKER_SETTINGS = ("base_url", "api_version", "key_file", "key_command", "proxy")


class Gemini:
    """Gemini for one daemon; in the mode local it opens no file and starts no thread or process."""

    def __init__(
        self,
        home: Home,
        settings: CloudSettings,
        database: Database,
        pool: Pool,
        environment: Environment,
        remembers: Callable[[], bool] = lambda: True,
    ) -> None:
        """``remembers``: whether the settings allow caching queries."""
        self._home, self._pool = home, pool
        self._gate = Gate(home.config, settings, Ledger(database, home.config / COPY), environment)
        self._remote = GeminiTable(home.cloud)
        self._answers = AnswerCache(home.cloud, remembers)
        self._marked = MarkedPhotos(database)
        self._questions = Questions(self._gate, self._remote, self._answers)
        self._paused = Pause()
        self._backfill = self._new_backfill()
        self._open = False

    # -- start and stop ---------------------------------------------------------------------------

    def open(self) -> None:
        """Start what the mode needs, with consent."""
        with contextlib.suppress(OSError):
            finish_forgetting(self._home.cloud)
        self._open = True
        self._follow()

    def close(self, deadline: Deadline | None = None) -> None:
        """Stop every thread; calls under way are aborted."""
        self._open = False
        self._gate.dismiss()
        self._backfill.stop(deadline)
        self._questions.close()

    def apply(self, settings: CloudSettings) -> None:
        """Apply changed settings, and retry failed requests."""
        before, self._gate.settings = self._gate.settings, settings
        if settings == before:
            return
        changed = any(getattr(settings, name) != getattr(before, name) for name in WORKER_SETTINGS)
        less = settings.mode == "local" or before.mode == "gemini" != settings.mode
        if changed or less:  # calls under way may no longer be allowed
            self._gate.dismiss()
        self._questions.breaker.reset()
        self._follow()

    def pause(self, until: float) -> None:
        """Send no photos until then (Unix seconds); queries still work."""
        self._paused = Pause.to(until)
        self._backfill.pause(self._paused)

    def wake(self) -> None:
        """Photos may be ready to send, or a folder was marked."""
        self._backfill.wake()

    def cut(self) -> None:
        """Abort calls under way: some may no longer be allowed."""
        self._gate.dismiss()

    # -- queries ------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        """The active mode: the configured one with consent; else local."""
        wanted = self._gate.wanted
        return wanted if self._gate.permits(wanted, "query") else "local"

    def permission(self, purpose: Purpose, mode: str | None) -> SendPermission:
        """Permission to send a query for this purpose.

        ``mode``: the query's own, else the configured one.
        """
        return _SendPermission(self, purpose, mode)

    def _ask(self, purpose: Purpose, mode: str | None, text: str, count: int) -> PendingQuestion:
        """Start a request to Gemini about a query (normalised), if the mode allows; returns at
        once.

        ``count`` contents at most. Raises CloudNotPermitted if the query's own mode is not
        permitted.
        """
        wanted = mode or self._gate.wanted
        if wanted == "local" or not self._open:
            return nothing_asked()
        if not self._gate.permits(wanted, purpose):
            if mode is not None:
                self._gate.require(mode, purpose)
            return answered(wanted, CloudNotPermitted("the cloud is not enabled"))
        return self._questions.ask(wanted, purpose, text, count)

    def _decline(self, mode: str | None, reason: str) -> PendingQuestion:
        """A query that is not sent in any mode, and the reason."""
        wanted = mode or self._gate.wanted
        if wanted == "local" or not self._open:
            return nothing_asked()
        return answered(wanted, CloudUnavailable("it is not sent", reason=reason))

    # -- consent ------------------------------------------------------------------------------

    def terms(self, mode: str, *, agents: bool) -> CloudTermsResult:
        """The terms to agree to."""
        words = terms_of(mode, self._gate.settings, agents=agents)
        return CloudTermsResult(mode=mode, terms=words, digest=digest(words))

    def enable(self, mode: str, terms: str, *, agents: bool) -> None:
        """Agree to these terms; raises CloudNotPermitted without a key, or for other terms."""
        self._gate.key_source(run=True)
        self._gate.consent.give(mode, self._gate.settings, terms, agents=agents)
        self._gate.shut = False
        log.info("cloud_enabled", mode=mode, agents=agents, base_url=self._gate.settings.base_url)

    def disable(self) -> None:
        """Withdraw consent; calls under way are aborted.

        Raises StorageError if the consent cannot be deleted: then it is off until a restart.
        """
        self._gate.shut = True
        self._gate.dismiss()
        self._backfill.wake()
        try:
            self._gate.consent.withdraw()
        except OSError as error:
            file = self._gate.consent.file
            raise StorageError(
                f"nothing is sent now, but the consent would apply again after a restart: {error}",
                remedy=f"delete {file}",
            ) from error
        self._gate.shut = False
        log.info("cloud_disabled")

    def forget(self) -> int:
        """Disable, and delete all data from Gemini; returns the number of vectors of photos.

        Raises StorageError, after deleting as much as possible.
        """
        try:
            self.disable()
        except StorageError:
            self._delete()
            raise
        return self._delete()

    def _delete(self) -> int:
        number = self._sent()
        try:
            self._answers.forget()
            self._remote.forget()
        except OSError as error:
            raise StorageError(
                f"not everything could be deleted: {error}",
                remedy=f"delete {self._home.cloud} and {self._home.cloud}.forgotten",
            ) from error
        self._marked.forget()
        return number

    def forget_answers(self) -> None:
        """Delete all cached answers; raises StorageError."""
        try:
            self._answers.forget()
        except OSError as error:
            raise StorageError(
                f"cached answers cannot be deleted: {error}",
                remedy=f"check the permissions of {self._home.cloud}",
            ) from error

    def remove(self, contents: Sequence[str]) -> None:
        """Delete the vectors, and the refusals, of deleted photos."""
        self._marked.remove(contents)
        if self._home.cloud.is_dir():
            self._remote.remove(contents)

    def tidy(self) -> None:
        """Erase deleted vectors from disk; raises StorageError."""
        if self._home.cloud.is_dir():
            self._remote.tidy()
            self._remote.tidy_others()

    def contents(self) -> set[str]:
        """Every content with a vector in the open table, if any."""
        store = self._remote.ready(self._gate.settings)
        return set() if store is None else store.contents()

    # -- reports ------------------------------------------------------------------------------

    def report(self, *, count: bool = True) -> CloudReport:
        """The complete state; sends nothing, and runs no key command.

        ``count``: open the table to count its rows, even if not needed otherwise.
        """
        gate, settings = self._gate, self._gate.settings
        consent, spent = gate.consent.read(), gate.ledger.month()
        trouble = gate.closed or self._refusal() or self._trouble()
        try:
            key: str | None = gate.key_source(run=False)
        except CloudNotPermitted as error:
            key = None
            trouble = trouble or error if gate.wanted != "local" else trouble
        return CloudReport(
            mode=self.mode,
            wanted=gate.wanted,
            consent=consent.mode,
            consent_at=consent.at or None,
            base_url=settings.base_url,
            key=key,
            budget_usd=settings.budget_usd,
            spent_usd=round(spent.usd, 6),
            calls=spent.calls,
            photos_marked=self._marked.count(),
            photos_sent=self._sent(count=count),
            photos_refused=self._marked.refused(settings.embedding_model),
            trouble=None if trouble is None else trouble.as_dict(),
            closed_for_s=round(self._questions.breaker.open_for, 1),
            agents=consent.agents,
        )

    def calls(self, limit: int) -> list[CloudLogEntry]:
        """The last calls, newest first."""
        return self._gate.ledger.calls(limit)

    def expire_log(self) -> None:
        """Delete old calls from the log; also while the cloud is off."""
        self._gate.ledger.expire()

    def warnings(self) -> list[str]:
        """Warnings for users who expect the cloud to be on."""
        gate = self._gate
        found = []
        if (closed := gate.closed) is not None:
            found.append(f"{closed}: {closed.remedy}")
        if (refusal := self._refusal()) is not None:
            found.append(f"the mode is {gate.wanted}, but {refusal}: {refusal.remedy}")
        return found

    def _refusal(self) -> CloudNotPermitted | None:
        """Why the configured mode is not active, and the remedy."""
        try:
            self._gate.require(self._gate.wanted, "query")
        except CloudNotPermitted as error:
            return error
        return None

    def preview(self, path: bytes) -> tuple[Thumbnail, bool]:
        """The copy of a photo that would be sent, and whether it may be; raises DecodeFailed."""
        small = self._pool.thumbnail(path, BOX).result(60)
        return small, self._marked.holds(path) == small.content_id

    def check(self) -> list[CloudCheck]:
        """Test key, address, models and vectors with sample words and pictures."""
        mode = self._gate.wanted
        if (closed := self._gate.closed) is not None:
            raise closed
        if mode == "local":
            raise CloudNotPermitted("the cloud is off", remedy="photosd cloud enable hybrid")
        self._gate.require(mode, "check")
        self._gate.dismiss()  # with the current key
        found = check(self._gate, mode)
        if all(one["ok"] for one in found):
            self._questions.breaker.reset()
            self._backfill.retry()
        return found

    def _sent(self, *, count: bool = True) -> int:
        settings, store = self._gate.settings, None
        if self._home.cloud.is_dir():
            with contextlib.suppress(PhotosdError):
                store = self._remote.open(settings) if count else self._remote.ready(settings)
        return 0 if store is None else len(store)

    def _trouble(self) -> PhotosdError | None:
        if self.mode == "gemini" and self._backfill.trouble is not None:
            return self._backfill.trouble
        return self._questions.breaker.trouble if self.mode != "local" else None

    def _follow(self) -> None:
        mode = self.mode
        if mode == "local" or not self._open:
            return
        self._questions.warm_up()
        if mode == "gemini" and not self._backfill.is_alive():
            self._backfill = self._new_backfill()
            self._backfill.start()
        self._backfill.retry()

    def _new_backfill(self) -> Backfill:
        backfill = Backfill(self._gate, self._marked, self._remote, self._pool, lambda: self.mode)
        backfill.pause(self._paused)
        return backfill


class _SendPermission:
    """`SendPermission` for one purpose and one query."""

    def __init__(self, cloud: Gemini, purpose: Purpose, mode: str | None) -> None:
        self._cloud, self._purpose, self._mode = cloud, purpose, mode

    def ask(self, text: str, count: int) -> PendingQuestion:
        return self._cloud._ask(self._purpose, self._mode, text, count)

    def decline(self, reason: str) -> PendingQuestion:
        return self._cloud._decline(self._mode, reason)
