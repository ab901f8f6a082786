"""The agent is loaded, started, replaced and unloaded, on a launchd that takes its time.

tests/service/pretended_launchctl.py is that launchd; no Mac has run these tests yet.
"""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from photosd.core import macos
from photosd.core.paths import Home
from photosd.service import launchctl, launchd, units
from photosd.service.launchd import Launchd
from photosd.service.service_spec import NoManager, ServiceError, ServiceSpec
from photosd_cli import lifecycle
from tests.service.pretended_launchctl import PretendedLaunchd

Make = Callable[..., Launchd]
STAYS = ("/bin/sleep", "1000")
ENDS_AT_ONCE = ("/bin/sh", "-c", "echo no module named photosd >&2; exit 78")
IGNORES_TERM = ("/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")


@pytest.fixture
def mac(tmp_path: Path) -> Iterator[PretendedLaunchd]:
    """The launchd of this test."""
    pretended = PretendedLaunchd(tmp_path / "launchd")
    yield pretended
    pretended.close()


@pytest.fixture
def make(
    mac: PretendedLaunchd, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Make:
    """An agent that runs a given program, of a home directory of the test's."""
    monkeypatch.setenv("PATH", f"{mac.bin}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    return lambda *command: Launchd(replace(ServiceSpec.here(), command=command or STAYS))


@pytest.fixture
def agent(make: Make) -> Launchd:
    """An agent whose program stays."""
    return make()


def file_of(agent: Launchd) -> Path:
    return next(iter(agent.files()))


def pid(mac: PretendedLaunchd, domain: str = "gui") -> int | None:
    """The process that launchd has started."""
    printed = mac.ask("print", f"{domain}/{os.getuid()}/{units.LABEL}").stdout
    return launchctl.parsed(domain, printed).pid


def within(seconds: float, true: Callable[[], object]) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_there_and_back(agent: Launchd, mac: PretendedLaunchd, home: Home) -> None:
    """Installed, running and current; again without a change; stopped, started, uninstalled."""
    assert not agent.status().installed
    assert agent.install()
    assert mac.calls() == ["enable", "bootstrap"]
    file = file_of(agent)
    assert plistlib.loads(file.read_bytes())["Label"] == units.LABEL
    status = agent.status()
    assert (status.installed, status.current, status.enabled, status.state) == (
        *[True] * 3,
        "running",
    )
    assert status.serves == str(home.state)
    before = pid(mac)
    assert not agent.install()
    assert mac.calls() == ["enable"]
    assert pid(mac) == before
    agent.stop()
    assert agent.status().state == "stopped"
    assert agent.status().enabled  # at the next login
    agent.stop()
    assert mac.calls() == ["bootout"]
    agent.start()
    assert agent.uninstall()
    assert not file.exists()
    assert not agent.uninstall()
    assert pid(mac) is None


def test_an_agent_whose_file_was_deleted_is_stopped(agent: Launchd, mac: PretendedLaunchd) -> None:
    """launchd keeps it until the next logout."""
    agent.install()
    file_of(agent).unlink()
    assert agent.uninstall()
    assert pid(mac) is None
    assert not agent.uninstall()


def test_starting_what_runs_is_no_error(agent: Launchd, mac: PretendedLaunchd) -> None:
    """kickstart exits with 37 then."""
    agent.install()
    assert mac.ask("kickstart", f"gui/{os.getuid()}/{units.LABEL}").returncode == 37
    before = pid(mac)
    agent.start()
    assert pid(mac) == before


def test_start_accepts_that_it_began_to_run_meanwhile(
    agent: Launchd, mac: PretendedLaunchd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between `print` and `kickstart`."""
    agent.install()
    looked = launchctl.Launchctl.job
    idle = launchctl.LaunchdJob("gui/1", "not running", None, 1, "")
    monkeypatch.setattr(launchctl.Launchctl, "job", lambda *_: idle)
    mac.calls()
    agent.start()
    assert mac.calls() == ["kickstart"]
    monkeypatch.setattr(launchctl.Launchctl, "job", looked)
    assert agent.status().state == "running"


def test_a_changed_agent_replaces_the_one_that_runs(make: Make, mac: PretendedLaunchd) -> None:
    """An upgrade: launchd still removes the old one when `bootout` has returned."""
    old = make()
    old.install()
    before = pid(mac)
    new = make("/bin/sleep", "2000")
    assert not new.status().current
    mac.calls()
    assert new.install()
    assert mac.calls()[:3] == ["bootout", "enable", "bootstrap"]
    assert new.status().current
    assert new.status().state == "running"
    assert pid(mac) not in (None, before)


def test_three_restarts(agent: Launchd, mac: PretendedLaunchd) -> None:
    """Each ends one process and starts another."""
    agent.install()
    seen = {pid(mac)}
    for _ in range(3):
        agent.stop()
        agent.start()
        assert agent.status().state == "running"
        seen.add(pid(mac))
    assert len(seen) == 4 and None not in seen


def test_an_interrupted_install_is_repeated(make: Make, mac: PretendedLaunchd) -> None:
    """The file changes after the old agent has gone, so that the next install sees a difference."""
    make().install()
    mac.set(released_after=1000)
    new = make("/bin/sleep", "2000")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launchd, "install_file", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            new.install()
    mac.set(released_after=0)
    for file in (mac.directory / "jobs").glob("*.busy"):
        file.unlink()
    assert new.install()
    assert new.status().current and new.status().state == "running"


def _interrupted(_file: Path, _content: bytes) -> bool:
    raise KeyboardInterrupt


def test_a_program_that_ignores_sigterm_is_waited_for(make: Make, mac: PretendedLaunchd) -> None:
    """launchd kills it after ExitTimeOut."""
    agent = make(*IGNORES_TERM)
    agent.install()
    process = pid(mac)
    assert process is not None
    agent.stop()
    assert agent.status().state == "stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_an_agent_that_does_not_leave_is_an_error(
    agent: Launchd, mac: PretendedLaunchd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a limited time, with what to do."""
    monkeypatch.setattr(launchd, "LEAVE_SECONDS", 0.2)
    mac.set(leaves_after=1000)
    agent.install()
    with pytest.raises(ServiceError, match="has not unloaded") as caught:
        agent.stop()
    assert "launchctl bootout gui/" in str(caught.value.remedy)
    assert agent.status().state == "stopping"


def test_a_label_that_is_not_released_is_an_error(
    agent: Launchd, mac: PretendedLaunchd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last answer of launchd is shown."""
    mac.set(released_after=1000)
    agent.install()
    agent.stop()
    monkeypatch.setattr(launchd, "ENTER_SECONDS", 0.2)
    with pytest.raises(ServiceError, match="5: Input/output error") as caught:
        agent.start()
    assert "Login Items" in str(caught.value.remedy)


def test_an_agent_that_ends_at_once_is_failed(make: Make, mac: PretendedLaunchd) -> None:
    """launchd tries again after ThrottleInterval; the state says how it ended."""
    agent = make(*ENDS_AT_ONCE)
    agent.install()
    within(60, lambda: agent.status().state == "failed (exit code 78: EX_CONFIG)")
    assert "spawn scheduled" in mac.ask("print", f"gui/{os.getuid()}/{units.LABEL}").stdout
    within(20, lambda: agent.status().trouble)
    assert "the last one ended: exit code 78: EX_CONFIG" in agent.status().trouble
    agent.stop()
    assert agent.status().state == "stopped"


def test_a_killed_one_is_started_again(agent: Launchd, mac: PretendedLaunchd) -> None:
    """And one that exited with 0 is not, until `start`."""
    agent.install()
    before = pid(mac)
    assert before is not None
    os.kill(before, 9)
    within(60, lambda: pid(mac) not in (None, before))
    assert agent.status().state == "running"
    assert agent.status().trouble == ""  # it happened once


def test_one_that_stopped_by_itself_is_started(make: Make, mac: PretendedLaunchd) -> None:
    """It is loaded, and does not run: `kickstart`."""
    agent = make("/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
    agent.install()
    before = pid(mac)
    assert before is not None
    time.sleep(0.2)  # until the trap is set
    os.kill(before, 15)
    within(60, lambda: agent.status().state == "stopped")
    mac.calls()
    agent.start()
    assert mac.calls() == ["kickstart"]
    within(60, lambda: agent.status().state == "running")


def test_it_starts_after_its_files_were_deleted(
    agent: Launchd, mac: PretendedLaunchd, home: Home
) -> None:
    """To begin again: launchd cannot open the file for its output in a missing directory."""
    agent.install()
    agent.stop()
    shutil.rmtree(home.state)
    agent.start()
    within(60, lambda: agent.status().state == "running")


def test_a_disabled_agent_is_explained(agent: Launchd, mac: PretendedLaunchd) -> None:
    """`launchctl disable` lasts; `start` does not undo it, `service install` does."""
    agent.install()
    agent.stop()
    target = f"gui/{os.getuid()}/{units.LABEL}"
    mac.ask("disable", target)
    assert not agent.status().enabled
    with pytest.raises(ServiceError, match="disabled") as caught:
        agent.start()
    assert "photosd service install" in str(caught.value.remedy)
    agent.install()
    assert agent.status().enabled
    assert agent.status().state == "running"


def test_without_a_desktop_session_it_is_loaded_for_the_background(
    make: Make, mac: PretendedLaunchd
) -> None:
    """Over ssh, on a Mac at whose screen the user is not logged in: user/501, not gui/501."""
    mac.set(gui=False)
    agent = make()
    agent.check()
    agent.install()
    assert pid(mac, "user") is not None
    status = agent.status()
    assert (status.state, status.current) == ("running", True)
    assert "no permission dialogs" in status.detail
    agent.stop()
    agent.start()
    mac.set(gui=True)  # the user logs in at the screen, and installs it again there
    assert agent.install()
    assert pid(mac, "user") is None
    assert pid(mac, "gui") is not None
    assert agent.status().detail == ""


def test_an_agent_of_the_desktop_is_not_started_over_ssh(
    agent: Launchd, mac: PretendedLaunchd
) -> None:
    """launchd answers 125; `photosd start` then starts the daemon without the service."""
    agent.install()
    agent.stop()
    mac.set(gui=False)
    with pytest.raises(NoManager, match="125: Domain does not support") as caught:
        agent.start()
    assert "service install" in str(caught.value.remedy)
    agent.stop()
    assert agent.status().state == "stopped"


def test_no_session_at_all(agent: Launchd, mac: PretendedLaunchd) -> None:
    """As under su or sudo."""
    mac.set(gui=False, user=False)
    with pytest.raises(NoManager, match="no session"):
        agent.check()
    assert file_of(agent)  # `--print` shows the agent of a desktop


def test_a_file_that_launchd_refuses_is_explained(agent: Launchd, mac: PretendedLaunchd) -> None:
    """In launchd's own words."""
    agent.install()
    agent.stop()
    file_of(agent).chmod(0o666)
    with pytest.raises(ServiceError, match="122: Path had bad ownership"):
        agent.start()


def test_an_agent_of_another_program_is_not_changed(agent: Launchd, mac: PretendedLaunchd) -> None:
    """Neither replaced nor removed."""
    file = file_of(agent)
    file.parent.mkdir(parents=True)
    theirs = plistlib.dumps({"Label": units.LABEL, "Program": "/Users/me/photos.sh"})
    for text in (theirs, b"<?xml version", b"no property list"):
        file.write_bytes(text)
        for change in (agent.check, agent.install, agent.uninstall):
            with pytest.raises(ServiceError, match="was not written by photosd"):
                change()
        assert file.read_bytes() == text
    assert mac.calls() == []


@pytest.mark.skipif(not shutil.which("plutil"), reason="plutil is Apple's")
def test_apple_s_own_tool_accepts_it(agent: Launchd) -> None:
    """On a Mac."""
    agent.install()
    done = subprocess.run(["plutil", "-lint", file_of(agent)], timeout=20, check=False)
    assert done.returncode == 0


def test_start_reports_an_agent_that_ends(
    make: Make, mac: PretendedLaunchd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, with its exit code and output, instead of after half a minute without an answer."""
    monkeypatch.setattr(lifecycle, "SERVICE_SECONDS", 0.1)
    monkeypatch.setattr(lifecycle, "early_output_of", lambda: ["no module named photosd"])
    agent = make(*ENDS_AT_ONCE)
    agent.install()
    with pytest.raises(lifecycle.StartFailed, match="exit code 78") as caught:
        lifecycle.wait_for_answer(lifecycle.failure_of(agent))
    assert "no module named photosd" in str(caught.value)


@pytest.mark.parametrize("inside", [True, False], ids=["in Documents", "elsewhere"])
def test_a_program_that_launchd_may_not_read_is_reported(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    """As `.venv` of a clone in Documents: the agent ends at once, and macOS asks nothing."""
    monkeypatch.setattr(macos, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(macos, "VOLUMES", f"{tmp_path}/Volumes/")
    program = tmp_path / ("Documents" if inside else "tools") / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to("/bin/sleep")
    agent = make(str(program), "1000")
    assert agent.status().detail == ""
    agent.install()
    assert (str(program) in agent.status().detail) == inside
