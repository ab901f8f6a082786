"""Wall-clock seconds: what a local clock shows, independent of this machine's time zone.

They equal the Unix time of a UTC clock that shows the same.
"""

from __future__ import annotations

import datetime

EPOCH = datetime.datetime(1970, 1, 1)


def wall_seconds(moment: datetime.datetime) -> float:
    """Wall-clock seconds of a date and time; its time zone is ignored."""
    return (moment.replace(tzinfo=None) - EPOCH).total_seconds()


def shown_here(unix: float) -> datetime.datetime:
    """What this machine's clock shows at a Unix time; out of its range, what UTC shows.

    Raises OverflowError if that is out of range.
    """
    try:
        return datetime.datetime.fromtimestamp(unix)
    except (OverflowError, OSError, ValueError):
        return EPOCH + datetime.timedelta(seconds=unix)
