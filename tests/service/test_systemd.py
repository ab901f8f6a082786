"""A real systemd starts, watches, restarts, activates and stops photosd as it was told to."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from photosd.core.errors import EncoderUnavailable
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd.service import units
from photosd.service.service_spec import ServiceError, ServiceSpec
from photosd.service.systemd import Systemd
from tests.cli.conftest import command, environment
from tests.service.private_systemd import PrivateSystemd, why_not

NAMES = ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "PATH")


class Installed:
    """photosd as a service of a private systemd, with a watchdog of three seconds."""

    def __init__(self, systemd: PrivateSystemd) -> None:
        self.systemd, self.home = systemd, Home.from_environment()

    def pid(self) -> int:
        """The daemon's, as systemd knows it; 0: none."""
        return int(self.systemd.property(units.SERVICE, "MainPID") or 0)

    def state(self, unit: str = units.SERVICE) -> str:
        return self.systemd.property(unit, "ActiveState")

    def photosd(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """The command line, as in a shell of this user."""
        return subprocess.run(
            command(*arguments), env=environment(), capture_output=True, timeout=60, check=False
        )

    def words(self) -> str:
        """What the daemon says of itself."""
        return self.systemd.property(units.SERVICE, "StatusText")

    def answers(self) -> int:
        """The pid that answers on the socket."""
        with Client(self.home.socket, timeout=20) as client:
            return client.hello()["pid"]

    def wait_until_ready(self) -> None:
        self.systemd.wait_for(lambda: self.words().startswith("ready"), 60)


@pytest.fixture(scope="module")
def systemd() -> Iterator[PrivateSystemd]:
    """One for all tests here."""
    if reason := why_not():
        pytest.skip(f"no systemd of our own: {reason}")
    directory = Path(tempfile.mkdtemp(prefix="photosd-sd-", dir="/tmp"))
    running = PrivateSystemd(directory)
    yield running
    running.close()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def installed(systemd: PrivateSystemd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """Freshly installed and started; afterwards uninstalled."""
    monkeypatch.delenv("PHOTOSD_HOME", raising=False)
    for name in NAMES:
        monkeypatch.setenv(name, systemd.environment[name])
    own = Path(systemd.environment["XDG_CONFIG_HOME"]) / "systemd/user/photosd.service.d/own.conf"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("[Service]\nWatchdogSec=3\nRestartSec=0.2\n")
    service = Systemd(ServiceSpec.here())
    assert service.install()
    yield Installed(systemd)
    own.unlink()
    service.uninstall()
    assert systemd.property(units.SERVICE, "MainPID") == "0"


def test_it_starts_and_says_how_it_is(installed: Installed) -> None:
    """`systemctl start` returned when the socket answered; then the status shows the warm-up."""
    assert installed.state() == "active"
    assert installed.answers() == installed.pid() > 0
    assert installed.words().startswith(("warming", "ready"))
    installed.wait_until_ready()
    assert installed.words().startswith("ready: 0 photos")
    status = Systemd(ServiceSpec.here()).status()
    assert (status.state, status.enabled, status.current) == ("running", True, True)


@pytest.mark.slow
def test_the_limits_are_in_force(installed: Installed) -> None:
    """Nothing in the unit was ignored silently."""
    show = installed.systemd.property
    assert show(units.SERVICE, "CPUWeight") == "50"
    assert show(units.SERVICE, "NoNewPrivileges") == "yes"
    assert show(units.SERVICE, "UMask") == "0077"
    words = Path(f"/proc/{installed.pid()}/status").read_text()
    assert "NoNewPrivs:\t1" in words
    assert "Seccomp:\t2" in words
    assert Path(installed.home.socket).stat().st_mode & 0o777 == 0o600
    assert installed.home.runtime.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_workers_cannot_notify_the_watchdog(installed: Installed) -> None:
    """Neither the notify socket nor the watchdog is in their environment."""
    installed.wait_until_ready()
    for worker in psutil.Process(installed.pid()).children(recursive=True):
        assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS"} & set(worker.environ())


@pytest.mark.slow
def test_a_hung_daemon_is_started_again(installed: Installed) -> None:
    """It does not notify the watchdog in time; its stacks are kept."""
    installed.wait_until_ready()
    hung = installed.pid()
    os.kill(hung, signal.SIGSTOP)
    installed.systemd.wait_for(lambda: installed.pid() not in (0, hung), 30)
    assert installed.answers() == installed.pid() != hung
    assert int(installed.systemd.property(units.SERVICE, "NRestarts")) >= 1
    assert "most recent call first" in installed.home.stacks.read_text()


@pytest.mark.slow
def test_a_killed_daemon_is_started_again(installed: Installed) -> None:
    """A crash of any kind."""
    killed = installed.pid()
    os.kill(killed, signal.SIGKILL)
    installed.systemd.wait_for(lambda: installed.pid() not in (0, killed), 30)
    assert installed.answers() == installed.pid()


@pytest.mark.slow
def test_a_hung_encoder_is_no_reason(installed: Installed) -> None:
    """Degraded is not dead: the daemon answers meanwhile, and replaces it itself."""
    installed.wait_until_ready()
    daemon = installed.pid()
    with Client(installed.home.socket) as client:
        encoder = client.status()["encoder"]["pid"]
        assert encoder is not None
        os.kill(encoder, signal.SIGSTOP)
        with contextlib.suppress(EncoderUnavailable):
            client.query("a text that nobody has asked before", deadline_ms=60_000)
        assert client.status()["encoder"]["restarts"] >= 1
    installed.wait_until_ready()
    assert installed.pid() == daemon


def test_stop_stops_the_socket_too(installed: Installed) -> None:
    """A query afterwards says that photosd is not running, and does not start it."""
    assert installed.photosd("stop").returncode == 0
    assert (installed.state(), installed.state(units.SOCKET)) == ("inactive", "inactive")
    assert not installed.home.socket.exists()
    assert installed.photosd("query", "sunset").returncode == 3
    assert installed.pid() == 0
    ran = installed.photosd("start", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["pid"] == installed.pid()


@pytest.mark.slow
def test_restart_makes_a_new_one(installed: Installed) -> None:
    """Through the service."""
    before = installed.pid()
    ran = installed.photosd("restart", "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["pid"] == installed.pid() != before


def test_the_first_client_never_sees_a_refusal(installed: Installed) -> None:
    """The socket is there before the daemon is; ten at once are all answered by the one."""
    installed.systemd.ctl("stop", units.SERVICE)
    inode = installed.home.socket.stat().st_ino
    assert installed.pid() == 0
    waiting = []
    for _ in range(10):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(str(installed.home.socket))
        client.sendall(b'{"id":1,"op":"hello"}\n')
        waiting.append(client)
    pids = {json.loads(client.makefile().readline())["result"]["pid"] for client in waiting}
    assert pids == {installed.pid()}
    assert installed.home.socket.stat().st_ino == inode
    for client in waiting:
        client.close()


@pytest.mark.slow
def test_a_query_starts_it(installed: Installed) -> None:
    """After a stop by hand or before the first start, a query is answered, not refused."""
    installed.systemd.ctl("stop", units.SERVICE)
    ran = installed.photosd("query", "sunset", "--json")
    assert ran.returncode in (0, 1, 4), ran
    assert installed.state() == "active"


@pytest.mark.slow
def test_starts_at_once_are_one(installed: Installed) -> None:
    """Through the service, too."""
    assert installed.photosd("stop").returncode == 0
    codes: list[int] = []
    starting = [
        threading.Thread(target=lambda: codes.append(installed.photosd("start").returncode))
        for _ in range(8)
    ]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join(90)
    assert codes == [0] * 8


@pytest.mark.slow
def test_a_daemon_started_by_hand_makes_room(installed: Installed) -> None:
    """Else it would hold the lock, and the service would fail."""
    Systemd(ServiceSpec.here()).uninstall()
    assert installed.photosd("start").returncode == 0
    by_hand = installed.answers()
    script = (
        "from photosd.service import here; here.refuse_root = lambda: None\n"
        "from photosd_cli.main import main; raise SystemExit(main(['service', 'install']))"
    )
    ran = subprocess.run(
        [*command()[:1], "-c", script], env=environment(), capture_output=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(by_hand).wait(60)  # it has ended; its parent has yet to reap it
    assert installed.answers() == installed.pid()


@pytest.mark.slow
def test_a_socket_removed_under_systemd_is_repaired(installed: Installed) -> None:
    """The daemon listens there again by itself; `start` has systemd make a new one."""
    daemon = installed.pid()
    installed.home.socket.unlink()
    installed.systemd.wait_for(installed.home.socket.exists)
    assert installed.answers() == installed.pid() == daemon
    installed.systemd.ctl("stop", units.SERVICE)
    installed.home.socket.unlink(missing_ok=True)
    assert installed.photosd("start").returncode == 0
    assert installed.answers() == installed.pid()


@pytest.mark.slow
def test_the_strict_sandbox_works(installed: Installed) -> None:
    """It serves, writes its own files, and nothing else."""
    try:
        Systemd(ServiceSpec.here(), strict=True).install()
    except ServiceError as error:
        if "namespaces" in str(error):
            pytest.skip(str(error))
        raise
    installed.wait_until_ready()
    assert installed.systemd.property(units.SERVICE, "ProtectSystem") == "strict"
    assert installed.answers() == installed.pid()
    mounts = Path(f"/proc/{installed.pid()}/mountinfo").read_text().splitlines()
    root = [line.split()[5] for line in mounts if line.split()[4] == "/"][-1]
    assert "ro" in root.split(",")
    with Client(installed.home.socket) as client:
        assert client.config_set("search.limit", "7")["value"] == 7
