"""LanceDB, imported in silence: a library below it would try IPv6 by binding a network socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any


def import_lancedb() -> Any:
    """The module `lancedb`; a second or two the first time."""
    here, socket.has_ipv6 = socket.has_ipv6, False  # asked by urllib3 before it tries
    try:
        import lancedb
    finally:
        socket.has_ipv6 = here
    return lancedb


@contextlib.contextmanager
def errors_of_lance() -> Iterator[None]:
    """A panic below LanceDB, which is no Exception, becomes a RuntimeError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise RuntimeError(str(error)) from error
