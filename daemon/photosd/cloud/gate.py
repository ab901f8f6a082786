"""The gate: everything that leaves goes through it, after consent, key, budget and ledger."""

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

from photosd.cloud.consent import COVERS, ConsentFile, Purpose
from photosd.cloud.courier import Courier
from photosd.cloud.environment import Environment
from photosd.cloud.keys import DOTENV, UNTRUSTED, dotenv_mode, find_key
from photosd.cloud.ledger import Kind, Ledger
from photosd.cloud.letters import Vectors
from photosd.core.config import ClosedCloud, Cloud
from photosd.core.errors import CloudNotPermitted, CloudUnavailable, StorageError

log = structlog.get_logger()

Result = TypeVar("Result")
# A call that was cut off may have been counted by the other side; of these it is known not to be.
FREE = ("offline", "quota", "auth", "model", "server", "refused")


class Parcel(msgspec.Struct, frozen=True):
    """What is about to leave; ``usd``: its price at most.

    It takes consent to ``mode`` and to ``purpose``.
    """

    kind: Kind
    purpose: Purpose
    mode: str
    model: str
    items: int
    bytes: int
    usd: float


class Gate:
    """One courier at a time, at work when first needed. Any thread may send."""

    def __init__(
        self, config: Path, settings: Cloud, ledger: Ledger, environment: Environment
    ) -> None:
        self._config, self.settings = config, settings
        self.ledger, self._environment = ledger, environment
        self.consent = ConsentFile(config)
        self.shut = False  # whatever the consent on the disk says, which could not be deleted
        self._courier: Courier | None = None
        self._generation = 0
        self._lock = threading.Lock()  # held for a moment
        self._hiring = threading.Lock()  # held while a key command runs

    # -- what may be done ---------------------------------------------------------------------

    @property
    def wanted(self) -> str:
        """The mode that is asked for: EMBEDDING_MODE (also in `.env`), else the setting.

        What is no mode, and settings that make no sense, ask for nothing.
        """
        return "local" if self.closed is not None else self._named or self.settings.mode

    @property
    def _named(self) -> str:
        return self._environment.mode or dotenv_mode(self._config)

    @property
    def closed(self) -> CloudNotPermitted | None:
        """Why nothing is sent whatever was agreed to and whoever asks, if that is so."""
        if self.shut:
            return CloudNotPermitted(
                "nothing is sent: it was switched off", remedy="photosd cloud enable MODE"
            )
        if isinstance(self.settings, ClosedCloud):
            return CloudNotPermitted(
                "nothing is sent until every setting makes sense", remedy="photosd status"
            )
        named = self._named
        if named == UNTRUSTED:
            file = self._config / DOTENV
            return CloudNotPermitted(
                f"nothing is sent: {file} may be read by others, or cannot be read",
                remedy=f"chmod 600 {quote(str(file))}",
            )
        if named and named not in COVERS:
            return CloudNotPermitted(
                f"nothing is sent: EMBEDDING_MODE says {named!r}, which is no mode",
                remedy="have it say local, hybrid or gemini, or remove it; then: photosd restart",
            )
        return None

    def permits(self, mode: str, purpose: Purpose) -> bool:
        """Whether somebody has agreed to what ``mode`` sends for this purpose, and to where."""
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
                    f"the terms have changed since somebody agreed to {old.mode} on {day}",
                    remedy=f"photosd cloud enable {mode}",
                )
            given = self.consent.read()
            if purpose == "agent" and given.covers(mode, self.settings.base_url, "query"):
                raise CloudNotPermitted(
                    "nobody has agreed to send the questions of agents",
                    remedy=f"photosd cloud enable {given.mode} --agents",
                )
            elsewhere = given.mode != "local" and given.base_url != self.settings.base_url
            says = (
                f"consent was given for {given.base_url}, not for {self.settings.base_url}"
                if elsewhere
                else f"nobody has agreed to the mode {mode}"
            )
            raise CloudNotPermitted(says, remedy=f"photosd cloud enable {mode}")

    def key_source(self, *, run: bool) -> str:
        """Where the key is from; raises CloudNotPermitted when there is none.

        ``run``: have the key command prove itself, which may take ten seconds.
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
        parcel: Parcel,
        work: Callable[[Courier], Result],
        price: Callable[[Result], float | None] = lambda _: None,
    ) -> Result:
        """Have ``work`` send the parcel; ``price``: what it really cost, where the answer says so.

        Raises CloudNotPermitted, CloudUnavailable, or StorageError when the ledger cannot be
        written: then nothing was sent.
        """
        generation = self._generation
        self.require(parcel.mode, parcel.purpose)
        courier = self.courier(generation)  # consent withdrawn since then ends it
        number = self.ledger.begin(
            parcel.kind,
            parcel.model,
            parcel.items,
            parcel.bytes,
            parcel.usd,
            self.settings.budget_usd,
        )
        try:
            result = work(courier)
        except CloudUnavailable as error:
            self._record(number, error.reason, 0.0 if error.reason in FREE else None)
            if error.reason == "auth":
                self.dismiss()  # the key may have been replaced
            log.info("cloud_call_failed", kind=parcel.kind, reason=error.reason, cause=str(error))
            raise
        self._record(number, "ok", price(result))
        return result

    def embed_photos(
        self, jpegs: list[bytes], seconds: float, kind: Kind = "embed_photos"
    ) -> Vectors:
        """Unit vectors (len(jpegs), dimensions) float32 of pictures; raises what `send` raises."""
        model, dimensions = self.settings.embedding_model, self.settings.dimensions
        usd = len(jpegs) * self.settings.usd_per_image
        purpose: Purpose = "photos" if kind == "embed_photos" else "check"
        return self.send(
            Parcel(kind, purpose, "gemini", model, len(jpegs), sum(map(len, jpegs)), usd),
            lambda courier: courier.embed_photos(model, jpegs, dimensions, seconds),
        )

    def courier(self, generation: int | None = None) -> Courier:
        """The courier, at work soon; up to ten seconds where a command has the key.

        Raises CloudUnavailable where there is no key, or all was cut since ``generation``.
        """
        with self._hiring:
            with self._lock:
                courier = self._courier
                if generation not in (None, self._generation):
                    raise CloudUnavailable("the settings just changed", reason="busy")
                generation = self._generation
            if courier is not None and not courier.ended:
                return courier
            try:
                key = find_key(self._config, self.settings, self._environment)
            except CloudNotPermitted as error:
                raise CloudUnavailable(str(error), remedy=error.remedy, reason="key") from None
            with self._lock:
                if generation != self._generation:
                    raise CloudUnavailable("the settings just changed", reason="busy")
                self._courier = Courier(key, self.settings)
                return self._courier

    @property
    def ready(self) -> bool:
        """Whether a call would leave at once."""
        courier = self._courier
        return courier is not None and courier.ready

    def dismiss(self) -> None:
        """Cut what is under way; the next call begins anew, with the key as it is then."""
        with self._lock:
            self._generation += 1
            courier, self._courier = self._courier, None
        if courier is not None:
            courier.close()

    def _record(self, number: int, outcome: str, usd: float | None) -> None:
        with contextlib.suppress(StorageError):  # it stands there at its full price
            self.ledger.end(number, outcome, usd)
