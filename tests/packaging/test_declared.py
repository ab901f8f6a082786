"""What is imported is declared, what is declared can be installed, links on PyPI lead somewhere."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from photosd.decode import raw
from photosd.places import building
from photosd_cli.commands import mcp, tui, web
from tests.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"photosd", "photosd_cli"}


def imported() -> dict[str, str]:
    """Every top-level module that our packages import, lazily or not, and a file that does."""
    found = {}
    for file in [*ROOT.glob("daemon/**/*.py"), *ROOT.glob("cli/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
                if node.module == "google":
                    names = [f"google.{alias.name}" for alias in node.names]
            for name in names:
                found[name.partition(".")[0]] = str(file.relative_to(ROOT))
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names}


def test_every_import_is_declared() -> None:
    """Also of libraries that another one brings along today."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    known = packages_distributions()
    for module, file in imported().items():
        if module not in OURS:
            # A module that is not installed here (an extra's) has the name of its distribution.
            offered = {canonicalize_name(name) for name in known.get(module, [module])}
            assert offered & declared, f"{file} imports {module}: declare one of {offered}"


def test_remedies_name_what_the_extras_need() -> None:
    """`pip install` of the library itself works wherever photosd came from."""
    extras = PROJECT["optional-dependencies"]
    assert mcp.LIBRARY in extras["mcp"]
    assert list(web.LIBRARIES) == extras["web"]
    assert raw.LIBRARY in extras["raw"]
    assert tui.LIBRARY in extras["tui"]
    assert building.LIBRARY in PROJECT["dependencies"]


def test_no_page_installs_a_name_that_is_not_registered() -> None:
    """photosd itself is installed from a path: its name is not registered."""
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *ROOT.glob("docs/**/*.md")]
    for page in pages:
        for line in page.read_text().splitlines():
            assert not re.search(r"(pip|pipx|uv tool) install [^.`]*\bphotosd\b", line), (
                page,
                line,
            )


def test_the_page_on_pypi_links_to_nothing_that_is_not_there() -> None:
    """Its links are absolute, or there are none; so with the project's URLs."""
    page = (ROOT / PROJECT["readme"]).read_text()
    links = re.findall(r"\]\(([^)]+)\)|(?:src|srcset|href)=\"([^\"]+)\"", page)
    assert all((one or other).startswith("https://") for one, other in links)
    assert PROJECT["authors"] and PROJECT["keywords"]
    assert all(url.startswith("https://") for url in PROJECT.get("urls", {}).values())
