"""Quarantine: when a photo that was in a dying worker's hands is not tried again.

A worker may also be killed by others: by the kernel's memory killer, by an administrator. So a
death in company only makes suspects, who are tried alone; and who died alone is tried once more
when all other work is done.
"""

from __future__ import annotations

from photosd.index.worklist import Failure

DEATHS = 2  # alone in the worker's hands; the second time with nothing else going on at all


def verdict(reason: str, stack: str, deaths: int) -> Failure | None:
    """The failure to record after ``deaths`` deaths, or None: it deserves another try, alone.

    A quarantined photo is not tried again until the file or photosd changes, or
    ``photosd failures --retry``.
    """
    if deaths < DEATHS:
        return None
    return Failure(
        f"quarantined: a worker died {deaths} times over this photo alone ({reason})",
        "photosd failures --retry   (if something else was at fault)",
        retry_at=None,
        stack=stack or None,
        code="quarantined",
    )
