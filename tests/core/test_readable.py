"""Waiting for a descriptor, whatever its number."""

from __future__ import annotations

import fcntl
import os
import re
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.child import readable
from tests.conftest import ROOT

BEYOND = 1500  # what select(2) refuses


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends; the first one's descriptor has a high number, as where there are many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= BEYOND:
        pytest.skip("so many descriptors are not allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, BEYOND + 10), hard))
    low, other = socket.socketpair()
    high = socket.socket(fileno=fcntl.fcntl(low.fileno(), fcntl.F_DUPFD, BEYOND))
    low.close()
    yield high, other
    high.close()
    other.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_any_number_will_do(pair: tuple[socket.socket, socket.socket]) -> None:
    """Nothing, something, and the end; it is waited for as long as was said."""
    high, other = pair
    assert high.fileno() >= BEYOND
    begun = time.monotonic()
    assert not readable(high, 0.05)
    assert time.monotonic() - begun >= 0.05
    assert not readable(high, -1)
    other.send(b"x")
    assert readable(high, 10) and readable(high.fileno(), 0)
    assert os.read(high.fileno(), 10) == b"x"
    other.close()
    assert readable(high, 10)


def test_no_other_module_does_it_itself() -> None:
    """`select.select` fails where a daemon holds more than 1,024 descriptors."""
    found = [
        str(file.relative_to(ROOT))
        for place in ("daemon", "cli")
        for file in sorted(Path(ROOT / place).rglob("*.py"))
        if file.name != "command_runner.py"  # a process of its own, with a handful
        and re.search(r"select\.select\(|selectors\.SelectSelector", file.read_text())
    ]
    assert found == []
