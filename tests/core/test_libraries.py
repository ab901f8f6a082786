"""The command that installs a library reaches photosd's own Python."""

from __future__ import annotations

import importlib.util
import shlex
import sys

import pytest

from photosd.core.libraries import install_command


@pytest.mark.parametrize("has_pip", [True, False], ids=["pip", "uv"])
@pytest.mark.parametrize("python", ["/usr/bin/python3", "/Users/a b/.local/python"])
def test_it_names_this_python(monkeypatch: pytest.MonkeyPatch, has_pip: bool, python: str) -> None:
    """After `uv tool install` there is no pip, or only another Python's."""
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name if has_pip else None)
    words = shlex.split(install_command("mcp>=2.3,<3", "--force-reinstall"))
    pip, uv = [python, "-m", "pip", "install"], ["uv", "pip", "install", "--python", python]
    assert words == [*(pip if has_pip else uv), "--force-reinstall", "mcp>=2.3,<3"]
