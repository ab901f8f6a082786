"""Input of all checks: the home, its settings, and the daemon's answers, each requested once."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from photosd.core import settings_file
from photosd.core.config import Settings
from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.models.registry import directory_of
from photosd.protocol.client import Client

if TYPE_CHECKING:
    from pathlib import Path

    from photosd.protocol.reports import CloudCheckResult, Hello, SelfCheckResult, StatusResult

HELLO_SECONDS = 5.0
SELF_CHECK_SECONDS = 45.0


class CheckContext:
    """One home and its daemon; answers are cached for the whole checks."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @cached_property
    def settings(self) -> Settings:
        """From the settings file, defaults for invalid ones."""
        return settings_file.load(self.home.settings)

    @property
    def model_directory(self) -> Path:
        """The directory of the model in use."""
        return directory_of(self.home, self.settings.encoder.model)

    @cached_property
    def hello(self) -> Hello | PhotosdError:
        """The daemon's version and pid, or why it does not answer."""
        try:
            with Client(self.home.socket, timeout=HELLO_SECONDS) as client:
                return client.hello()
        except PhotosdError as error:
            return error

    @cached_property
    def status(self) -> StatusResult | None:
        """The daemon's status; None if it does not answer."""
        if isinstance(self.hello, PhotosdError):
            return None
        with contextlib.suppress(PhotosdError), Client(self.home.socket, timeout=20) as client:
            return client.status()
        return None

    @cached_property
    def self_check(self) -> SelfCheckResult | PhotosdError | None:
        """Result of encoding sample texts, or the error; None: no daemon, or an older one."""
        if isinstance(self.hello, PhotosdError) or "self_check" not in self.hello["capabilities"]:
            return None
        try:
            with Client(self.home.socket, timeout=SELF_CHECK_SECONDS) as client:
                return client.self_check()
        except PhotosdError as error:
            return error

    @cached_property
    def cloud_check(self) -> CloudCheckResult | PhotosdError | None:
        """Result of testing Gemini, or the error; None: no daemon, or an older one."""
        if isinstance(self.hello, PhotosdError) or "cloud_check" not in self.hello["capabilities"]:
            return None
        try:
            with Client(self.home.socket) as client:
                return client.cloud_check()
        except PhotosdError as error:
            return error

    @contextlib.contextmanager
    def catalog(self) -> Iterator[sqlite3.Connection]:
        """The catalog, opened read-only; raises sqlite3.Error."""
        uri = f"{self.home.catalog.as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
            yield connection

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of the catalog; none if it cannot be read, which another check reports."""
        with contextlib.suppress(sqlite3.Error):
            if self.home.catalog.exists():
                with self.catalog() as db:
                    return db.execute(statement).fetchall()
        return []

    @property
    def on_linux(self) -> bool:
        """Whether to run checks that exist only on Linux."""
        return sys.platform == "linux"
