"""Quarantine: when a photo that was in a dying worker's hands is not tried again."""

from __future__ import annotations

from photosd.index.worklist import Failure

DEATHS = 2  # once in company, once alone
# A worker killed or stopped from outside says little about the photo it held: once more.
DEATHS_FROM_OUTSIDE = 3
OUTSIDE = ("SIGKILL", "SIGTERM", "SIGSTOP")


def verdict(reason: str, stack: str, deaths: int) -> Failure | None:
    """The failure to record after ``deaths`` deaths, or None: it deserves another try, alone.

    A quarantined photo is not tried again until the file or photosd changes, or
    ``photosd failures --retry``.
    """
    limit = DEATHS_FROM_OUTSIDE if any(name in reason for name in OUTSIDE) else DEATHS
    if deaths < limit:
        return None
    return Failure(
        f"quarantined: a worker died {deaths} times while it held this photo ({reason})",
        "photosd failures --retry   (if something else was at fault)",
        retry_at=None,
        stack=stack or None,
    )
