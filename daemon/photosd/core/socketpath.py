"""The path of the socket, for clients that need nothing else; cheap to import."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
SOCKET_PATH_LIMIT = 103
CS_DARWIN_USER_TEMP_DIR = 65537  # unistd.h of macOS; older Pythons do not know the name

ANSWERS = "answers"  # directory of the last answers of terminals, beside the socket

# The variable that moves the socket's directory.
VARIABLE = "PHOTOSD_HOME" if sys.platform == "darwin" else "XDG_RUNTIME_DIR"


def socket_path() -> Path:
    """The socket of this user's daemon."""
    if explicit := os.environ.get("PHOTOSD_SOCKET"):
        return Path(explicit)
    return runtime_directory() / "photosd.sock"


def runtime_directory() -> Path:
    """The private directory of the socket, unless ``PHOTOSD_SOCKET`` names another socket."""
    if named := os.environ.get("PHOTOSD_HOME"):
        return short_enough(expanded(named).absolute() / "run")
    return short_enough(default_runtime())


def expanded(path: str) -> Path:
    """``path`` with ``~`` expanded; ``~`` stays if there is no home, as in shells."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (pathlib raises RuntimeError)


def default_runtime() -> Path:
    """The per-user runtime directory: systemd's if it exists; on macOS the user's temporary one.

    On macOS the environment does not matter: an agent, cron and programs that start MCP servers
    have other variables than a shell.
    """
    if sys.platform == "darwin":
        base = os.confstr(CS_DARWIN_USER_TEMP_DIR) or "/tmp"  # noqa: S108 (checked by endpoint)
        return Path(base) / f"photosd-{os.getuid()}"
    if given := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(given) / "photosd"
    return Path(f"/tmp/photosd-{os.getuid()}")  # noqa: S108


def short_enough(runtime: Path) -> Path:
    """``runtime``, or a short substitute if its socket's name is too long for the kernel."""
    if len(os.fsencode(runtime / "photosd.sock")) <= SOCKET_PATH_LIMIT:
        return runtime
    import hashlib  # an import of 2 ms, rarely needed

    digest = hashlib.sha256(os.fsencode(runtime)).hexdigest()[:12]
    return Path(f"/tmp/photosd-{os.getuid()}-{digest}")  # noqa: S108 (checked by protocol.endpoint)
