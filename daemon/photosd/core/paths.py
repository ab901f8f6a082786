"""Where things live: one `Home` names every file and directory photosd uses."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

# sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
SOCKET_PATH_LIMIT = 103


@dataclass(frozen=True)
class Home:
    """Every place photosd reads or writes, apart from the photos themselves."""

    config: Path
    state: Path
    models: Path
    runtime: Path

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
    def log(self) -> Path:
        """The daemon's log, JSON lines."""
        return self.state / "logs" / "photosd.log"

    @property
    def socket(self) -> Path:
        """The socket clients connect to."""
        return self.runtime / "photosd.sock"

    @property
    def lock(self) -> Path:
        """The lock that decides who serves this home."""
        return self.runtime / "photosd.lock"

    @classmethod
    def from_environment(cls) -> Home:
        """The home named by ``PHOTOSD_HOME``, else the platform's own places."""
        named = os.environ.get("PHOTOSD_HOME")
        if named:
            root = Path(named).expanduser().absolute()
            return cls(root / "config", root / "state", root / "models", _short(root / "run"))
        # Imported here: 40 ms that a client under PHOTOSD_HOME or asking only for the socket saves.
        import platformdirs

        return cls(
            platformdirs.user_config_path("photosd"),
            platformdirs.user_state_path("photosd"),
            platformdirs.user_data_path("photosd") / "models",
            _short(default_runtime()),
        )


def socket_path() -> Path:
    """The socket of this user's daemon; cheap, for clients that need nothing else."""
    if explicit := os.environ.get("PHOTOSD_SOCKET"):
        return Path(explicit)
    if named := os.environ.get("PHOTOSD_HOME"):
        return _short(Path(named).expanduser().absolute() / "run") / "photosd.sock"
    return _short(default_runtime()) / "photosd.sock"


def default_runtime() -> Path:
    """The per-user runtime directory; systemd's when it made one for us."""
    if given := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(given) / "photosd"
    base = os.environ.get("TMPDIR", "/tmp") if sys.platform == "darwin" else "/tmp"  # noqa: S108
    return Path(base) / f"photosd-{os.getuid()}"


def _short(runtime: Path) -> Path:
    """``runtime``, or a short stand-in when its socket's name is too long for the kernel."""
    if len(os.fsencode(runtime / "photosd.sock")) <= SOCKET_PATH_LIMIT:
        return runtime
    digest = hashlib.sha256(os.fsencode(runtime)).hexdigest()[:12]
    return Path(f"/tmp/photosd-{os.getuid()}-{digest}")  # noqa: S108 (checked by ipc.endpoint)
