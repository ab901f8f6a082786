"""What only the daemon can find out about itself: does encoding work, is its hub off?"""

from __future__ import annotations

import time

import numpy as np
import psutil

from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.encoder.supervisor import Supervisor
from photosd.ipc.messages import SelfCheckResult, TextCheck

# The first twice: what the second costs is what a query costs.
TEXTS = (
    ("latin", "sunset over water"),
    ("again", "sunset over water"),
    ("hebrew", "שקיעה מעל הים"),
    ("emoji", "🌅🐕 👨‍👩‍👧"),
)
TEXT_SECONDS = 5.0
HUB_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def self_check(encoder: Supervisor, unwell: dict[str, str]) -> SelfCheckResult:
    """Encode known texts past every cache and look at the encoder's process; bounded."""
    texts: list[TextCheck] = []
    for kind, text in TEXTS:
        texts.append(_encode(encoder, kind, text))
        if texts[-1].error is not None and texts[-1].unavailable:
            break  # the others would only wait for the same
    pid = encoder.status().pid
    processes = [psutil.Process(), *([psutil.Process(pid)] if pid else [])]
    return SelfCheckResult(
        texts=texts,
        hub_off=_hub_off(pid),
        swapped_mb=round(sum(_swapped(process) for process in processes) / 1e6, 1),
        unwell=unwell,
    )


def _encode(encoder: Supervisor, kind: str, text: str) -> TextCheck:
    before = time.monotonic()
    try:
        answer = encoder.encode_texts([text], Deadline.after(TEXT_SECONDS)).result(TEXT_SECONDS + 1)
    except PhotosdError as error:
        return TextCheck(kind, 0, 0, f"{error.title}: {error}", error.remedy, unavailable=True)
    except Exception as error:  # EncoderDied, a timeout: whatever it is, it is the finding
        return TextCheck(kind, 0, 0, f"{type(error).__name__}: {error}", "photosd restart")
    length = float(np.linalg.norm(answer.vectors[0]))
    wrong = None if abs(length - 1) < 0.01 else f"its vector has length {length:g} instead of 1"
    return TextCheck(
        kind,
        round(1000 * (time.monotonic() - before), 2),
        round(answer.understood[0], 3),
        wrong,
        "photosd restart" if wrong else None,
    )


def _hub_off(pid: int | None) -> bool | None:
    """Whether the encoder's process was begun with the hub switched off; None: no telling."""
    try:
        environment = psutil.Process(pid).environ() if pid else {}
    except (psutil.Error, OSError):
        return None
    return all(environment.get(name) == "1" for name in HUB_SWITCHES) if environment else None


def _swapped(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "swap", 0))
    except (psutil.Error, OSError):
        return 0
