"""`photosd service`: writes only what changed, leaves nothing behind, and asks before nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.service import selection, units
from photosd.service.service_spec import ServiceError, ServiceSpec
from photosd.service.systemd import Systemd
from photosd_cli import lifecycle
from tests.cli.conftest import Photosd, photosd

__all__ = ["photosd"]  # the fixture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")

# Stands in for systemctl: keeps what it was asked, and knows what is enabled and started.
SYSTEMCTL = f"""#!{sys.executable}
import json, pathlib, sys
file = pathlib.Path(__file__).with_name("state.json")
state = json.loads(file.read_text()) if file.exists() else {{"calls": [], "fail": "", "on": {{}}}}
verb, *names = [word for word in sys.argv[1:] if not word.startswith("--")]
state["calls"].append(verb)
if verb in ("enable", "disable", "start", "stop"):
    for name in names:
        state["on"].setdefault(name, {{}})["enable" if "able" in verb else "start"] = (
            verb in ("enable", "start")
        )
        if "--now" in sys.argv:
            state["on"][name]["start"] = False
file.write_text(json.dumps(state))
if state["fail"]:
    print(state["fail"], file=sys.stderr)
    sys.exit(1)
if verb == "show":
    for name in names:
        on = state["on"].get(name, {{}})
        print(f"Id={{name}}")
        print("UnitFileState=" + ("enabled" if on.get("enable") else "disabled"))
        print("ActiveState=" + ("active" if on.get("start") else "inactive"))
        print("SubState=" + ("running" if on.get("start") else "dead"), end="\\n\\n")
"""


class FakeSystemd:
    """The stand-in, and what it was asked."""

    def __init__(self, directory: Path) -> None:
        self._state = directory / "state.json"
        script = directory / "systemctl"
        script.write_text(SYSTEMCTL)
        script.chmod(0o755)

    def calls(self) -> list[str]:
        """Verbs since the last time."""
        state = json.loads(self._state.read_text())
        self._state.write_text(json.dumps({**state, "calls": []}))
        return [verb for verb in state["calls"] if verb != "show"]

    def fail(self, words: str) -> None:
        """Refuse everything from now on."""
        self._state.write_text(json.dumps({"calls": [], "on": {}, "fail": words}))


def test_a_running_daemon_is_not_stopped_in_vain(
    systemd: FakeSystemd, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no user manager answers (ssh, su, containers), nothing changes."""
    stopped: list[int] = []
    monkeypatch.setattr(lifecycle, "stop", lambda: stopped.append(1))
    systemd.fail("Failed to connect to bus: No medium found")
    ran = photosd("service", "install")
    assert ran.code != 0 and "linger" in ran.err
    assert not stopped


def test_a_daemon_stopped_for_a_service_that_fails_is_started_again(
    systemd: FakeSystemd, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is the same as before."""
    steps: list[str] = []

    def stop() -> str:
        steps.append("stop")
        return "stopped"

    monkeypatch.setattr(lifecycle, "stop", stop)
    monkeypatch.setattr(lifecycle, "start", lambda: steps.append("start"))
    monkeypatch.setattr(Systemd, "start", _refuse)
    assert photosd("service", "install").code != 0
    assert steps == ["stop", "start"]


def _refuse(_self: Systemd) -> None:
    raise ServiceError("no", remedy="none")


@pytest.fixture
def systemd(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    """This machine has systemd and we are not root; the user's units lie in tmp_path."""
    (tmp_path / "bin").mkdir()
    fake = FakeSystemd(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(selection, "refuse_root", lambda: None)
    monkeypatch.setattr(lifecycle, "wait_for_answer", lambda *_: None)
    return fake


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where this user's units lie."""
    return tmp_path / "config" / "systemd" / "user"


def present(directory: Path) -> set[str]:
    """Every file below."""
    return {str(f.relative_to(directory)) for f in directory.rglob("*") if f.is_file()}


def test_install_status_uninstall(photosd: Photosd, systemd: FakeSystemd, directory: Path) -> None:
    """There and back; nothing is left."""
    assert photosd("service", "status").code == 1
    ran = photosd("service", "install")
    assert ran.code == 0, ran
    assert "installed and started, running" in ran.out
    assert present(directory) == {units.SERVICE, units.SOCKET}
    calls = "daemon-reload stop enable reset-failed start stop start"
    assert systemd.calls() == calls.split()
    ran = photosd("service", "status", "--json")
    status = json.loads(ran.out)
    assert (ran.code, status["installed"], status["current"], status["enabled"]) == (0, *[True] * 3)
    assert photosd("service", "uninstall").out == "uninstalled\n"
    assert systemd.calls() == ["disable", "daemon-reload", "reset-failed"]
    assert present(directory) == set()
    assert photosd("service", "uninstall").out == "nothing to uninstall\n"
    assert systemd.calls() == []


def test_installing_again_disturbs_nothing(
    photosd: Photosd, systemd: FakeSystemd, directory: Path, home: Home
) -> None:
    """Neither the files nor the daemon that runs."""
    photosd("service", "install")
    home.runtime.mkdir(parents=True)
    home.socket.touch()
    before = {file: file.stat().st_mtime_ns for file in directory.iterdir()}
    systemd.calls()
    assert "installed already" in photosd("service", "install").out
    assert systemd.calls() == ["enable", "reset-failed", "start", "start"]
    assert {file: file.stat().st_mtime_ns for file in directory.iterdir()} == before


def test_an_older_unit_is_noticed_and_replaced(
    photosd: Photosd, systemd: FakeSystemd, directory: Path
) -> None:
    """After an update, a move of the Python, or an edit: one command makes it right."""
    photosd("service", "install")
    unit = directory / units.SERVICE
    unit.write_text(unit.read_text().replace("WatchdogSec=60", "WatchdogSec=90"))
    ran = photosd("service", "status")
    assert ran.code == 1
    assert "photosd service install" in ran.err
    systemd.calls()
    assert photosd("service", "install").code == 0
    assert "stop" in systemd.calls()  # what runs has the old settings
    assert photosd("service", "status").code == 0


@pytest.mark.parametrize("name", [units.SERVICE, units.SOCKET, units.STRICT])
def test_a_unit_of_another_program_is_not_changed(
    photosd: Photosd, systemd: FakeSystemd, directory: Path, name: str
) -> None:
    """Neither replaced nor removed."""
    unit = directory / name
    unit.parent.mkdir(parents=True, exist_ok=True)
    unit.write_text("[Service]\nExecStart=/home/me/photos.sh\n")
    for words in ("install", "uninstall"):
        ran = photosd("service", words)
        assert ran.code == 1
        assert "was not written by photosd" in ran.err and "mv" in ran.err
        assert unit.read_text() == "[Service]\nExecStart=/home/me/photos.sh\n"
    assert not {"enable", "disable", "stop"} & set(systemd.calls())


def test_strict_comes_and_goes(photosd: Photosd, systemd: FakeSystemd, directory: Path) -> None:
    """The drop-in is written next to the user's own."""
    photosd("service", "install", "--strict")
    assert present(directory) == {units.SERVICE, units.SOCKET, units.STRICT}
    assert photosd("service", "status").code == 0
    own = directory / f"{units.SERVICE}.d" / "own.conf"
    own.write_text("[Service]\nCPUWeight=10\n")
    photosd("service", "install")
    assert present(directory) == {units.SERVICE, units.SOCKET, str(own.relative_to(directory))}
    photosd("service", "uninstall")
    assert own.exists()


def test_print_writes_nothing(
    photosd: Photosd, directory: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root, too, and without any systemd."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(directory.parents[1]))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(os, "getuid", lambda: 0)
    ran = photosd("service", "install", "--print")
    assert ran.code == 0
    assert f"==> {directory / units.SERVICE}" in ran.out
    assert f"PHOTOSD_HOME={home.state.parent}" in ran.out
    assert json.loads(photosd("service", "install", "--print", "--json").out)["files"]
    assert not directory.exists()


def test_root_is_refused(
    photosd: Photosd, directory: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would watch root's photos, with root's rights."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(directory.parents[1]))
    monkeypatch.setattr(os, "getuid", lambda: 0)
    ran = photosd("service", "install")
    assert ran.code == 1
    assert "without sudo" in ran.err
    assert not directory.exists()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("Failed to connect to bus: No medium found", "enable-linger"),
        ("Unit photosd.socket is masked.", "photosd logs"),
    ],
)
def test_a_systemd_that_refuses_is_explained(
    photosd: Photosd, systemd: FakeSystemd, directory: Path, words: str, remedy: str
) -> None:
    """Its own words and a way out; nothing is written when no user manager answers."""
    systemd.fail(words)
    ran = photosd("service", "install")
    assert ran.code == 1
    assert words in ran.err
    assert remedy in ran.err
    assert not directory.exists()


def test_no_systemd_is_explained(
    photosd: Photosd, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what to do instead."""
    monkeypatch.setenv("PATH", "/nowhere")
    ran = photosd("service", "install")
    assert (ran.code, "photosd start" in ran.err) == (1, True)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How daemons were started; none is."""
    kinds: list[str] = []
    answers: Callable[[Home], bool] = lambda _home: bool(kinds)  # noqa: E731
    monkeypatch.setattr(lifecycle, "answers", answers)
    monkeypatch.setattr(lifecycle, "spawn", lambda: kinds.append("spawned"))
    return kinds


def test_start_and_stop_go_through_the_service(
    photosd: Photosd, systemd: FakeSystemd, started: list[str]
) -> None:
    """And stop stops the socket, too, or the next query would start it again."""
    photosd("service", "install")
    systemd.calls()
    lifecycle.start()
    assert systemd.calls()[-2:] == ["stop", "start"]
    assert started == []
    lifecycle.stop()
    assert systemd.calls() == ["stop"]


def test_another_home_s_service_is_left_alone(
    photosd: Photosd, systemd: FakeSystemd, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PHOTOSD_HOME=/tmp/x photosd stop must not stop the daemon of the real photos."""
    photosd("service", "install")
    systemd.calls()
    monkeypatch.setenv("PHOTOSD_HOME", f"{os.environ['PHOTOSD_HOME']}/other")
    lifecycle.start()
    lifecycle.stop()
    assert systemd.calls() == []
    assert started == ["spawned"]
    assert "another PHOTOSD_HOME" in photosd("service", "status").err


def test_without_a_user_manager_it_is_started_by_hand(
    photosd: Photosd,
    systemd: FakeSystemd,
    started: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a shell of su or cron; and that is said."""
    photosd("service", "install")
    systemd.fail("Failed to connect to bus: No medium found")
    said: list[str] = []
    monkeypatch.setattr("photosd_cli.console.warn", said.append)
    lifecycle.start()
    assert started == ["spawned"]
    assert "without the service" in said[0]


def test_the_home_of_a_recipe_is_absolute(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service runs in ``/``."""
    root = home.state.parent
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("PHOTOSD_HOME", root.name)
    assert ServiceSpec.here().environment["PHOTOSD_HOME"] == str(root)
