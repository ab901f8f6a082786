"""The daemon's lock file as other processes see it: whether it is held, and what it says."""

from __future__ import annotations

import fcntl
import os

from photosd.core.paths import Home


def lock_holder(home: Home) -> int | None:
    """The pid of the daemon that holds the lock; 0 if its pid is unknown, None if nothing does."""
    try:
        descriptor = os.open(home.lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        words = lock_words(home)
        return int(words[0]) if words and words[0].isdigit() else 0
    finally:
        os.close(descriptor)
    return None


def lock_words(home: Home) -> list[str]:
    """Content of the lock file: the daemon's pid and socket, one per line."""
    try:
        return home.lock.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
