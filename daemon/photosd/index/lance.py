"""Imports LanceDB without side effects: a dependency would test IPv6 by binding a socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any


def import_lancedb() -> Any:
    """The module `lancedb`; a second or two the first time."""
    here, socket.has_ipv6 = socket.has_ipv6, False  # urllib3 checks this first
    try:
        import lancedb
    finally:
        socket.has_ipv6 = here
    return lancedb


@contextlib.contextmanager
def errors_of_lance() -> Iterator[None]:
    """Turns a panic in LanceDB, which is not an Exception, into a RuntimeError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise RuntimeError(str(error)) from error
