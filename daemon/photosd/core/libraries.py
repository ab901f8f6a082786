"""How to install a library for the Python that photosd runs in."""

from __future__ import annotations

import importlib.util
import shlex
import sys


def install_command(requirement: str, *options: str) -> str:
    """A shell command that installs what ``requirement`` says: ``mcp>=2.3,<3``.

    ``pip`` alone may be another Python's. Environments that uv makes have none.
    """
    python = shlex.quote(sys.executable)
    tool = f"{python} -m pip install"
    if importlib.util.find_spec("pip") is None:
        tool = f"uv pip install --python {python}"
    return " ".join([tool, *options, f'"{requirement}"'])
