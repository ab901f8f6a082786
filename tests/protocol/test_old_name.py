"""The client of the documentation of 0.1.0 can be imported by its old name."""

from __future__ import annotations

import subprocess
import sys

OLD_FIRST = """
from photosd.ipc.client import Client
import photosd.ipc.client as old, photosd.protocol.client as new
assert old is new and Client is new.Client
"""
NEW_FIRST = """
from photosd.protocol.client import Client
from photosd.ipc.client import Client as Old
import photosd.ipc
assert Old is Client
"""
UNKNOWN = """
try:
    import photosd.ipc.nothing
except ModuleNotFoundError as error:
    assert "nothing" in str(error)
"""


def test_scripts_that_import_it_by_its_old_name_work() -> None:
    """Whichever name is imported first."""
    for program in (OLD_FIRST, NEW_FIRST, UNKNOWN):
        subprocess.run([sys.executable, "-c", program], check=True)
