"""The cloud as the daemon sees it: one object that asks, sends, reports, forgets, and is off."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import structlog

from photosd.core.clock import Deadline, Pause
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudNotPermitted, CloudUnavailable, PhotosdError, StorageError
from photosd.core.paths import Home
from photosd.decode.pool import Pool, Thumbnail
from photosd.gemini.answers import Answers
from photosd.gemini.asking import Outside, PendingQuestion, answered, nothing_asked
from photosd.gemini.backfill import BOX, Backfill
from photosd.gemini.checkup import Checked, check
from photosd.gemini.consent import Purpose, digest, terms_of
from photosd.gemini.environment import Environment
from photosd.gemini.gate import Gate
from photosd.gemini.ledger import COPY, Call, Ledger
from photosd.gemini.marked import MarkedPhotos
from photosd.gemini.questions import Questions
from photosd.gemini.remote import RemoteTable, finish_forgetting
from photosd.index.database import Database
from photosd.protocol import messages as m

log = structlog.get_logger()

OF_THE_COURIER = ("base_url", "api_version", "key_file", "key_command", "proxy")


class Gemini:
    """In the mode local nothing here opens a file of its own, starts a thread or imports an SDK."""

    def __init__(
        self,
        home: Home,
        settings: CloudSettings,
        database: Database,
        pool: Pool,
        environment: Environment,
        remembers: Callable[[], bool] = lambda: True,
    ) -> None:
        """``remembers``: whether queries may be remembered, as the settings have it."""
        self._home, self._pool = home, pool
        self._gate = Gate(home.config, settings, Ledger(database, home.config / COPY), environment)
        self._remote = RemoteTable(home.cloud)
        self._answers = Answers(home.cloud, remembers)
        self._marked = MarkedPhotos(database)
        self._questions = Questions(self._gate, self._remote, self._answers)
        self._paused = Pause()
        self._backfill = self._new_backfill()
        self._open = False

    # -- life ---------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin what the mode asks for, if somebody has agreed to it."""
        with contextlib.suppress(OSError):
            finish_forgetting(self._home.cloud)
        self._open = True
        self._follow()

    def close(self, deadline: Deadline | None = None) -> None:
        """End every thread; calls under way are cut."""
        self._open = False
        self._gate.dismiss()
        self._backfill.stop(deadline)
        self._questions.close()

    def apply(self, settings: CloudSettings) -> None:
        """Let changed settings take effect, and what has failed be tried again."""
        before, self._gate.settings = self._gate.settings, settings
        if settings == before:
            return
        changed = any(getattr(settings, name) != getattr(before, name) for name in OF_THE_COURIER)
        less = settings.mode == "local" or before.mode == "gemini" != settings.mode
        if changed or less:  # what is under way may be what is not to be sent any more
            self._gate.dismiss()
        self._questions.breaker.reset()
        self._follow()

    def pause(self, until: float) -> None:
        """Send no photos until then (Unix seconds); queries go on."""
        self._paused = self._backfill.paused = Pause.to(until)
        self._backfill.wake()

    def wake(self) -> None:
        """Photos may be there to be sent, or a folder was marked."""
        self._backfill.wake()

    def cut(self) -> None:
        """End what is under way: some of it may not be sent any more."""
        self._gate.dismiss()

    # -- queries ------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        """What is on: the mode that is wanted, where somebody has agreed to it; else local."""
        wanted = self._gate.wanted
        return wanted if self._gate.permits(wanted, "query") else "local"

    def outside(self, purpose: Purpose, mode: str | None) -> Outside:
        """The way by which a question may leave, for this purpose alone.

        ``mode``: the question's own, else the one that is wanted.
        """
        return _Outside(self, purpose, mode)

    def _ask(self, purpose: Purpose, mode: str | None, text: str, count: int) -> PendingQuestion:
        """Begin to ask Gemini about a query (normalised), if the mode says so; returns at once.

        ``count`` contents at most. Raises CloudNotPermitted where the query's own mode is not
        permitted.
        """
        wanted = mode or self._gate.wanted
        if wanted == "local" or not self._open:
            return nothing_asked()
        if not self._gate.permits(wanted, purpose):
            if mode is not None:
                self._gate.require(mode, purpose)
            return answered(wanted, CloudNotPermitted("nobody has agreed to it"))
        return self._questions.ask(wanted, purpose, text, count)

    def _decline(self, mode: str | None, reason: str) -> PendingQuestion:
        """A query that is not sent whatever the mode is, and why."""
        wanted = mode or self._gate.wanted
        if wanted == "local" or not self._open:
            return nothing_asked()
        return answered(wanted, CloudUnavailable("it is not sent", reason=reason))

    # -- consent ------------------------------------------------------------------------------

    def terms(self, mode: str, *, agents: bool) -> m.CloudTermsResult:
        """What somebody has to agree to."""
        words = terms_of(mode, self._gate.settings, agents=agents)
        return m.CloudTermsResult(mode, words, digest(words))

    def enable(self, mode: str, terms: str, *, agents: bool) -> None:
        """Agree to these terms; raises CloudNotPermitted without a key, or for other terms."""
        self._gate.key_source(run=True)
        self._gate.consent.give(mode, self._gate.settings, terms, agents=agents)
        self._gate.shut = False
        log.info("cloud_enabled", mode=mode, agents=agents, base_url=self._gate.settings.base_url)

    def disable(self) -> None:
        """Agree to nothing any more; what is under way is cut.

        Raises StorageError where the consent cannot be deleted: then it is off until a restart.
        """
        self._gate.shut = True
        self._gate.dismiss()
        self._backfill.wake()
        try:
            self._gate.consent.withdraw()
        except OSError as error:
            file = self._gate.consent.file
            raise StorageError(
                f"nothing is sent now, but the consent would hold again after a restart: {error}",
                remedy=f"delete {file} yourself",
            ) from error
        self._gate.shut = False
        log.info("cloud_disabled")

    def forget(self) -> int:
        """Switch off and delete all that came from Gemini; the number of vectors of photos.

        Raises StorageError, after all that can be deleted was.
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
                remedy=f"delete {self._home.cloud} and {self._home.cloud}.forgotten yourself",
            ) from error
        self._marked.forget()
        return number

    def forget_answers(self) -> None:
        """Remember nothing that was answered to a query until now; raises StorageError."""
        try:
            self._answers.forget()
        except OSError as error:
            raise StorageError(
                f"remembered answers cannot be deleted: {error}",
                remedy=f"check the permissions of {self._home.cloud}",
            ) from error

    def remove(self, contents: Sequence[str]) -> None:
        """Drop the vectors of photos that are gone, and what was refused of them."""
        self._marked.remove(contents)
        if self._home.cloud.is_dir():
            self._remote.remove(contents)

    def tidy(self) -> None:
        """Take off the disk what was dropped some time before; raises StorageError."""
        if self._home.cloud.is_dir():
            self._remote.tidy()
            self._remote.tidy_others()

    def contents(self) -> set[str]:
        """Every content with a vector in the table that is open, if one is."""
        store = self._remote.ready(self._gate.settings)
        return set() if store is None else store.contents()

    # -- reports ------------------------------------------------------------------------------

    def report(self, *, count: bool = True) -> m.CloudReport:
        """The state of all of it; nothing is sent, and no key command run.

        ``count``: open the table to count what it holds, even if nothing else needs it.
        """
        gate, settings = self._gate, self._gate.settings
        consent, spent = gate.consent.read(), gate.ledger.month()
        trouble = gate.closed or self._refusal() or self._trouble()
        try:
            key: str | None = gate.key_source(run=False)
        except CloudNotPermitted as error:
            key = None
            trouble = trouble or error if gate.wanted != "local" else trouble
        return m.CloudReport(
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

    def calls(self, limit: int) -> list[Call]:
        """The last calls, newest first."""
        return self._gate.ledger.calls(limit)

    def expire_log(self) -> None:
        """Drop calls from the log that are older than it goes back; also while the cloud is off."""
        self._gate.ledger.expire()

    def warnings(self) -> list[str]:
        """What somebody should know who believes that the cloud is on."""
        gate = self._gate
        found = []
        if (closed := gate.closed) is not None:
            found.append(f"{closed}: {closed.remedy}")
        if (refusal := self._refusal()) is not None:
            found.append(f"the mode is {gate.wanted}, but {refusal}: {refusal.remedy}")
        return found

    def _refusal(self) -> CloudNotPermitted | None:
        """Why the mode that is wanted is not on, and what to do."""
        try:
            self._gate.require(self._gate.wanted, "query")
        except CloudNotPermitted as error:
            return error
        return None

    def preview(self, path: bytes) -> tuple[Thumbnail, bool]:
        """The copy of a photo that would be sent, and whether it may be; raises DecodeFailed."""
        small = self._pool.thumbnail(path, BOX).result(60)
        return small, self._marked.holds(path) == small.content_id

    def check(self) -> list[Checked]:
        """Try key, address, models and vectors with words and pictures of our own."""
        mode = self._gate.wanted
        if (closed := self._gate.closed) is not None:
            raise closed
        if mode == "local":
            raise CloudNotPermitted("the cloud is off", remedy="photosd cloud enable hybrid")
        self._gate.require(mode, "check")
        self._gate.dismiss()  # with the key as it is now
        found = check(self._gate, mode)
        if all(one.ok for one in found):
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
        backfill.paused = self._paused
        return backfill


class _Outside:
    """`Outside` for one purpose and one question."""

    def __init__(self, cloud: Gemini, purpose: Purpose, mode: str | None) -> None:
        self._cloud, self._purpose, self._mode = cloud, purpose, mode

    def ask(self, text: str, count: int) -> PendingQuestion:
        return self._cloud._ask(self._purpose, self._mode, text, count)

    def decline(self, reason: str) -> PendingQuestion:
        return self._cloud._decline(self._mode, reason)
