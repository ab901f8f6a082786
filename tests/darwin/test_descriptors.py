"""Row 5: macOS starts programs with 256 descriptors."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import pytest

from photosd.core.paths import Home
from tests.conftest import ENCODER_STANDS_IN
from tests.darwin.conftest import MacDaemon

IDLE = 240
SOFT = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, -1))"
# Whatever the hard limit of a pretended Mac says, this one is real.
HARD = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))"


@pytest.mark.parametrize("limit", [SOFT, HARD], ids=["soft", "hard"])
def test_many_idle_clients_do_not_keep_a_query_from_its_answer(home: Home, limit: str) -> None:
    """240 clients that ask nothing; then queries, each answered within its deadline.

    If the limit cannot be raised, those that were idle for the longest time are disconnected.
    """
    daemon = MacDaemon(home, prelude=f"{limit}\n{ENCODER_STANDS_IN}")
    try:
        daemon.wait_until("ready")
        with contextlib.ExitStack() as held:
            for _ in range(IDLE):
                client = held.enter_context(socket.socket(socket.AF_UNIX))
                client.connect(str(home.socket))
            for text in ("a dog", "the sea", "two people at a table"):
                assert daemon.query(text, deadline_ms=20_000)["answered_by"] == "vector"
    finally:
        daemon.stop()


def test_the_limit_is_raised_as_far_as_allowed_and_never_lowered(
    python: Callable[..., str],
) -> None:
    """10,240 where the hard limit is infinite; a lower hard limit is kept."""
    raise_it = """
import resource, sys
from photosd.core import descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, tuple(map(int, sys.argv[1:])))
descriptors.raise_limit()
print(descriptors.limit())
"""
    assert python(raise_it, "256", "-1") == "10240"
    assert python(raise_it, "12000", "-1") == "12000"
    assert python(raise_it, "256", "300") in ("256", "300")
