"""`photosd web` as a process: an address, pages, the daemon followed, an end with Ctrl-C."""

from __future__ import annotations

import functools
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import httpx2
import pytest

from photosd.core.paths import Home
from tests.cli.conftest import Photosd, command, environment
from tests.cli.stub import StubDaemon, status_result
from tests.conftest import ROOT


@pytest.fixture
def stub(home: Home) -> Iterator[StubDaemon]:
    daemon = StubDaemon(home.socket)
    daemon.answers |= {
        "hello": {"version": "0", "pid": 1},
        "follow": [status_result(), status_result()],
    }
    yield daemon
    daemon.close()


@pytest.fixture
def running(stub: StubDaemon, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    process = subprocess.Popen(
        command("web", "--no-open"),
        env=environment() | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore it, and so would their children.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    yield process, cast("IO[str]", process.stdout).readline().strip()
    process.kill()
    process.communicate()


def test_it_serves_until_interrupted(
    running: tuple[subprocess.Popen[str], str], stub: StubDaemon, tmp_path: Path
) -> None:
    """On this computer only; an open page does not delay the end, and nothing is left."""
    process, url = running
    assert url.startswith("http://127.0.0.1:") and "/enter?code=" in url
    (directory,) = tmp_path.glob("photosd-web-*")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    (opening,) = directory.iterdir()
    assert url in opening.read_text() and stat.S_IMODE(opening.stat().st_mode) == 0o600
    if sys.platform == "linux":  # other users see command lines, and no code in them
        assert "code=" not in Path(f"/proc/{process.pid}/cmdline").read_text()
    with httpx2.Client() as browser:
        assert browser.get(url).status_code == 200
        home = url.partition("/enter")[0]
        assert "<!doctype html>" in browser.get(home).text
        with browser.stream("GET", f"{home}/api/events") as events:
            lines = events.iter_lines()
            assert any('"state": "ready"' in line for line in lines)
            stub.close()  # the daemon ends: the page is told so
            assert any('"state": "down"' in line for line in lines)
            renewed = StubDaemon(stub.path)
            renewed.answers["follow"] = [status_result(pid=5), status_result(pid=5)]
            assert any('"pid": 5' in line for line in lines)
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 130
            assert time.monotonic() - begun < 5
            renewed.close()
    assert not list(tmp_path.glob("photosd-web-*"))
    _, told = process.communicate()
    assert "Traceback" not in told


def test_refusals(photosd: Photosd, stub: StubDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """No daemon, no pass phrase, a port that is taken, no library: each with its remedy."""
    monkeypatch.delenv("PHOTOSD_WEB_PASSPHRASE", raising=False)
    assert photosd("web", "--lan").code == 2
    monkeypatch.setenv("PHOTOSD_WEB_PASSPHRASE", "too short")
    refused = photosd("web", "--lan")
    assert refused.code == 2 and "12 characters" in refused.err
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = photosd("web", "--port", str(taken.getsockname()[1]))
    assert refused.code == 2 and "--port 0" in refused.err
    stub.close()
    assert photosd("web").code == 3


def test_without_the_libraries_it_tells_how_to_install_them(
    photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with the names in quotes that a shell needs."""
    for name in [name for name in sys.modules if name.startswith("photosd_cli.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    refused = photosd("web")
    assert refused.code == 2
    assert 'install "uvicorn' in refused.err and '"starlette>=1.10,<2"' in refused.err


def test_files_of_the_page_are_in_the_wheel() -> None:
    """They are beside the modules; hatchling takes whole packages, unless git ignores a file."""
    static = ROOT / "cli/photosd_cli/web/static"
    ignored = subprocess.run(
        ["git", "check-ignore", *map(os.fspath, static.iterdir())],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert not ignored.stdout
