"""Why the encoder gave no vectors: it died over them, or it lives and says what was wrong."""

from __future__ import annotations

from typing import Literal

from photosd.core.errors import EncoderUnavailable
from photosd.core.shortage import shortage_in

# crash: it crashed or hung. killed: somebody else ended it, as the kernel does when memory is
# short. nonsense: its messages made no sense. other: it was ended for reasons of its own.
Cause = Literal["crash", "killed", "nonsense", "other"]


class EncoderDied(Exception):
    """The encoder died, or was ended, while it held this request.

    Only of a crash may the request be the reason.
    """

    def __init__(self, reason: str, stack: str, cause: Cause = "crash") -> None:
        super().__init__(reason)
        self.reason, self.stack, self.cause = reason, stack, cause


class EncodingFailed(EncoderUnavailable):
    """The encoder lives and answered with an error; ``shortage``: what it had too little of."""

    def __init__(self, reason: str) -> None:
        self.reason, self.shortage = reason, shortage_in(reason)
        if self.shortage == "memory":
            super().__init__(
                "there is not enough memory to encode it",
                remedy="close other programs",
                retry_after_ms=5000,
            )
        else:
            super().__init__(f"the encoder failed: {reason}", retry_after_ms=1000)
