"""Every setting takes effect at once, in the parts that run; and what is wrong is shown."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from photosd.core import config, settings_file
from photosd.core.config import Settings
from photosd.core.paths import Home
from photosd.core.settings_file import Problem, SettingsReading
from photosd.encoder.supervisor import Supervisor
from photosd.gemini import gemini
from photosd.gemini.gate import Gate
from photosd.protocol import requests
from photosd.protocol.endpoint import Endpoint
from photosd.runtime.daemon import Daemon
from photosd.runtime.library import Library
from photosd.runtime.operations import handlers
from photosd.search.engine import Engine
from tests.conftest import ENCODER_STANDS_IN, ROOT, RunningDaemon

Look = Callable[[Daemon, Library], object]


class NotedGate(Gate):
    """The gate of the library that was made last."""

    latest: ClassVar[Gate]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        NotedGate.latest = self


# What it is set to, and where a running daemon must have it afterwards.
EFFECTS: dict[str, tuple[str, object, Look]] = {
    "search.limit": ("3", 3, lambda d, _: d.settings.search.limit),  # read by each query
    "encoder.model": ("starter", "starter", lambda _, lib: lib.settings.encoder.model),
    "encoder.device": ("cpu", "cpu", lambda _, lib: lib.serving.accelerators.wanted),
    "encoder.memory_limit_mb": ("900", 900, lambda _, lib: lib.encoder.limits.memory_mb),
    "decode.workers": ("3", 3, lambda _, lib: lib.pool.workers),
    "decode.max_megapixels": ("50", 50, lambda _, lib: lib.pool.limits.max_megapixels),
    "decode.previews": ("never", False, lambda _, lib: lib.pool.previews),
    "search.remember": ("no", False, lambda _, lib: lib.shared.remembers()),
    "thumbnails.cache_mb": ("7", 7_000_000, lambda _, lib: lib.thumbnails.store.room),
    "watch.settle_seconds": ("0.5", 0.5, lambda _, lib: lib.reconciler.settle_seconds),
    "watch.rescan_minutes": ("5", 300, lambda _, lib: lib.reconciler.rescan_seconds),
    "watch.ignore_off": ("hidden", ("hidden",), lambda _, lib: tuple(lib.folders.off)),
    "log.level": ("debug", True, lambda *_: logging.getLogger("x").isEnabledFor(logging.DEBUG)),
    "cloud.mode": ("hybrid", "hybrid", lambda *_: NotedGate.latest.wanted),
}
CLOUD = {
    "base_url": "https://example.com",
    "api_version": "v2",
    "text_model": "x",
    "embedding_model": "y",
    "dimensions": "256",
    "deadline_seconds": "2.5",
    "budget_usd": "0.5",
    "images_per_minute": "7",
    "key_file": "/k",
    "key_command": "true",
    "proxy": "http://localhost:1",
    "usd_per_image": "0.5",
    "usd_per_million_embedded": "0.5",
    "usd_per_million_in": "0.5",
    "usd_per_million_out": "0.5",
}


def of_the_cloud(key: str) -> Look:
    """Every call looks there."""
    return lambda *_: getattr(NotedGate.latest.settings, key)


for key, text in CLOUD.items():
    name = f"cloud.{key}"
    EFFECTS[name] = (text, config.parsed(name, text), of_the_cloud(key))


@pytest.fixture
def running(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Daemon, Library]]:
    """A daemon's parts with its library, without encoder and socket."""
    monkeypatch.setattr(Supervisor, "start", lambda _self: None)
    monkeypatch.setattr(Library, "open", lambda _self: None)
    monkeypatch.setattr(Engine, "warm_up", lambda _self, _seconds: False)
    monkeypatch.setattr(gemini, "Gate", NotedGate)
    monkeypatch.delenv("EMBEDDING_MODE", raising=False)
    daemon = Daemon(home, SettingsReading(Settings()), Endpoint.__new__(Endpoint))
    daemon.open_library()
    yield daemon, (library := daemon.library(0.0))
    library.pool.stop()
    library.database.close()


def set_(daemon: Daemon, name: str, value: str) -> Any:
    """As a client does."""
    return handlers(daemon)["config_set"](requests.ConfigSetParams(name, value))


def test_every_setting_takes_effect_at_once(running: tuple[Daemon, Library]) -> None:
    """As `photosd config set` and the reference say; no setting may be added without a look."""
    daemon, library = running
    assert set(EFFECTS) == set(config.defaults())
    for name, (text, value, look) in EFFECTS.items():
        assert set_(daemon, name, text)["value"] == config.parsed(name, text)
        assert look(daemon, library) == value, name
    assert library.settings == daemon.settings == settings_file.load(daemon.home.settings)


def test_a_value_that_is_set_again_is_not_changed(running: tuple[Daemon, Library]) -> None:
    daemon, _ = running
    changed = [set_(daemon, "search.limit", value)["changed"] for value in ("30", "30", "20")]
    assert changed == [True, False, True]


def test_a_shorter_time_between_comparisons_does_not_wait_for_the_longer(
    running: tuple[Daemon, Library], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day may be left of it."""
    daemon, library = running
    asked: list[bool] = []
    monkeypatch.setattr(library.reconciler, "request", lambda: asked.append(True))
    set_(daemon, "watch.rescan_minutes", "1440")
    assert asked == []
    set_(daemon, "watch.rescan_minutes", "5")
    assert asked == [True]


def test_no_warning_tells_a_secret(home: Home) -> None:
    """`status` is read by agents, too, and goes into bug reports."""
    problem = Problem("cloud.proxy", "http://dana:hunter2@proxy:3128 is no proxy", "correct it")
    endpoint: Any = SimpleNamespace(path=home.socket)
    daemon = Daemon(home, SettingsReading(Settings(), (problem,)), endpoint)
    warnings = daemon.report()["warnings"]
    assert "is no proxy" in str(warnings) and "hunter2" not in str(warnings)


def test_no_answer_tells_a_secret(running: tuple[Daemon, Library]) -> None:
    """Nor does the one to setting it."""
    daemon, library = running
    proxy = "http://dana:hunter2@proxy:3128"
    assert "hunter2" not in str(set_(daemon, "cloud.proxy", proxy)["value"])
    assert library.settings.cloud.proxy == proxy


def test_many_at_once_all_take_effect(running: tuple[Daemon, Library]) -> None:
    """After many changes at once each part has the value that the file has."""
    daemon, library = running
    for round_ in range(5):
        threads = [
            threading.Thread(target=set_, args=(daemon, name, str(number + round_)))
            for number in range(1, 5)
            for name in ("search.limit", "decode.workers", "encoder.memory_limit_mb")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = settings_file.load(daemon.home.settings)
        assert library.settings == daemon.settings == kept
        assert library.pool.workers == kept.decode.workers
        assert library.encoder.limits.memory_mb == kept.encoder.memory_limit_mb


def test_debug_lines_come_as_soon_as_they_are_asked_for(tmp_path: Path) -> None:
    """From loggers that have been used before, too; and end again."""
    program = """
import sys; from pathlib import Path
from photosd.core.log import set_up, set_level
import structlog
log = structlog.get_logger()
set_up("info", Path(sys.argv[1]))
log.debug("no"); log.info("one")
set_level("debug"); log.debug("two")
set_level("error"); log.warning("no"); log.error("three")
try: 1 / 0
except ZeroDivisionError: log.exception("four")
"""
    file = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "daemon")}
    subprocess.run([sys.executable, "-c", program, str(file)], env=environment, check=True)
    lines = [json.loads(line)["event"] for line in file.read_text().splitlines()]
    assert lines == ["one", "two", "three", "four"]


def test_the_status_names_invalid_lines_and_the_others_apply(home: Home) -> None:
    """By a real daemon, until it is corrected; inf is refused where it would have crashed it."""
    home.config.mkdir()
    home.settings.write_text("[search]\nlimit = 3\nlimits = 4\n[cloud]\nbudget_usd = inf\n")
    running = RunningDaemon(home, prelude=ENCODER_STANDS_IN)
    try:
        running.wait_until()
        with running.client() as client:
            settings = {one["name"]: one["value"] for one in client.config()["settings"]}
            warnings = " ".join(client.status()["warnings"])
            assert settings["search.limit"] == 3
            assert "line 3" in warnings and "search.limits" in warnings
            assert "line 5" in warnings and "cloud.budget_usd = inf" in warnings
            with pytest.raises(Exception, match="finite number"):
                client.config_set("cloud.budget_usd", "inf")
            client.config_set("cloud.budget_usd", "1")
            client.config_set("log.level", "debug")
            assert "budget_usd" not in " ".join(client.status()["warnings"])
            running.query("a very particular dog")
        assert "a very particular dog" in running.log()
    finally:
        running.stop()
