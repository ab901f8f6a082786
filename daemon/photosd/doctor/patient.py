"""What all checks look at: the home, its settings, and what the daemon says, each asked once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import sys
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from photosd.core import settings_file
from photosd.core.config import Settings
from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.ipc.client import Client
from photosd.models.shelf import directory_of

if TYPE_CHECKING:
    from pathlib import Path

    from photosd.ipc.replies import CloudCheckResult, Hello, SelfCheckResult, StatusResult

HELLO_SECONDS = 5.0
SELF_CHECK_SECONDS = 45.0


class Patient:
    """One home and its daemon, as they are now; answers are kept for the whole examination."""

    def __init__(self, home: Home) -> None:
        self.home = home

    @cached_property
    def settings(self) -> Settings:
        """As the file says, or the defaults where it makes no sense."""
        return settings_file.load(self.home.settings)

    @property
    def model_directory(self) -> Path:
        """Where the model in use lies."""
        return directory_of(self.home, self.settings.encoder.model)

    @cached_property
    def hello(self) -> Hello | PhotosdError:
        """Who answers, or why nobody does."""
        try:
            with Client(self.home.socket, timeout=HELLO_SECONDS) as client:
                return client.hello()
        except PhotosdError as error:
            return error

    @cached_property
    def status(self) -> StatusResult | None:
        """What the daemon says of itself; None when it does not."""
        if isinstance(self.hello, PhotosdError):
            return None
        with contextlib.suppress(PhotosdError), Client(self.home.socket, timeout=20) as client:
            return client.status()
        return None

    @cached_property
    def self_check(self) -> SelfCheckResult | PhotosdError | None:
        """How encoding goes, or why it does not; None: nobody to ask, or an older daemon."""
        if isinstance(self.hello, PhotosdError) or "self_check" not in self.hello["capabilities"]:
            return None
        try:
            with Client(self.home.socket, timeout=SELF_CHECK_SECONDS) as client:
                return client.self_check()
        except PhotosdError as error:
            return error

    @cached_property
    def cloud_check(self) -> CloudCheckResult | PhotosdError | None:
        """How Gemini does, or why it was not tried; None: nobody to ask, or an older daemon."""
        if isinstance(self.hello, PhotosdError) or "cloud_check" not in self.hello["capabilities"]:
            return None
        try:
            with Client(self.home.socket) as client:
                return client.cloud_check()
        except PhotosdError as error:
            return error

    @cached_property
    def lock_holder(self) -> int | None:
        """The pid that holds the lock of this home; 0 when it is held but does not say by whom."""
        try:
            descriptor = os.open(self.home.lock, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            first = os.pread(descriptor, 32, 0).split(b"\n")[0]
            return int(first) if first.isdigit() else 0
        finally:
            os.close(descriptor)
        return None

    @contextlib.contextmanager
    def catalog(self) -> Iterator[sqlite3.Connection]:
        """The catalog, to be read only; raises sqlite3.Error."""
        uri = f"{self.home.catalog.as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
            yield connection

    @property
    def on_linux(self) -> bool:
        """Some checks read what only Linux has."""
        return sys.platform == "linux"
