"""Fixtures shared by all tests: a home of their own, real photos, a running daemon."""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd.search.calibration import UNRELATED
from tests.faults import VARIABLE, with_faults
from tests.household import places as shared_places

ROOT = Path(__file__).parent.parent
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles photosd again
sys.dont_write_bytecode = False
CALIBRATION_TEXTS = len(UNRELATED.read_text().splitlines())  # encoded to calibrate scores
CALM_READINGS = 5
# Begun first where files are spread over processes, so that none of them is left for the end.
LONGEST = (
    "encoder/test_supervisor.py",
    "encoder/test_takeover.py",
    "e2e/test_stopping.py",
    "gemini/test_traces.py",
    "gemini/test_faults.py",
    "gemini/test_consent.py",
    "runtime/test_model_switch.py",
    "e2e/test_silent_share.py",
    "e2e/test_accelerator.py",
    "e2e/test_damage.py",
    "e2e/test_library.py",
    "doctor/test_running.py",
    "household/test_crossings.py",
    "cli/test_lifecycle.py",
    "index/test_plans.py",
    "index/test_codes.py",
    "search/test_names.py",
    "upgrade/test_upgrade.py",
)
# A prelude, where it does not matter what a picture shows: ready soon, without torch.
ENCODER_STANDS_IN = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from tests.household.stand_in import install_encoder; install_encoder()
"""


def pytest_configure(config: pytest.Config) -> None:
    """Daemons of tests share a table of places; processes that run tests are told where."""
    if (cache := getattr(config, "cache", None)) is not None:
        os.environ.setdefault(shared_places.VARIABLE, str(cache.mkdir("places")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first; not in one process, where packages have fixtures of their own."""
    if hasattr(config, "workerinput"):
        tests = Path(__file__).parent
        rank = {tests / name: number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_collection() -> None:
    """Thousands of tests that stay: a collection of garbage among them takes a second."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Later collections leave out what there is now."""
    gc.collect()
    gc.freeze()
    gc.enable()


@contextlib.contextmanager
def _names_are_text() -> Iterator[None]:
    """Skip what needs a name that is not UTF-8 where no disk takes one, as on a Mac."""
    try:
        yield
    except OSError as error:
        name = os.fsencode(error.filename or "")
        if error.errno != errno.EILSEQ or name.decode("utf-8", "ignore").encode() == name:
            raise
        pytest.skip("names here are UTF-8")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """As it says."""
    with _names_are_text():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """As it says."""
    with _names_are_text():
        return (yield)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A worker's start, called in the test's own process, turns logging off for what follows."""
    level = logging.getLogger().level
    logging.disable(logging.NOTSET)
    yield
    logging.getLogger().setLevel(level)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home in a short temporary directory; nothing of the user's is touched."""
    directory = tempfile.mkdtemp(prefix="photosd-test-", dir="/tmp")
    monkeypatch.setenv("PHOTOSD_HOME", directory)
    monkeypatch.delenv("PHOTOSD_SOCKET", raising=False)
    yield Home.from_environment()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def photos() -> Path:
    """The real photos beside the project; skips where they are absent."""
    named = os.environ.get("PHOTOSD_TEST_PHOTOS")
    directory = Path(named) if named else ROOT.parent / "shared" / "photos"
    if not (directory / "library").is_dir():
        pytest.skip(f"no test photos in {directory} (set PHOTOSD_TEST_PHOTOS)")
    return directory


class RunningDaemon:
    """A real daemon on a temporary home."""

    def __init__(
        self,
        home: Home,
        environment: dict[str, str] | None = None,
        prelude: str = "",
        descriptors: tuple[int, ...] = (),
        places: bool = True,
    ) -> None:
        """``prelude``: statements that run in the daemon before it starts, with ``descriptors``.

        ``places``: whether it finds a table of places, or makes one when it needs one.
        """
        self.home, self._descriptors = home, descriptors
        self._prelude = prelude
        self._environment = {**os.environ, **(environment or {})}
        if not home.settings.exists():  # files need not rest for long before they are read
            home.config.mkdir(parents=True, exist_ok=True, mode=0o700)
            home.settings.write_text("[watch]\nsettle_seconds = 0.2\n")
        if places:
            shared_places.lend_places(home.places)
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")])
        if VARIABLE in self._environment:
            path = with_faults(path)
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"{self._prelude}\nfrom photosd.runtime.main import main; raise SystemExit(main())",
            ],
            env={**self._environment, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=self._descriptors,
        )

    def client(self, timeout: float = 30) -> Client:
        """A client of this daemon."""
        return Client(self.home.socket, timeout=timeout)

    def wait_until(self, state: str = "ready", seconds: float = 60) -> dict[str, object]:
        """The status once the daemon is in ``state``."""
        limit = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended: {self.log()[-3000:]}")
            try:
                with self.client() as client:
                    last = status = client.call("status", {})
                if status["state"] == state:
                    return status
            except Exception as error:
                last = error
            time.sleep(0.05)
        raise AssertionError(f"not {state} after {seconds} s: {last}\n{self.log()[-3000:]}")

    def index(self, *folders: Path) -> dict[str, object]:
        """Add folders and wait until nothing is pending."""
        with self.client(timeout=120) as client:
            for folder in folders:
                client.call("add", {"path": str(folder)})
            return list(client.stream("rescan", {"wait": True}))[-1]

    def wait_for_calibration(self, seconds: float = 60) -> None:
        """Until scores are calibrated for the photos indexed so far: ratings change until then."""
        limit, unchanged, read = time.monotonic() + seconds, 0, 0
        with self.client() as client:
            while unchanged < CALM_READINGS:
                assert time.monotonic() < limit, f"{read} texts encoded after {seconds} s"
                time.sleep(0.1)
                before, read = read, client.status()["encoder"]["texts_encoded"]
                unchanged = unchanged + 1 if read == before and read >= CALIBRATION_TEXTS else 0
            client.query("how it is now")  # a query calibrates again after growth

    def query(self, text: str, limit: int = 20, deadline_ms: int = 10_000) -> dict[str, object]:
        """One query's result."""
        with self.client() as client:
            return client.call("query", {"text": text, "limit": limit, "deadline_ms": deadline_ms})

    def log(self) -> str:
        """What it has logged."""
        return self.home.log.read_text() if self.home.log.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait(60)

    def restart(self) -> None:
        """Start again on the same home."""
        self.process = self._spawn()

    def stop(self) -> None:
        """End it, gently if it lets us."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(25)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture
def daemon(home: Home) -> Iterator[RunningDaemon]:
    """A daemon of this test's own."""
    running = RunningDaemon(home)
    yield running
    running.stop()


@pytest.fixture
def quick_daemon(home: Home) -> Iterator[RunningDaemon]:
    """The same with a stand-in for the encoder, where it does not matter what a picture shows."""
    running = RunningDaemon(home, prelude=ENCODER_STANDS_IN)
    yield running
    running.stop()
