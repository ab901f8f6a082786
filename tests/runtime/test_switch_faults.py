"""A switch of models that fails at its last step: the daemon always has one model at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.core.clock import Pause, Rate
from photosd.core.config import LiveSettings, Settings
from photosd.core.errors import StorageError
from photosd.core.paths import Home
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.worklist import WorkList
from photosd.models import registry
from photosd.runtime import model_switch
from photosd.runtime.model_switch import ModelSwitcher


class FakePipeline:
    """Notes whether it runs."""

    def __init__(self) -> None:
        self.runs, self.rate, self.paused = True, Rate(), Pause()
        self.waiting_for = None

    def stop(self) -> None:
        self.runs = False

    def idle(self) -> bool:
        return True

    def wake(self) -> None:
        pass


class FakeRuntime:
    """A model that has nothing to encode; notes what it is told."""

    def __init__(self, name: str) -> None:
        self.spec = SimpleNamespace(name=name, fingerprint=name)
        self.pipeline, self.accelerators = FakePipeline(), None
        self.engine = SimpleNamespace(warm_up=lambda _seconds: True)
        self.encoder = SimpleNamespace(status=lambda: {"error": None})
        self.work: Any = None
        self.closed = threading.Event()

    def open(self, *, serving: bool) -> None:
        assert not serving

    def work_on(self, work: Any) -> None:
        self.work, self.pipeline = work, FakePipeline()
        work.due(1)

    serve = work_on

    def close(self, _deadline: object = None) -> None:
        self.closed.set()


def within(seconds: float, condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


class Models:
    """A switcher with the model `one`, and `two` installed."""

    def __init__(self, home: Home, patch: pytest.MonkeyPatch) -> None:
        for name in ("RETRY_SECONDS", "LINGER_SECONDS", "LOOK_SECONDS"):
            patch.setattr(model_switch, name, 0.01)
        self.two = FakeRuntime("two")
        patch.setattr(model_switch, "ModelRuntime", lambda *_: self.two)
        patch.setattr(registry, "find", lambda _home, name: (home.models, self.two.spec))
        self.database = Database(home.catalog)
        self.contents, self.worklist = Contents(self.database), WorkList(self.database)
        shared: Any = SimpleNamespace(contents=self.contents, database=self.database)
        one: Any = FakeRuntime("one")
        self.one: FakeRuntime = one
        settings = LiveSettings(Settings())
        self.switcher = ModelSwitcher(home, settings, shared, self.worklist, one)


def failing(times: int, error: Exception, call: Callable[..., Any]) -> Callable[..., Any]:
    """``call``, which fails the first times."""
    left = [error] * times

    def fails(*arguments: Any) -> Any:
        if left:
            raise left.pop()
        return call(*arguments)

    return fails


@pytest.mark.parametrize("error", [StorageError("full", remedy="free space"), RuntimeError("odd")])
def test_an_error_after_the_switch_leaves_the_new_model_at_work(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The disk is full when photos of the old model are marked: the new one was closed in the
    end, as if it were the old one.
    """
    models = Models(home, monkeypatch)
    serve = failing(2, error, models.contents.serve)
    monkeypatch.setattr(models.contents, "serve", serve)
    models.switcher.follow("two")
    assert models.one.closed.wait(30)
    within(30, lambda: models.contents.source("x") is None and models.two.work is models.worklist)
    assert models.switcher.serving.spec.name == "two" and models.switcher.report() is None
    models.switcher.stop()
    assert not models.two.closed.is_set() and models.two.pipeline.runs
    assert models.database.meta(model_switch.PREVIOUS) == "one"


@pytest.mark.parametrize("error", [StorageError("full", remedy="free space"), RuntimeError("odd")])
def test_an_error_before_the_switch_leaves_the_old_model_at_work(
    home: Home, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Until it is retried, new photos are indexed by it."""
    models = Models(home, monkeypatch)
    monkeypatch.setattr(model_switch, "RETRY_SECONDS", 3600.0)
    mark = failing(1, error, models.contents.mark_unembedded_pending)
    monkeypatch.setattr(models.contents, "mark_unembedded_pending", mark)
    models.switcher.follow("two")

    def failed() -> bool:
        report = models.switcher.report()
        return report is not None and report["error"] is not None

    within(30, failed)
    assert models.switcher.serving.spec.name == "one"
    assert models.one.pipeline.runs and models.one.work is models.worklist
    models.switcher.stop()
