"""Row 6: everything that a user starts on a Mac finds the same socket."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from photosd.core.socketpath import SOCKET_PATH_LIMIT
from tests.darwin import pretend

PRINT_BOTH = (
    "from photosd.core.socketpath import socket_path; from photosd.core.paths import Home;"
    "print(socket_path(), Home.from_environment().socket)"
)
# What each adds to or lacks from the environment of a login shell.
CALLERS = {
    "a shell": {},
    "a Nix shell": {"TMPDIR": "/tmp/nix-shell.K2hx1c"},
    "a terminal with another TMPDIR": {"TMPDIR": "/Volumes/scratch/tmp"},
    "a shell with XDG variables": {"XDG_RUNTIME_DIR": "/Users/me/.run"},
    "cron": {"TMPDIR": "", "SHELL": "/bin/sh", "LOGNAME": "me"},
}


@pytest.mark.parametrize("caller", CALLERS)
def test_the_socket_is_where_the_system_puts_temporary_files_of_the_user(
    mac: dict[str, str], python: Callable[..., str], caller: str
) -> None:
    """Whatever the environment; and the command and the daemon agree."""
    place = f"{mac[pretend.TEMPORARY]}photosd-{os.getuid()}/photosd.sock"
    assert python(PRINT_BOTH, **CALLERS[caller]).split() == [place, place]


def test_it_is_so_in_an_empty_environment(mac: dict[str, str]) -> None:
    """As programs start MCP servers: without HOME and TMPDIR."""
    kept = (pretend.PRETEND, pretend.TEMPORARY, "PYTHONPATH")
    done = subprocess.run(
        [sys.executable, "-c", "from photosd.core.socketpath import socket_path as s; print(s())"],
        env={name: mac[name] for name in kept},
        capture_output=True,
        text=True,
        timeout=60,
    )
    place = f"{mac[pretend.TEMPORARY]}photosd-{os.getuid()}/photosd.sock"
    assert done.stdout.strip() == place, done.stderr


def test_places_set_by_the_user_are_used(python: Callable[..., str], tmp_path: Path) -> None:
    """PHOTOSD_SOCKET for the command; PHOTOSD_HOME for both."""
    assert python(PRINT_BOTH, PHOTOSD_SOCKET="/tmp/a.sock").split()[0] == "/tmp/a.sock"
    found = python(PRINT_BOTH, PHOTOSD_HOME="/tmp/home").split()
    assert found == ["/tmp/home/run/photosd.sock"] * 2


def test_a_real_place_fits_into_an_address() -> None:
    """As long as they come: two letters, thirty, a user id of ten digits."""
    place = f"/private/var/folders/{'x' * 2}/{'y' * 30}/T/photosd-4294967294/photosd.sock"
    assert len(place) <= SOCKET_PATH_LIMIT
