"""Commands that cannot be started are retried with growing pauses, reported, and run once."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from photosd.alerts import command_runner, delivery
from photosd.alerts.alert_store import Alert, AlertOptions, AlertStore
from photosd.alerts.commands import AlertMatch
from photosd.alerts.delivery import INTERRUPTED, CommandLeases, Delivery, Refusals
from photosd.core.paths import Home
from photosd.index.catalog import Catalog
from photosd.index.database import Database
from photosd.index.folders import Folders
from tests.alerts.scenes import eventually

MATCHES = 3


class Scene:
    """A delivery of `MATCHES` matches that are due, and a thread that has it work.

    The command runs `first`, then notes its match; `room` counts the ended ones.
    """

    def __init__(self, home: Home, directory: Path, first: str = ":") -> None:
        self.ran, self.leases = directory / "ran", home.state / "standing"
        self.room = threading.Semaphore(0)
        home.state.mkdir(parents=True)
        self.database = Database(home.catalog)
        queries = AlertStore(self.database, directory / "copy.json")
        argv = ("/bin/sh", "-c", f'{first}; echo "$PHOTOSD_MATCH" >> {self.ran}', "x")
        self.query: Alert = queries.add(AlertOptions("dog", "exec", argv=argv))[0]
        with self.database.write() as db:
            for number in range(MATCHES):
                db.execute(
                    "INSERT INTO matches(standing, content, path, score, strength, matched_at,"
                    " state, claim) VALUES (?, ?, ?, 1, 'strong', 0, 'started', ?)",
                    (self.query.id, f"c{number}", b"/p", f"claim{number}"),
                )
        self.launched: list[float] = []
        leases = CommandLeases(self.leases)
        launch = leases.launch

        def counted(*arguments: object) -> object:
            self.launched.append(time.monotonic())
            return launch(*arguments)  # type: ignore[arg-type]

        leases.launch = counted  # type: ignore[method-assign, assignment]
        catalog, folders = Catalog(self.database), Folders(self.database, directory / "f.json")
        self.delivery = Delivery(self.database, catalog, folders, leases, self.room.release)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def begin(self) -> None:
        """Deliver from now on."""
        self._thread.start()

    def deliver(self) -> None:
        """Start what can be started now."""
        self.delivery.deliver({self.query.id: self.query})

    def _work(self) -> None:
        while not self._over.wait(0.02):
            self.deliver()

    def states(self) -> set[str]:
        """The states of all matches."""
        with self.database.read() as db:
            return {state for (state,) in db.execute("SELECT state FROM matches")}

    def close(self) -> None:
        """End all of it."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(10)
        self.delivery.close()
        self.database.close()


def a_file_in_the_way(scene: Scene) -> Callable[[], object]:
    """Where the leases' directory should be."""
    scene.leases.write_text("")
    return scene.leases.unlink


def state_gone(scene: Scene) -> Callable[[], object]:
    """The whole state directory, as with a disk that is away."""
    away = scene.leases.parent.with_name("away")
    scene.leases.parent.rename(away)
    return lambda: away.rename(scene.leases.parent)


def no_python(scene: Scene) -> Callable[[], object]:
    """While photosd is upgraded."""
    before, sys.executable = sys.executable, "/no/such/python"
    return lambda: setattr(sys, "executable", before)


def killed_at_once(scene: Scene) -> Callable[[], object]:
    """The kernel or a memory guard kills it for lack of memory."""
    before = delivery.RUNNER
    killer = scene.ran.with_name("killer.py")
    killer.write_text("import os; os.kill(os.getpid(), 9)")
    delivery.RUNNER = killer
    return lambda: setattr(delivery, "RUNNER", before)


@pytest.mark.parametrize("trouble", [a_file_in_the_way, state_gone, no_python, killed_at_once])
def test_it_is_retried_with_growing_pauses_and_done_once(
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Scene], Callable[[], object]],
) -> None:
    """No busy loop, a reason for people, and each command once when the cause is gone."""
    monkeypatch.setattr(delivery, "FIRST_SECONDS", 0.1)
    scene = Scene(home, tmp_path)
    end = trouble(scene)
    try:
        scene.begin()
        eventually(lambda: len(scene.launched) > 4)  # two at once, then after 0.1 s and 0.2 s
        assert scene.launched[4] - scene.launched[0] >= 0.3
        assert scene.delivery.trouble is not None
        assert not scene.ran.exists()
    finally:
        end()
    eventually(lambda: scene.states() == {"done"})
    assert sorted(scene.ran.read_text().split()) == [str(n + 1) for n in range(MATCHES)]
    assert scene.delivery.trouble is None
    scene.close()


def test_a_command_that_gets_no_thread_is_started_later(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_SECONDS", 0.1)
    scene = Scene(home, tmp_path)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        scene.deliver()
    assert scene.delivery.trouble == "can't start new thread"
    scene.begin()
    eventually(lambda: scene.states() == {"done"})
    assert sorted(scene.ran.read_text().split()) == [str(n + 1) for n in range(MATCHES)]
    scene.close()


def test_a_command_that_ends_while_matches_are_read_runs_once(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that was read says `started`, although the result is recorded by now."""
    go = tmp_path / "go"
    scene = Scene(home, tmp_path, f"while [ ! -e {go} ]; do sleep 0.01; done")
    scene.deliver()  # two of three

    def both_end_first(**row: Any) -> AlertMatch:
        if not go.exists():
            go.touch()
            assert scene.room.acquire(timeout=30) and scene.room.acquire(timeout=30)
        return AlertMatch(**row)

    monkeypatch.setattr(delivery, "AlertMatch", both_end_first)
    scene.deliver()
    scene.begin()
    eventually(lambda: scene.states() == {"done"})
    scene.close()
    assert sorted(scene.ran.read_text().split()) == [str(n + 1) for n in range(MATCHES)]


def test_a_refused_command_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pauses grow; the commands of other alerts run."""
    monkeypatch.setattr(delivery, "FIRST_SECONDS", 100.0)
    monkeypatch.setattr(delivery, "MAX_SECONDS", 400.0)
    found = Refusals()
    assert found.may_try("sick") and found.may_try(None)
    found.refused("sick", "too long")
    assert not found.may_try("sick") and not found.may_try("well") and not found.may_try(None)
    found.started("well")
    assert found.may_try("well") and found.may_try(None)
    assert not found.may_try("sick")
    assert found.reason is None


def test_the_same_reason_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at each try, for days."""
    lines: list[str] = []
    monkeypatch.setattr(delivery.log, "error", lambda event, **_: lines.append(event))
    monkeypatch.setattr(delivery.log, "info", lambda event, **_: lines.append(event))
    found = Refusals()
    for _ in range(50):
        found.refused("a", "No space left on device")
    found.refused("a", "Read-only file system")
    found.started("a")
    found.started("a")
    assert lines == ["alert_start_failed", "alert_start_failed", "alert_start_recovered"]


@pytest.mark.parametrize("step", ["open", "write", "link", "flock"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_runner_without_a_lease_runs_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    """It has an exit code of its own, and leaves no file."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    words: list[str] = []
    monkeypatch.setattr(sys.stderr, "write", words.append)
    monkeypatch.setattr(fcntl if step == "flock" else os, step, refuse)
    code = command_runner.main(
        [str(tmp_path / "claim"), "5", "/bin/sh", "-c", f"touch {tmp_path}/ran"]
    )
    monkeypatch.undo()
    assert code == command_runner.REFUSED
    assert os.strerror(number) in "".join(words) and str(tmp_path) in "".join(words)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_meanwhile_loses_no_outcome(tmp_path: Path) -> None:
    """Room for the longest result is taken before the command runs; a file may grow no more."""
    script = (
        f"import resource, runpy, sys; sys.argv = sys.argv[1:]\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, 2 * ({command_runner.ROOM},))\n"
        f"runpy.run_path({command_runner.__file__!r}, run_name='__main__')"
    )
    noisy = "import os; os.write(1, bytes(range(256)) * 40)"
    command = ["l", str(tmp_path / "claim"), "9", sys.executable, "-c", noisy]
    subprocess.run([sys.executable, "-c", script, *command], check=True)
    result = CommandLeases(tmp_path).result("claim")
    assert result is not None and result != INTERRUPTED
    assert result["exit"] == 0 and len(result["output"]) >= 4096
    assert len((tmp_path / "claim").read_bytes()) <= command_runner.ROOM
    json.loads((tmp_path / "claim").read_bytes())
