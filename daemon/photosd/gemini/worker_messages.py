"""Messages between the daemon and the Gemini worker; imports nothing heavy."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core.config import CloudSettings
from photosd.core.errors import CloudUnavailable

Vectors = NDArray[np.float32]


class Opening(msgspec.Struct, frozen=True):
    """The first message: the key, its source, and the settings."""

    key: str
    source: str
    settings: CloudSettings


class CallRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call to make, within ``seconds``; pictures are sent as blobs."""

    id: int
    op: Literal["write", "embed_query", "embed_photos"]
    model: str
    seconds: float
    text: str = ""
    instruction: str = ""
    schema: dict[str, Any] = {}
    dimensions: int = 0


class Written(msgspec.Struct, frozen=True):
    """Output of a text model, and its input and output tokens (None: unknown).

    ``tokens_out`` includes thinking tokens.
    """

    text: str
    tokens_in: int | None
    tokens_out: int | None

    def usd(self, settings: CloudSettings) -> float | None:
        """Its price; None if unknown."""
        if self.tokens_in is None or self.tokens_out is None:
            return None
        rate_in, rate_out = settings.usd_per_million_in / 1e6, settings.usd_per_million_out / 1e6
        return self.tokens_in * rate_in + self.tokens_out * rate_out


class Trouble(msgspec.Struct, frozen=True):
    """A CloudUnavailable sent to the daemon."""

    message: str
    remedy: str
    reason: str
    retry_after_ms: int | None = None

    @classmethod
    def of(cls, error: CloudUnavailable) -> Trouble:
        """The error as a message."""
        return cls(str(error), error.remedy, error.reason, error.retry_after_ms)

    def error(self) -> CloudUnavailable:
        """The message as an error."""
        return CloudUnavailable(
            self.message,
            remedy=self.remedy,
            reason=self.reason,
            retry_after_ms=self.retry_after_ms,
        )


class CallAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a call. ``id`` 0: whether the client was created; vectors are a blob."""

    id: int
    written: Written | None = None
    trouble: Trouble | None = None
