"""Fixtures for processes that pretend to be macOS; see tests.darwin.pretend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.conftest import ROOT, RunningDaemon
from tests.darwin import pretend

# On a real Mac there is nothing to pretend: other tests show it, and these.
ON_REAL_MACS = ("test_decoder_memory.py", "test_workers_end.py")
collect_ignore = (
    [file.name for file in Path(__file__).parent.glob("test_*.py") if file.name not in ON_REAL_MACS]
    if pretend.REAL
    else []
)
PRELUDE = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from tests.darwin.pretend import pretend; pretend()
"""


class MacDaemon(RunningDaemon):
    """A daemon that believes it runs on a Mac, with all its workers."""

    def __init__(
        self, home: Home, environment: dict[str, str] | None = None, prelude: str = ""
    ) -> None:
        super().__init__(home, environment, PRELUDE + prelude)


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a process on a Mac: a new user with a home and a temporary directory.

    HOME, TMPDIR and what ``confstr`` answers lie in a directory of this test; no XDG variables, no
    PHOTOSD_HOME.
    """
    directory = tempfile.mkdtemp(prefix="mac-", dir="/tmp")
    places = {"HOME": f"{directory}/Users/me", "TMPDIR": f"{directory}/var/T/"}
    for place in places.values():
        Path(place).mkdir(parents=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "PHOTOSD_")) or name == pretend.PRETEND
    }
    path = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")])
    yield pretend.environment(
        {**kept, **places, pretend.TEMPORARY: places["TMPDIR"], "PYTHONPATH": path}
    )
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def python(mac: dict[str, str]) -> Callable[..., str]:
    """Runs statements in a new Python on the Mac; returns what it prints."""

    def run(statements: str, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", statements, *arguments],
            env=pretend.environment({**mac, **environment}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def mac_daemon(home: Home) -> Iterator[MacDaemon]:
    """A daemon on a Mac, of this test's own."""
    running = MacDaemon(home)
    yield running
    running.stop()


@pytest.fixture
def pretended() -> Iterator[None]:
    """This process pretends during the test; modules that choose at import have chosen Linux."""
    if sys.platform == "darwin":  # it pretends already, and continues
        yield
        return
    before = dict(os.environ)
    patches = pretend.pretend()
    yield
    patches.undo()
    os.environ.clear()
    os.environ.update(before)
