"""Fixtures of the command line's tests: a stub daemon, and `photosd` in and out of process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from photosd.core.paths import Home
from photosd_cli.main import main
from tests.cli.stub import StubDaemon

ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Photosd = Callable[..., Ran]


@pytest.fixture
def stub(home: Home) -> Iterator[StubDaemon]:
    """A daemon that answers as the test says, on the home of the test."""
    daemon = StubDaemon(home.socket)
    yield daemon
    daemon.close()


@pytest.fixture
def photosd(home: Home, capfd: pytest.CaptureFixture[str]) -> Photosd:
    """Run a command line in this process, not on a terminal."""

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        code = main(list(arguments))
        sys.stdout.flush()
        return Ran(code, *capfd.readouterr())

    return run


# With it on PYTHONPATH, a daemon that a command starts has a stand-in for its encoder.
QUICK = str(ROOT / "tests" / "household" / "site")


def environment(*first: str) -> dict[str, str]:
    """What `photosd` as a process needs to be found; ``first``: before that on PYTHONPATH."""
    path = os.pathsep.join([*first, str(ROOT / "daemon"), str(ROOT / "cli")])
    return {**os.environ, "PYTHONPATH": path}


def command(*arguments: str) -> list[str]:
    """The command line of a `photosd` process."""
    return [sys.executable, "-m", "photosd_cli.main", *arguments]


@pytest.fixture
def process(home: Home) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run `photosd` as a process of its own, as a shell would."""

    def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command(*arguments),
            env=environment(QUICK),
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )

    return run
