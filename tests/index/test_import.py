"""LanceDB is imported without its client of a REST API, if its version allows that."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTED = """
import sys
from photosd.index import table
{before}
assert table.import_lancedb().connect
print(sorted(name for name in sys.modules if name in ("{client}.api", "urllib3")))
"""
CLIENT = "lance_namespace_urllib3_client"
# A package of which no submodule can be imported.
EMPTY = f"""
import types
table.bare_package = lambda name: sys.modules.update({{"{CLIENT}": types.ModuleType(name)}})
"""


@pytest.mark.parametrize(("before", "found"), [("", []), (EMPTY, [f"{CLIENT}.api", "urllib3"])])
def test_lancedb_is_imported(before: str, found: list[str]) -> None:
    """Without what opens a socket and takes half of the time; with it where it is needed."""
    code = IMPORTED.format(before=before, client=CLIENT)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(found)
