"""Daemons beside a stand-in for Gemini, in an environment that would lead them elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photosd.core.paths import Home
from photosd_cli.commands.demo import PICTURES
from tests.conftest import ROOT, RunningDaemon
from tests.gemini.fake_gemini import KEY, FakeGemini, wait_for

MARKED, UNMARKED = ("sunset", "snow", "forest"), ("night-city",)


class Cloudy:
    """A daemon of its own home, a Gemini, and a trap to which the environment points."""

    def __init__(
        self, gemini: FakeGemini, trap: FakeGemini, prelude: str = "", **more: str
    ) -> None:
        self.gemini, self.trap = gemini, trap
        self.directory = Path(tempfile.mkdtemp(prefix="photosd-cloud-", dir="/tmp"))
        self.environment = {**hostile(trap.url), "PHOTOSD_HOME": str(self.directory), **more}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PHOTOSD_HOME", str(self.directory))
            self.home = Home.from_environment()
        self.marked, self.unmarked = self.directory / "marked", self.directory / "unmarked"
        self.daemon = RunningDaemon(self.home, self.environment, prelude)
        self._turn = 0

    def put_key(self, key: str = KEY) -> None:
        """Have a key file as the daemon wants it."""
        self.home.config.mkdir(parents=True, exist_ok=True)
        file = self.home.config / "gemini.key"
        file.write_text(key)
        file.chmod(0o600)

    def call(self, op: str, **params: Any) -> dict[str, Any]:
        """One operation."""
        with self.daemon.client() as client:
            return client.call(op, params)

    def set(self, **settings: object) -> None:
        """Change settings of the section cloud."""
        for name, value in settings.items():
            self.call("config_set", name=f"cloud.{name}", value=str(value))

    def enable(self, mode: str) -> None:
        """Agree to a mode, as a person does."""
        digest = self.call("cloud_terms", mode=mode)["digest"]
        self.call("cloud_enable", mode=mode, digest=digest)

    def fresh(self) -> None:
        """Forget failures: a changed setting closes the breaker."""
        self._turn += 1
        self.gemini.answers.clear()
        self.gemini.always = None
        self.set(budget_usd=2 + self._turn / 1000)

    def query(self, text: str, **params: Any) -> dict[str, Any]:
        """One query's result."""
        return self.call("query", text=text, deadline_ms=20_000, **params)

    def local(self, text: str) -> list[str]:
        """What is found without any cloud."""
        return paths(self.query(text, mode="local"))

    def status(self) -> dict[str, Any]:
        """The cloud's state."""
        return self.call("cloud_status")

    def warm(self) -> None:
        """Wait until the Gemini worker is at work, so that no start is timed."""
        wait_for(lambda: self.query(f"is it up? {time.monotonic()}")["fallback_reason"] is None)

    def paint(self) -> None:
        """Photos in a marked folder and in one that is not, indexed."""
        for directory, names in ((self.marked, MARKED), (self.unmarked, UNMARKED)):
            directory.mkdir()
            for name in names:
                with Image.open(PICTURES / f"{name}.jpg") as picture:
                    picture.save(directory / f"secret-{name}.jpg", exif=_exif(name))
        with self.daemon.client(timeout=120) as client:
            client.call("add", {"path": str(self.marked), "cloud": True})
            client.call("add", {"path": str(self.unmarked)})
            list(client.stream("rescan", {"wait": True}))

    def run(self, *arguments: str, site: str = "") -> subprocess.CompletedProcess[str]:
        """The command line; ``site``: where its sitecustomize is."""
        path = os.pathsep.join([*filter(None, [site]), str(ROOT / "daemon"), str(ROOT / "cli")])
        return subprocess.run(
            [sys.executable, "-m", "photosd_cli.main", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **self.environment, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
        )

    def close(self) -> None:
        """Leave nothing behind."""
        self.daemon.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def _exif(name: str) -> Any:
    exif = Image.Exif()
    exif[0x010E] = f"description of {name}, taken at home"
    exif[0x010F] = "SecretCamera"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (32.0, 5.0, 10.0)
    gps[3], gps[4] = "E", (34.0, 46.0, 12.0)
    return exif


def hostile(trap: str) -> dict[str, str]:
    """An environment that would lead Google's SDK and HTTP libraries to ``trap``."""
    proxies = {name: trap for kind in ("HTTP", "HTTPS", "ALL") for name in (f"{kind}_PROXY",)}
    return {
        **proxies,
        **{name.lower(): trap for name in proxies},
        "GOOGLE_GEMINI_BASE_URL": trap,
        "GEMINI_BASE_URL": trap,
        "GEMINI_NEXT_GEN_API_BASE_URL": trap,
        "GOOGLE_VERTEX_BASE_URL": trap,
        "GOOGLE_API_KEY": "a-key-from-elsewhere",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_GENAI_USE_ENTERPRISE": "true",
        "GOOGLE_CLOUD_PROJECT": "elsewhere",
        "GOOGLE_CLOUD_LOCATION": "elsewhere",
        "GOOGLE_GENAI_REPLAYS_DIRECTORY": "/tmp/elsewhere",
        "GOOGLE_GENAI_CLIENT_MODE": "record",
        "NO_PROXY": "",
        "no_proxy": "",
    }


def paths(result: dict[str, Any]) -> list[str]:
    """The paths of a result, best first."""
    return [hit["path"] for hit in result["hits"]]


@pytest.fixture(scope="module")
def trap() -> Iterator[FakeGemini]:
    """Where nothing may ever arrive."""
    with FakeGemini() as server:
        yield server
        assert server.requests == []


@pytest.fixture(scope="module")
def make_cloudy(trap: FakeGemini) -> Iterator[Callable[..., Cloudy]]:
    """Makes daemons that end with the module."""
    made: list[tuple[Cloudy, FakeGemini]] = []

    def make(
        translations: dict[str, list[str]] | None = None, *, prelude: str = "", **more: str
    ) -> Cloudy:
        gemini = FakeGemini(translations)
        gemini.__enter__()
        cloudy = Cloudy(gemini, trap, prelude, **more)
        made.append((cloudy, gemini))
        cloudy.daemon.wait_until("ready")
        cloudy.set(base_url=gemini.url)
        return cloudy

    yield make
    for cloudy, gemini in made:
        gemini.__exit__(None, None, None)
        cloudy.close()
