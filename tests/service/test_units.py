"""Units and agent: what systemd and launchd read is right, as it stands and filled in."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.service import units
from photosd.service.launchctl import DESKTOP
from photosd.service.service_spec import ServiceError, ServiceSpec
from tests.conftest import ROOT

ODD = "Bilder & 100% Fotos $HOME 'תמונות'"
# launchd.plist(5), the keys we use and the type each has to have.
KEYS: dict[str, type] = {
    "Label": str,
    "ProgramArguments": list,
    "EnvironmentVariables": dict,
    "LimitLoadToSessionType": str,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "SoftResourceLimits": dict,
    "Umask": int,
    "WorkingDirectory": str,
    "StandardErrorPath": str,
}


def verify(directory: Path, *names: str) -> str:
    """What systemd-analyze has against these units; it exits with 0 whatever it says."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", *(str(directory / name) for name in names)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(directory), "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(exist_ok=True, parents=True)
        (directory / name).write_text(text)


@pytest.fixture
def spec(home: Home) -> ServiceSpec:
    """The spec of this very test environment."""
    return ServiceSpec.here()


@pytest.fixture
def odd_spec() -> Iterator[ServiceSpec]:
    """Every name as awkward as names get."""
    root = Path(tempfile.mkdtemp(dir="/tmp")) / ODD  # short enough for a socket
    program = root / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    home = Home(root / "config", root / "state", root / "models", root / "run")
    command = (str(program), "-P", "-m", "photosd")
    environment = {"PHOTOSD_HOME": str(root), "XDG_DATA_HOME": 'with "quotes" and \\b'}
    yield ServiceSpec(command, environment, home.socket, home)
    shutil.rmtree(root.parent)


def test_the_templates_pass_as_they_stand(tmp_path: Path) -> None:
    """Nothing to say, on stderr or by the exit code."""
    names = [units.SERVICE, units.SOCKET]
    for name in names:
        shutil.copy(ROOT / "systemd" / name, tmp_path)
    assert verify(tmp_path, *names) == ""


@pytest.mark.parametrize("strict", [False, True])
def test_filled_in_units_pass(spec: ServiceSpec, tmp_path: Path, strict: bool) -> None:
    """Also with the stricter drop-in."""
    write(tmp_path, units.systemd_units(spec, strict=strict))
    assert verify(tmp_path, units.SERVICE, units.SOCKET) == ""


def test_verify_does_find_mistakes(spec: ServiceSpec, tmp_path: Path) -> None:
    """Else the tests above would prove nothing."""
    for wrong in ("Restart=sometimes", "CPUWheight=50", "WatchdogSec=often"):
        key = wrong.partition("=")[0].replace("Wh", "W")
        files = units.systemd_units(spec, strict=False)
        lines = files[units.SERVICE].splitlines()
        files[units.SERVICE] = "\n".join(
            wrong if line.startswith(f"{key}=") else line for line in lines
        )
        write(tmp_path, files)
        assert verify(tmp_path, units.SERVICE) != "", wrong


def test_awkward_names_survive(odd_spec: ServiceSpec, tmp_path: Path) -> None:
    """Spaces, percent and dollar signs, quotes, Hebrew: systemd reads back what was meant."""
    files = units.systemd_units(odd_spec, strict=True)
    write(tmp_path, files)
    assert verify(tmp_path, units.SERVICE, units.SOCKET) == ""
    assert str(odd_spec.socket).replace("%", "%%") in files[units.SOCKET]
    assert units.served_by_unit(files[units.SERVICE]) == odd_spec.serves
    agent = plistlib.loads(units.launchd_agent(odd_spec, DESKTOP))
    assert agent["ProgramArguments"] == list(odd_spec.command)
    assert agent["EnvironmentVariables"]["PHOTOSD_HOME"] == odd_spec.environment["PHOTOSD_HOME"]
    assert units.served_by_agent(units.launchd_agent(odd_spec, DESKTOP)) == odd_spec.serves


@pytest.mark.parametrize("name", ["two\nlines", "not utf-8 \udcff"])
def test_names_no_unit_can_hold_are_refused(name: str, tmp_path: Path) -> None:
    """A newline would begin another setting."""
    root = tmp_path / name
    home = Home(root, root, root, root)
    spec = ServiceSpec(("/bin/true",), {"PHOTOSD_HOME": str(root)}, home.socket, home)
    for write_it in (lambda: units.systemd_units(spec, strict=True), spec.check):
        with pytest.raises(ServiceError, match="characters"):
            write_it()
    with pytest.raises(ServiceError):
        units.launchd_agent(spec, DESKTOP)


def test_the_home_is_recorded(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PHOTOSD_HOME if it is set; else the variables that select directories; else nothing."""
    root = str(home.state.parent)
    here = ServiceSpec.here()
    assert here.environment["PHOTOSD_HOME"] == root
    files = units.systemd_units(here, strict=False)
    assert f'Environment="PHOTOSD_HOME={root}"' in files[units.SERVICE]
    assert f"ListenStream={home.socket}" in files[units.SOCKET]
    monkeypatch.delenv("PHOTOSD_HOME")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    here = ServiceSpec.here()
    files = units.systemd_units(here, strict=False)
    assert "PHOTOSD_HOME" not in files[units.SERVICE]
    assert f'Environment="XDG_STATE_HOME={tmp_path}"' in files[units.SERVICE]
    assert "ListenStream=%t/photosd/photosd.sock" in files[units.SOCKET]


def test_units_name_absolute_paths_only(spec: ServiceSpec) -> None:
    """A unit knows no PATH of a shell."""
    service = units.systemd_units(spec, strict=False)[units.SERVICE]
    assert f'ExecStart=:"{sys.executable}" -P -m photosd' in service
    assert Path(
        plistlib.loads(units.launchd_agent(spec, DESKTOP))["ProgramArguments"][0]
    ).is_absolute()


@pytest.mark.parametrize("filled", [False, True])
def test_the_agent_has_the_keys_of_launchd(spec: ServiceSpec, filled: bool) -> None:
    """Each key is one of launchd.plist(5), each value of its type."""
    template = (ROOT / "launchd" / f"{units.LABEL}.plist").read_bytes()
    agent = plistlib.loads(units.launchd_agent(spec, DESKTOP) if filled else template)
    assert {key: type(value) for key, value in agent.items()} == KEYS
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["Label"] == units.LABEL
    assert all(isinstance(word, str) for word in agent["ProgramArguments"])
    assert all(isinstance(value, str) for value in agent["EnvironmentVariables"].values())
    assert agent["EnvironmentVariables"]["PHOTOSD_SELF_CHECK"] == "exit"
    assert agent["Umask"] == 0o077
    assert agent["SoftResourceLimits"] == {"NumberOfFiles": 8192}
    assert agent["ProcessType"] in ("Standard", "Background", "Adaptive", "Interactive")


def test_units_of_other_programs_serve_no_home() -> None:
    """They are not taken for ours."""
    assert units.served_by_unit("[Service]\nExecStart=/bin/true\n") is None
    assert units.served_by_agent(b"no plist") is None
    assert units.served_by_agent(plistlib.dumps({"Label": "x"})) is None
