"""Locks: one starter at a time, and which process serves a home."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from photosd.core.errors import DeadlineExceeded, StorageError
from photosd.core.paths import Home

TURN_SECONDS = 60.0  # until earlier starters are done
POLL_SECONDS = 0.03


@contextlib.contextmanager
def starters_turn(home: Home) -> Iterator[None]:
    """One starter at a time; others wait instead of starting a second daemon."""
    try:
        home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(home.state / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(
            f"{home.state} cannot be written: {error.strerror}",
            remedy="change its owner or permissions, or set PHOTOSD_HOME",
        ) from error
    try:
        until = time.monotonic() + TURN_SECONDS
        while not _locked(descriptor):
            if time.monotonic() > until:
                raise DeadlineExceeded(
                    f"another `photosd start` has been running for {TURN_SECONDS:.0f} s",
                    remedy="photosd logs",
                )
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def lock_holder(home: Home) -> int | None:
    """The pid in the lock file, if the lock is held and so belongs to a running daemon."""
    try:
        descriptor = os.open(home.lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if _locked(descriptor):
            return None
    finally:
        os.close(descriptor)
    words = lock_words(home)
    return int(words[0]) if words and words[0].isdigit() else None


def lock_words(home: Home) -> list[str]:
    """Content of the daemon's lock file: its pid and socket, one per line."""
    try:
        return home.lock.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
