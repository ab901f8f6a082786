"""Switching off works whatever cannot be written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from photosd.core.config import CloudSettings as Settings
from photosd.core.errors import ConfigError, StorageError
from photosd.core.paths import Home
from photosd.decode.thumbnails import ThumbnailStore
from photosd.gemini.consent import digest, terms_of
from photosd.gemini.environment import Environment
from photosd.gemini.gemini import Gemini
from photosd.index.database import Database
from photosd.protocol import requests
from photosd.runtime.erasing import Traces
from photosd.runtime.operations.cloud import CloudOperations as Operations

POOL: Any = None
OTHER_USER: Any = SimpleNamespace(runtimes=list)


class Daemon:
    """A daemon whose settings cannot be changed."""

    def __init__(self, home: Home, database: Database) -> None:
        self.settings = Settings(mode="hybrid")
        home.config.mkdir(parents=True, exist_ok=True)
        self.gemini = Gemini(
            home, self.settings, database, POOL, Environment(key="key-of-environment")
        )
        self.gemini.enable("hybrid", digest(terms_of("hybrid", self.settings)), agents=False)
        store = ThumbnailStore(home.thumbnails, 1 << 20)
        self.traces = Traces(home, database, OTHER_USER, store, self.gemini, lambda: True)

    def library(self, _wait: float) -> Daemon:
        return self

    def change_setting(self, name: str, value: str) -> None:
        raise ConfigError("line 3 makes no sense", remedy="correct it")


@pytest.mark.parametrize("op", ["cloud_disable", "cloud_forget"])
def test_it_is_off_whatever_cannot_be_written(
    home: Home, monkeypatch: pytest.MonkeyPatch, op: str
) -> None:
    database = Database(home.catalog)
    daemon: Any = Daemon(home, database)
    consent = home.config / "cloud-consent.json"
    assert daemon.gemini.mode == "hybrid"
    home.cloud.mkdir()
    (home.cloud / "answers.sqlite3").write_text("what was answered")
    file = type(consent)

    def refuse(path: Any, **how: Any) -> None:
        if path == consent:
            raise PermissionError(13, "Permission denied")
        unlink(path, **how)

    unlink = file.unlink
    monkeypatch.setattr(file, "unlink", refuse)
    operation = getattr(Operations(daemon), op)
    with pytest.raises(StorageError, match="nothing is sent now") as refused:
        operation(requests.Nothing())
    assert str(consent) in refused.value.remedy
    assert daemon.gemini.mode == "local"
    assert op == "cloud_disable" or not home.cloud.exists()
    monkeypatch.undo()
    operation(requests.Nothing())  # the setting stays, and means nothing
    assert daemon.gemini.mode == "local" and not consent.exists()
    daemon.gemini.enable("hybrid", digest(terms_of("hybrid", daemon.settings)), agents=False)
    assert daemon.gemini.mode == "hybrid"
    database.close()
