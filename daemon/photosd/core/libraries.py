"""Libraries: how to install one for the Python that photosd runs in, how to import less of one."""

from __future__ import annotations

import importlib.util
import shlex
import sys
import types
from pathlib import Path


def install_command(requirement: str, *options: str) -> str:
    """A shell command that installs what ``requirement`` says: ``mcp>=2.3,<3``.

    ``pip`` alone may be another Python's. Environments that uv makes have none.
    """
    python = shlex.quote(sys.executable)
    tool = f"{python} -m pip install"
    if importlib.util.find_spec("pip") is None:
        tool = f"uv pip install --python {python}"
    return " ".join([tool, *options, f'"{requirement}"'])


def bare_package(name: str) -> None:
    """Allow importing submodules of a package without running its ``__init__``."""
    if name in sys.modules:
        return
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed")
    package = types.ModuleType(name)
    package.__path__ = [str(Path(found.origin).parent)]
    package.__spec__ = found
    sys.modules[name] = package
