"""Locations: a `Home` names every file and directory that photosd uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from photosd.core.socketpath import ANSWERS, default_runtime, expanded, short_enough


@dataclass(frozen=True)
class Home:
    """Every path that photosd reads or writes, except the photos."""

    config: Path
    state: Path
    models: Path
    runtime: Path

    @property
    def own(self) -> tuple[bytes, ...]:
        """The real paths of the directories that photosd writes to; files in them are
        not photos.
        """
        inside = (self.index, self.thumbnails, self.sheets, self.cloud)  # each may be a link
        places = (self.config, self.state, self.models, self.runtime, *inside)
        return tuple(os.fsencode(place.resolve()) for place in places)

    @property
    def settings(self) -> Path:
        """The user's settings, TOML."""
        return self.config / "config.toml"

    @property
    def catalog(self) -> Path:
        """The SQLite catalog."""
        return self.state / "catalog.sqlite3"

    @property
    def index(self) -> Path:
        """The LanceDB directory."""
        return self.state / "index"

    @property
    def thumbnails(self) -> Path:
        """Small JPEGs of photos; deleted ones are recreated."""
        return self.state / "thumbnails"

    @property
    def sheets(self) -> Path:
        """Contact sheets written without a file name."""
        return self.state / "sheets"

    @property
    def answers(self) -> Path:
        """The last answer shown on each terminal."""
        return self.runtime / ANSWERS

    @property
    def cloud(self) -> Path:
        """All data from Gemini: vectors of photos and queries, rewritten queries."""
        return self.state / "cloud"

    @property
    def places(self) -> Path:
        """The table of places; a deleted one is made again."""
        return self.state / "places.sqlite3"

    @property
    def accelerators(self) -> Path:
        """Which accelerators failed, and are not used until something is upgraded."""
        return self.state / "accelerators.json"

    @property
    def log(self) -> Path:
        """The daemon's log, JSON lines."""
        return self.state / "logs" / "photosd.log"

    @property
    def stacks(self) -> Path:
        """Stacks of all threads from each time the daemon crashed or was aborted."""
        return self.state / "logs" / "stacks.txt"

    @property
    def socket(self) -> Path:
        """The socket clients connect to."""
        return self.runtime / "photosd.sock"

    @property
    def lock(self) -> Path:
        """The lock that decides which process serves this home. It is stored with the index,
        because the runtime directory may differ between logins, and there is only one index.
        """
        return self.state / "photosd.lock"

    @classmethod
    def from_environment(cls) -> Home:
        """The home set by ``PHOTOSD_HOME``, else the platform's directories."""
        named = os.environ.get("PHOTOSD_HOME")
        if named:
            root = expanded(named).absolute()
            return cls(root / "config", root / "state", root / "models", short_enough(root / "run"))
        # Imported here: saves 40 ms for clients that set PHOTOSD_HOME or need only the socket.
        import platformdirs

        return cls(
            platformdirs.user_config_path("photosd"),
            platformdirs.user_state_path("photosd"),
            platformdirs.user_data_path("photosd") / "models",
            short_enough(default_runtime()),
        )
