"""The gate: all outgoing data passes through it, after consent, key, budget and ledger."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from shlex import quote
from typing import TypeVar

import msgspec
import structlog

from photosd.core.config import ClosedCloudSettings, CloudSettings
from photosd.core.errors import CloudNotPermitted, CloudUnavailable, StorageError
from photosd.gemini.consent import COVERS, ConsentFile, Purpose
from photosd.gemini.environment import Environment
from photosd.gemini.keys import DOTENV, UNTRUSTED, dotenv_mode, find_key
from photosd.gemini.ledger import Kind, Ledger
from photosd.gemini.worker import GeminiWorker
from photosd.gemini.worker_messages import Vectors

log = structlog.get_logger()

Result = TypeVar("Result")
# The server may have counted an aborted call; for these it is known that it has not.
FREE = ("offline", "quota", "auth", "model", "server", "refused")


class Charge(msgspec.Struct, frozen=True):
    """Data about to be sent; ``usd``: its price at most.

    Needs consent to ``mode`` and ``purpose``.
    """

    kind: Kind
    purpose: Purpose
    mode: str
    model: str
    items: int
    bytes: int
    usd: float


class Gate:
    """One worker at a time, started on first use. Any thread may send."""

    def __init__(
        self, config: Path, settings: CloudSettings, ledger: Ledger, environment: Environment
    ) -> None:
        self._config, self.settings = config, settings
        self.ledger, self._environment = ledger, environment
        self.consent = ConsentFile(config)
        self.shut = False  # regardless of a consent file that could not be deleted
        self._worker: GeminiWorker | None = None
        self._generation = 0
        self._lock = threading.Lock()  # held briefly
        self._starting_worker = threading.Lock()  # held while a key command runs

    # -- permissions ------------------------------------------------------------------------------

    @property
    def wanted(self) -> str:
        """The requested mode: EMBEDDING_MODE (also in `.env`), else the setting.

        Invalid modes and settings request nothing.
        """
        return "local" if self.closed is not None else self._named or self.settings.mode

    @property
    def _named(self) -> str:
        return self._environment.mode or dotenv_mode(self._config)

    @property
    def closed(self) -> CloudNotPermitted | None:
        """Why nothing is sent regardless of consent, if so."""
        if self.shut:
            return CloudNotPermitted(
                "nothing is sent: it was disabled", remedy="photosd cloud enable MODE"
            )
        if isinstance(self.settings, ClosedCloudSettings):
            return CloudNotPermitted(
                "nothing is sent until every cloud setting is valid", remedy="photosd status"
            )
        named = self._named
        if named == UNTRUSTED:
            file = self._config / DOTENV
            return CloudNotPermitted(
                f"nothing is sent: {file} can be read by others, or cannot be read",
                remedy=f"chmod 600 {quote(str(file))}",
            )
        if named and named not in COVERS:
            return CloudNotPermitted(
                f"nothing is sent: EMBEDDING_MODE has the invalid value {named!r}",
                remedy="set it to local, hybrid or gemini, or remove it; then: photosd restart",
            )
        return None

    def permits(self, mode: str, purpose: Purpose) -> bool:
        """Whether there is consent for what ``mode`` sends for this purpose, and to
        this address.
        """
        if mode == "local" or self.closed is not None:
            return mode == "local"
        return self.consent.read().covers(mode, self.settings.base_url, purpose)

    def require(self, mode: str, purpose: Purpose) -> None:
        """Raises CloudNotPermitted unless `permits`."""
        if not self.permits(mode, purpose):
            if (closed := self.closed) is not None:
                raise closed
            if (old := self.consent.outdated) is not None:
                day = time.strftime("%Y-%m-%d", time.localtime(old.at))
                raise CloudNotPermitted(
                    f"the terms have changed since the consent to {old.mode} on {day}",
                    remedy=f"photosd cloud enable {mode}",
                )
            given = self.consent.read()
            if purpose == "agent" and given.covers(mode, self.settings.base_url, "query"):
                raise CloudNotPermitted(
                    "there is no consent to send queries from agents",
                    remedy=f"photosd cloud enable {given.mode} --agents",
                )
            elsewhere = given.mode != "local" and given.base_url != self.settings.base_url
            says = (
                f"consent was given for {given.base_url}, not for {self.settings.base_url}"
                if elsewhere
                else f"there is no consent to the mode {mode}"
            )
            raise CloudNotPermitted(says, remedy=f"photosd cloud enable {mode}")

    def key_source(self, *, run: bool) -> str:
        """The source of the key; raises CloudNotPermitted if there is none.

        ``run``: run the key command, which may take ten seconds.
        """
        settings = self.settings
        if not run and settings.key_command:
            with contextlib.suppress(CloudNotPermitted):
                stored = msgspec.structs.replace(settings, key_command="")
                return find_key(self._config, stored, self._environment).source
            return "the key command"
        return find_key(self._config, settings, self._environment).source

    # -- sending ------------------------------------------------------------------------------

    def send(
        self,
        charge: Charge,
        work: Callable[[GeminiWorker], Result],
        price: Callable[[Result], float | None] = lambda _: None,
    ) -> Result:
        """Have ``work`` send the data; ``price``: the actual price, if the answer has it.

        Raises CloudNotPermitted, CloudUnavailable, or StorageError if the ledger cannot be written:
        then nothing was sent.
        """
        generation = self._generation
        self.require(charge.mode, charge.purpose)
        worker = self.worker(generation)  # withdrawn consent aborts it
        number = self.ledger.begin(
            charge.kind,
            charge.model,
            charge.items,
            charge.bytes,
            charge.usd,
            self.settings.budget_usd,
        )
        try:
            result = work(worker)
        except CloudUnavailable as error:
            self._record(number, error.reason, 0.0 if error.reason in FREE else None)
            if error.reason == "auth":
                self.dismiss()  # the key may have been replaced
            log.info("cloud_call_failed", kind=charge.kind, reason=error.reason, cause=str(error))
            raise
        self._record(number, "ok", price(result))
        return result

    def embed_photos(
        self, jpegs: list[bytes], seconds: float, kind: Kind = "embed_photos"
    ) -> Vectors:
        """Unit vectors (len(jpegs), dimensions) float32 of pictures; raises the errors
        of `send`.
        """
        model, dimensions = self.settings.embedding_model, self.settings.dimensions
        usd = len(jpegs) * self.settings.usd_per_image
        purpose: Purpose = "photos" if kind == "embed_photos" else "check"
        return self.send(
            Charge(kind, purpose, "gemini", model, len(jpegs), sum(map(len, jpegs)), usd),
            lambda worker: worker.embed_photos(model, jpegs, dimensions, seconds),
        )

    def worker(self, generation: int | None = None) -> GeminiWorker:
        """The worker, started soon; up to ten seconds if a command has the key.

        Raises CloudUnavailable if there is no key, or everything was aborted since ``generation``.
        """
        with self._starting_worker:
            with self._lock:
                worker = self._worker
                if generation not in (None, self._generation):
                    raise CloudUnavailable("the settings just changed", reason="busy")
                generation = self._generation
            if worker is not None and not worker.ended:
                return worker
            try:
                key = find_key(self._config, self.settings, self._environment)
            except CloudNotPermitted as error:
                raise CloudUnavailable(str(error), remedy=error.remedy, reason="key") from None
            with self._lock:
                if generation != self._generation:
                    raise CloudUnavailable("the settings just changed", reason="busy")
                self._worker = GeminiWorker(key, self.settings)
                return self._worker

    @property
    def ready(self) -> bool:
        """Whether a call would be sent at once."""
        worker = self._worker
        return worker is not None and worker.ready

    def dismiss(self) -> None:
        """Abort calls under way; the next call starts a new worker, with the current key."""
        with self._lock:
            self._generation += 1
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def _record(self, number: int, outcome: str, usd: float | None) -> None:
        with contextlib.suppress(StorageError):  # it is recorded at its full price
            self.ledger.end(number, outcome, usd)
