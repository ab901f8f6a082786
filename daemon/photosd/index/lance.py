"""LanceDB, imported in silence: a library below it would try IPv6 by binding a network socket."""

from __future__ import annotations

import socket
from typing import Any


def import_lancedb() -> Any:
    """The module `lancedb`; a second or two the first time."""
    here, socket.has_ipv6 = socket.has_ipv6, False  # asked by urllib3 before it tries
    try:
        import lancedb
    finally:
        socket.has_ipv6 = here
    return lancedb
