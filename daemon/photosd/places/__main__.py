"""``python -m photosd.places FD PARENT TABLE [SOURCE]``: builds the table of places.

A separate process of low priority, since reading GeoNames' data takes memory and seconds.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from photosd.core.errors import PlacesUnavailable
from photosd.core.frames import send_frame
from photosd.core.worker_setup import attach, lower_priority
from photosd.places.building import build


def main() -> None:
    """Build once, and send ``{"places": number}`` or ``{"cause": …, "remedy": …}``."""
    sock = attach(sys.argv[1:3])
    lower_priority()
    try:
        reply: dict[str, object] = {"places": build(*map(Path, sys.argv[3:5]))}
    except PlacesUnavailable as error:
        reply = {"cause": str(error), "remedy": error.remedy}
    except (OSError, sqlite3.Error, MemoryError) as error:
        cause = f"the table of places cannot be written: {error or type(error).__name__}"
        reply = {"cause": cause, "remedy": "check free space, memory and the state directory"}
    send_frame(sock, reply)


if __name__ == "__main__":
    main()
