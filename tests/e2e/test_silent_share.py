"""A share that stops answering holds up nothing but itself, and comes back by itself."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.watch.filesystem import LEFT_BEHIND
from tests.conftest import ENCODER_STANDS_IN, RunningDaemon
from tests.household import bodies
from tests.watch.hangfs import Share, shared

WAIT_SECONDS = 30.0  # seconds; the share hangs for longer


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with shared(tmp_path) as share:
        (share.source / "deep").mkdir()
        for number in range(6):
            (share.source / "deep" / f"{number}.png").write_bytes(bodies.fresh("png", number))
        yield share


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    folder.mkdir()
    (folder / "first.png").write_bytes(bodies.fresh("png", 100))
    return folder


@pytest.fixture
def daemon(home: Home, share: Share) -> Iterator[RunningDaemon]:
    """It is stopped before the share is taken away."""
    running = RunningDaemon(home, prelude=ENCODER_STANDS_IN)
    yield running
    share.hang()
    running.stop()


def ask(daemon: RunningDaemon, call: str, **params: Any) -> Any:
    with daemon.client() as client:
        return client.call(call, params)


def state_of(daemon: RunningDaemon, folder: Path) -> str:
    """State and reason, as status has them."""
    reports = ask(daemon, "status")["folders"]
    report = next(report for report in reports if report["path"] == str(folder))
    return f"{report['state']} ({report['reason']})"


def within(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


def stop(daemon: RunningDaemon) -> None:
    """It ends by itself, although the share hangs."""
    daemon.stop()
    assert daemon.process.returncode == 0


def known(daemon: RunningDaemon, photo: Path) -> bool:
    try:
        return bool(ask(daemon, "show", path=str(photo))["state"] == "indexed")
    except PhotosdError:
        return False


def found(daemon: RunningDaemon, folder: Path, number: int) -> None:
    """A new photo there is indexed, while the share hangs."""
    photo = folder / f"new {number}.png"
    photo.write_bytes(bodies.fresh("png", number))
    within(lambda: known(daemon, photo))


@pytest.mark.parametrize(
    "how",
    ["lookup", *(pytest.param(how, marks=pytest.mark.slow) for how in ("readdir", "all"))],
)
def test_a_share_that_hangs_affects_no_other_folder(
    daemon: RunningDaemon, share: Share, local: Path, tmp_path: Path, how: str
) -> None:
    daemon.wait_until("ready")
    daemon.index(share.point, local)
    encoded = ask(daemon, "status")["encoder"]["images_encoded"]
    share.hang(how)
    ask(daemon, "rescan", wait=False)
    within(lambda: "offline (not answering" in state_of(daemon, share.point))
    assert "unwell" not in ask(daemon, "status")["state"]
    found(daemon, local, 200)
    other = tmp_path / "other"
    other.mkdir()
    ask(daemon, "add", path=str(other))
    photo = share.point / "deep" / "1.png"
    assert ask(daemon, "show", path=str(photo))["state"] == "indexed"
    ask(daemon, "folders")
    daemon.index()
    found(daemon, local, 201)
    share.hang()
    within(lambda: "scan_only" in state_of(daemon, share.point))
    daemon.index()
    progress = ask(daemon, "status")
    assert (progress["index"]["photos"], progress["index"]["failed"]) == (9, 0)
    assert progress["encoder"]["images_encoded"] == encoded + 2
    share.hang(how)
    ask(daemon, "rescan", wait=False)
    assert "indexed" in run("show", str(photo))
    run("remove", str(share.point))
    assert ask(daemon, "status")["index"]["photos"] == 3
    stop(daemon)


def run(*arguments: str) -> str:
    """The output of a command, which accesses no photo by itself."""
    command = [sys.executable, "-m", "photosd_cli.main", *arguments]
    return subprocess.run(
        command, timeout=WAIT_SECONDS, check=True, capture_output=True
    ).stdout.decode()


def test_a_daemon_starts_while_a_share_hangs(
    daemon: RunningDaemon, share: Share, local: Path
) -> None:
    daemon.wait_until("ready")
    daemon.index(share.point, local)
    share.hang("all")
    stop(daemon)
    daemon.restart()
    daemon.wait_until("ready")
    found(daemon, local, 300)
    within(lambda: "offline (not answering" in state_of(daemon, share.point))
    share.hang()
    within(lambda: "scan_only" in state_of(daemon, share.point))
    assert ask(daemon, "status")["encoder"]["images_encoded"] == 1


def test_photos_are_read_on_a_share_that_hangs_in_mid_file(
    daemon: RunningDaemon, share: Share, local: Path
) -> None:
    """Decoders are taken away from it, for others; no photo is blamed."""
    daemon.wait_until("ready")
    daemon.index(local)
    share.hang("read")
    ask(daemon, "add", path=str(share.point))
    within(lambda: "offline (not answering" in state_of(daemon, share.point))
    found(daemon, local, 400)  # decoders restart
    assert ask(daemon, "status")["index"]["failed"] == 0
    share.hang()
    within(lambda: ask(daemon, "status")["index"]["indexed"] == 8)
    share.hang("read")
    stop(daemon)


def test_links_to_a_share_that_hangs_hold_no_decoder(
    daemon: RunningDaemon, share: Share, local: Path
) -> None:
    """The share is not watched. No photo is blamed."""
    for number in range(6):
        (local / f"link {number}.png").symlink_to(share.point / "deep" / f"{number}.png")
    daemon.wait_until("ready")
    share.hang("read")
    ask(daemon, "add", path=str(local))
    within(lambda: ask(daemon, "status")["index"]["photos"] == 7)
    found(daemon, local, 600)
    assert ask(daemon, "status")["index"]["failed"] == 0
    share.hang()
    within(lambda: ask(daemon, "status")["index"]["indexed"] == 8)


def test_a_doctor_ends_while_a_link_leads_to_a_share_that_hangs(
    daemon: RunningDaemon, share: Share, local: Path
) -> None:
    """A process with a thread in a call to it cannot end, not even by a signal."""
    (local / "link.png").symlink_to(share.point / "deep" / "1.png")
    daemon.wait_until("ready")
    daemon.index(local)
    share.hang("all")
    command = [sys.executable, "-m", "photosd_cli.main", "doctor", "--json"]
    doctor = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        said, _ = doctor.communicate(timeout=2 * WAIT_SECONDS)
    finally:
        share.hang()
        doctor.kill()
    assert b"cannot be checked, for example " + bytes(local / "link.png") in said


@pytest.mark.slow
def test_links_that_are_compared_again_hold_no_other_folder(
    daemon: RunningDaemon, share: Share, local: Path
) -> None:
    """The local disk counted as silent; processes were left behind without end."""
    daemon.wait_until("ready")
    daemon.index(share.point, local)
    for number in range(4):
        (local / f"link {number}.png").symlink_to(share.point / "deep" / f"{number}.png")
    share.hang("all")
    process = psutil.Process(daemon.process.pid)
    for second in range(60):  # more than the limit of a local disk, and three retries of the share
        if second % 5 == 0:
            ask(daemon, "rescan", wait=False)
        time.sleep(1)
        assert "offline" not in state_of(daemon, local)
        stuck = [one for one in process.children() if one.status() == psutil.STATUS_DISK_SLEEP]
        assert len(stuck) <= LEFT_BEHIND
    found(daemon, local, 700)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_slow_share_is_alive(daemon: RunningDaemon, share: Share) -> None:
    daemon.wait_until("ready")
    share.hang("slow")
    ask(daemon, "add", path=str(share.point))
    seen: set[str] = set()
    comparing = 0

    def done() -> bool:
        nonlocal comparing
        status = ask(daemon, "status")
        seen.add(status["folders"][0]["state"])
        comparing += any(c["path"] == str(share.point) for c in status["comparisons"])
        return bool(status["index"]["photos"] == 6)

    within(done, 240)
    assert seen == {"scan_only"}
    assert comparing


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_slow_share_delays_no_other(daemon: RunningDaemon, share: Share, local: Path) -> None:
    """Its photos once occupied every decoder, and photos of other folders waited."""
    daemon.wait_until("ready")
    daemon.index(local)
    share.hang("slow")
    ask(daemon, "add", path=str(share.point))
    within(lambda: ask(daemon, "status")["index"]["photos"] >= 4, 200)
    for number in range(500, 505):
        found(daemon, local, number)
    assert ask(daemon, "status")["index"]["pending"] > 0  # of the share
    ask(daemon, "remove", path=str(share.point))
    stop(daemon)


@pytest.mark.slow
def test_processes_and_threads_stay_as_many(
    daemon: RunningDaemon, share: Share, local: Path
) -> None:
    daemon.wait_until("ready")
    daemon.index(share.point, local)
    share.hang("all")
    daemon.index()

    def held() -> int:
        process = psutil.Process(daemon.process.pid)
        return process.num_threads() + len(process.children(recursive=True))

    before = held()
    for _ in range(20):
        daemon.index()
    assert held() <= before + 2
