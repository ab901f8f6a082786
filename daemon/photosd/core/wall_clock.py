"""Wall clocks: what a clock shows where it hangs, in seconds, whatever the zone of this machine.

Wall-clock seconds are those of Unix for a clock in UTC that shows the same.
"""

from __future__ import annotations

import datetime

EPOCH = datetime.datetime(1970, 1, 1)


def wall_seconds(moment: datetime.datetime) -> float:
    """Of what a clock shows; a zone that comes with it is no part of that."""
    return (moment.replace(tzinfo=None) - EPOCH).total_seconds()


def shown_here(unix: float) -> datetime.datetime:
    """What this machine's clock shows at a Unix time; far beyond its years, what UTC's would.

    Raises OverflowError where that has no year either.
    """
    try:
        return datetime.datetime.fromtimestamp(unix)
    except (OverflowError, OSError, ValueError):
        return EPOCH + datetime.timedelta(seconds=unix)
