"""``python -m photosd.encoder.install ORDER``: installs a model, reporting as JSON lines on stdout.

A separate process: it imports torch, as only encoders do, and only it downloads models. ``{"say":
…}`` and ``{"file": …, "done": …, "total": …}`` lines report progress, ``{"warn": …}`` warnings; the
last line is ``{"result": …}`` or ``{"error": …}``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import msgspec

from photosd.core import typed
from photosd.core.errors import ModelError, PhotosdError
from photosd.core.secrets import without_secrets
from photosd.encoder.install.model_spec import InstallOrder
from photosd.models.spec import ModelSpec

BEAT_SECONDS = 0.2


def main() -> int:
    """Run the order; 0 if the model is installed."""
    # Libraries may print anything; results go to a separate stream.
    told = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # to clean up partial files
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")

    def tell(**message: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # the reader has left: continue silently
            told.write(msgspec.json.encode(message) + b"\n")

    try:
        order = typed.from_json(sys.argv[1], InstallOrder)
        spec, doubt = _carry_out(order, tell)
        tell(result={"model": msgspec.structs.asdict(spec), "doubt": doubt})
        return 0
    except PhotosdError as error:
        tell(error=error.as_dict())
    except MemoryError:
        tell(error=ModelError("there is not enough memory", remedy="close programs").as_dict())
    except OSError as error:
        cause = ModelError(str(error), remedy="check free space and permissions")
        tell(error=cause.as_dict())
    return 1


def _carry_out(order: InstallOrder, tell: Callable[..., None]) -> tuple[ModelSpec, str | None]:
    if order.source is not None:
        from photosd.encoder.install.installing import install

        return install(order, lambda words: tell(say=words))
    from photosd.encoder.install.pulling import pull

    last = 0.0

    def report_bytes(name: str, there: int, total: int) -> None:
        nonlocal last
        if there == total or time.monotonic() - last > BEAT_SECONDS:
            last = time.monotonic()
            tell(file=name, done=there, total=total)

    return pull(
        order,
        lambda words: tell(say=words),
        report_bytes,
        lambda words: tell(warn=without_secrets(words)),
    )


if __name__ == "__main__":
    sys.exit(main())
