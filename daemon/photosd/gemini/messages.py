"""What the daemon asks the Gemini worker for and what it answers; imports nothing heavy."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core.config import CloudSettings
from photosd.core.errors import CloudUnavailable

Vectors = NDArray[np.float32]


class Opening(msgspec.Struct, frozen=True):
    """The first message: the key, where it is from, and the settings to call by."""

    key: str
    source: str
    settings: CloudSettings


class CallRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One call to make, within ``seconds``; pictures travel as blobs."""

    id: int
    op: Literal["write", "embed_query", "embed_photos"]
    model: str
    seconds: float
    text: str = ""
    instruction: str = ""
    schema: dict[str, Any] = {}
    dimensions: int = 0


class Written(msgspec.Struct, frozen=True):
    """What a text model wrote, and the tokens it read and wrote (None: it did not say).

    ``tokens_out`` counts what it has thought, too.
    """

    text: str
    tokens_in: int | None
    tokens_out: int | None

    def usd(self, settings: CloudSettings) -> float | None:
        """What it cost; None where it did not say."""
        if self.tokens_in is None or self.tokens_out is None:
            return None
        rate_in, rate_out = settings.usd_per_million_in / 1e6, settings.usd_per_million_out / 1e6
        return self.tokens_in * rate_in + self.tokens_out * rate_out


class Trouble(msgspec.Struct, frozen=True):
    """A CloudUnavailable on its way to the daemon."""

    message: str
    remedy: str
    reason: str
    retry_after_ms: int | None = None

    @classmethod
    def of(cls, error: CloudUnavailable) -> Trouble:
        """The error as it travels."""
        return cls(str(error), error.remedy, error.reason, error.retry_after_ms)

    def error(self) -> CloudUnavailable:
        """The error again."""
        return CloudUnavailable(
            self.message,
            remedy=self.remedy,
            reason=self.reason,
            retry_after_ms=self.retry_after_ms,
        )


class CallAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended. ``id`` 0: the client is built, or will not be; vectors are a blob."""

    id: int
    written: Written | None = None
    trouble: Trouble | None = None
