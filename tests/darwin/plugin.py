"""Runs any test as on a Mac: ``python -m pytest -p tests.darwin.plugin tests/DIRECTORY``.

The tests' own process pretends, and so does every Python that it starts. Tests that cannot pass
then are skipped for the reason given in tests.darwin.cannot.
"""

from __future__ import annotations

import pytest

from tests.darwin.cannot import CANNOT
from tests.darwin.pretend import pretend

pretend()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot pass, a test, a file or a directory."""
    for item in items:
        for place, reason in CANNOT.items():
            if item.nodeid == place or item.nodeid.startswith(
                (place + "::", place + "[", place + "/")
            ):
                item.add_marker(pytest.mark.skip(reason=f"not as on a Mac: {reason}"))
