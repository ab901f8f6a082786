"""``select.kqueue`` on top of epoll and pidfds: reading, writing, and the exit of a process."""

from __future__ import annotations

import errno
import importlib
import os
import select
import sys
from dataclasses import dataclass
from typing import Any

from tests.darwin.pretend.patches import Patches

# Linux's own, before they are removed.
EPOLL: Any = vars(select)["epoll"]
EPOLLIN, EPOLLOUT, EPOLLHUP = 0x1, 0x4, 0x10
PIDFD: Any = vars(os)["pidfd_open"]
READ, WRITE, PROC = -1, -2, -5
ADD, DELETE, ENABLE, DISABLE, ONESHOT, CLEAR = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
ERROR, EOF = 0x4000, 0x8000
NOTE_EXIT = 0x80000000
CONSTANTS = {
    "KQ_FILTER_READ": READ,
    "KQ_FILTER_WRITE": WRITE,
    "KQ_FILTER_PROC": PROC,
    "KQ_EV_ADD": ADD,
    "KQ_EV_DELETE": DELETE,
    "KQ_EV_ENABLE": ENABLE,
    "KQ_EV_DISABLE": DISABLE,
    "KQ_EV_ONESHOT": ONESHOT,
    "KQ_EV_CLEAR": CLEAR,
    "KQ_EV_ERROR": ERROR,
    "KQ_EV_EOF": EOF,
    "KQ_NOTE_EXIT": NOTE_EXIT,
}


@dataclass
class Kevent:
    """``select.kevent``."""

    ident: Any
    filter: int = READ
    flags: int = ADD
    fflags: int = 0
    data: int = 0
    udata: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.ident, int):
            self.ident = self.ident.fileno()


class Kqueue:
    """``select.kqueue``. As there, a failed change is an event with KQ_EV_ERROR if events fit."""

    def __init__(self) -> None:
        self._epoll = EPOLL()
        self._filters: dict[int, dict[int, int]] = {}  # descriptor → filter → flags
        self._processes: dict[int, int] = {}  # pidfd → pid

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return bool(self._epoll.closed)

    def fileno(self) -> int:
        """Its descriptor."""
        return int(self._epoll.fileno())

    def close(self) -> None:
        """Close it and the pidfds."""
        for pidfd in self._processes:
            os.close(pidfd)
        self._processes.clear()
        self._epoll.close()

    def control(
        self, changes: Any, max_events: int, timeout: float | None = None, /
    ) -> list[Kevent]:
        """Apply the changes, then wait for events."""
        failed: list[Kevent] = []
        for change in changes or ():
            try:
                self._change(change)
            except OSError as error:
                if len(failed) >= max_events:
                    raise
                number = error.errno or errno.EIO
                failed.append(Kevent(change.ident, change.filter, ERROR, data=number))
        if failed or not max_events:
            return failed
        found = self._epoll.poll(-1 if timeout is None else timeout, max_events)
        return [event for one in found for event in self._events(*one)][:max_events]

    def _change(self, change: Kevent) -> None:
        if change.filter == PROC:
            self._processes[pidfd := PIDFD(change.ident)] = change.ident
            self._epoll.register(pidfd, EPOLLIN)
            return
        filters = dict(self._filters.get(change.ident, {}))
        if change.flags & DELETE:
            if change.filter not in filters:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            del filters[change.filter]
        else:
            filters[change.filter] = change.flags
        mask = sum({READ: EPOLLIN, WRITE: EPOLLOUT}[one] for one in filters)
        if not filters:
            self._epoll.unregister(change.ident)
        elif change.ident in self._filters:
            try:
                self._epoll.modify(change.ident, mask)
            except FileNotFoundError:  # closed since, which removes it from a kqueue silently
                self._epoll.register(change.ident, mask)
        else:
            self._epoll.register(change.ident, mask)
        self._filters[change.ident] = filters
        if not filters:
            del self._filters[change.ident]

    def _events(self, descriptor: int, mask: int) -> list[Kevent]:
        if descriptor in self._processes:
            self._epoll.unregister(descriptor)
            os.close(descriptor)
            return [Kevent(self._processes.pop(descriptor), PROC, ADD | ONESHOT, NOTE_EXIT)]
        flags = EOF if mask & EPOLLHUP else 0
        found = self._filters.get(descriptor, {})
        wanted = ((READ, mask & ~EPOLLOUT), (WRITE, mask & ~EPOLLIN))
        return [
            Kevent(descriptor, one, flags, 0, 1) for one, bits in wanted if bits and one in found
        ]


def apply(patches: Patches) -> None:
    """Offer kqueue and no epoll."""
    patches.remove(select, *(name for name in vars(select) if name.upper().startswith("EPOLL")))
    for name, value in CONSTANTS.items():
        patches.replace(select, name, value)
    patches.replace(select, "kqueue", Kqueue)
    patches.replace(select, "kevent", Kevent)
    if "selectors" in sys.modules:  # it has chosen epoll, and reads its names later
        importlib.reload(sys.modules["selectors"])
        patches.also.append(lambda: importlib.reload(sys.modules["selectors"]))
