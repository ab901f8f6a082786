"""Why the encoder returned no vectors: it crashed, or it reported an error."""

from __future__ import annotations

import re
from typing import Literal

from photosd.core.errors import EncoderUnavailable
from photosd.core.shortage import shortage_in

# crash: it crashed or hung. killed: it was killed from outside, as by the kernel when memory is
# low, or ended because the system is out of threads. nonsense: its messages were invalid. stalled:
# it did not finish warming up. device: one of these on an accelerator, which may be the cause.
# other: it was stopped for its own reasons.
Cause = Literal["crash", "killed", "nonsense", "stalled", "device", "other"]

# The last words of libgomp and of libomp, which end the process.
OUT_OF_THREADS = re.compile(r"libgomp: Thread creation failed|OMP: Error #34")


class EncoderDied(Exception):
    """The encoder crashed, or was stopped, during this request.

    The request may be the cause only of a crash.
    """

    def __init__(self, reason: str, stack: str, cause: Cause = "crash") -> None:
        super().__init__(reason)
        self.reason, self.stack, self.cause = reason, stack, cause


class EncodingFailed(EncoderUnavailable):
    """The encoder reported an error; ``shortage``: the resource that ran out."""

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
