"""`photosd query` is quick, because it imports next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import environment
from tests.cli.stub import StubDaemon, hit, query_result

# Each of these costs more than all the rest of the command; none has a place in it.
HEAVY = {
    "numpy",
    "torch",
    "PIL",
    "lancedb",
    "pyarrow",
    "asyncio",
    "rich",
    "structlog",
    "msgspec",
    "importlib.metadata",
    "platformdirs",
    "psutil",
    "ssl",
    "logging",
    "subprocess",
    "tempfile",
    "watchdog",
    "photosd.runtime.main",
}
SCRIPT = """
import sys
from photosd_cli.main import main
code = main(sys.argv[1:])
import json
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_of(*arguments: str, before: str = "") -> set[str]:
    """The modules a command has imported by its end, and those that ``before`` imports."""
    ran = subprocess.run(
        [sys.executable, "-c", f"{before}\n{SCRIPT}", *arguments],
        env=environment(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    code, modules = json.loads(ran.stderr.splitlines()[-1])
    assert code == 0, ran
    return set(modules)


def heavy(modules: set[str]) -> set[str]:
    return {module for module in modules if any(f"{module}.".startswith(f"{h}.") for h in HEAVY)}


@pytest.mark.parametrize(
    "extra",
    [[], ["--deadline", "2"], ["--in", "/p", "--plus", "2:x", "--near", "1,2,3"]],
    ids=["quick", "click", "filters"],
)
def test_a_query_imports_nothing_heavy(stub: StubDaemon, extra: list[str]) -> None:
    """On the quick way not even click."""
    stub.answers["query"] = query_result(*(hit(f"/p/{n}.jpg") for n in range(20)))
    modules = modules_of("query", "sunset", *extra)
    assert not heavy(modules)
    assert ("click" in modules) == bool(extra)


def test_the_list_of_heavy_modules_is_looked_at() -> None:
    """The test above can fail."""
    assert heavy({"numpy.linalg", "json", "ssl"}) == {"numpy.linalg", "ssl"}
