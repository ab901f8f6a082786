"""One inotify instance: the reader of the library watchdog, without its bookkeeping.

The reader alone (`InotifyFD`, private to it, hence the pinned version) has none of the faults
measured in version 7.1's recursive groups: directories left unwatched after quick renames, a full
watch table ignored, endless rebuilding after an overflow, threads ending with a KeyError.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

import structlog
from watchdog.observers.inotify_c import (
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
    inotify_add_watch,
    inotify_rm_watch,
)

from photosd.watch.watch_limits import kernel_watches

log = structlog.get_logger()

LEAVE_SECONDS = 5.0

# Never IN_OPEN or IN_CLOSE_NOWRITE: our own reads would fill the queue.
DIRECTORY_MASK = Mask(
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVE
    | InotifyConstants.IN_MODIFY  # the only event of truncate()
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB  # times set after writing, permissions granted
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_DONT_FOLLOW
    | InotifyConstants.IN_EXCL_UNLINK
)
ROOT_MASK = Mask(
    (DIRECTORY_MASK & ~InotifyConstants.IN_DONT_FOLLOW)  # a folder may be given as a link
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
)


class InotifyReader(InotifyFD):
    """Passes kernel events on, on its own thread; add and remove watches from one thread only."""

    def __init__(self, receive: Callable[[InotifyEvent], None]) -> None:
        """Raises OSError if the user has too many inotify instances already."""
        super().__init__()
        os.set_inheritable(self._inotify_fd, False)
        self._receive = receive
        self._released = False

    def handle_event(self, event: InotifyEvent) -> None:
        """Pass the event on, overflows included; the library's own handling never runs."""
        self._receive(event)

    def watch(self, path: bytes, mask: Mask) -> WatchDescriptor:
        """Watch one directory; the same number again for the same directory. Raises OSError."""
        descriptor = inotify_add_watch(self._inotify_fd, path, mask)
        if descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
        return descriptor

    def unwatch(self, descriptor: WatchDescriptor) -> None:
        """Remove a watch; one that is gone already is fine."""
        inotify_rm_watch(self._inotify_fd, descriptor)

    def held(self) -> int:
        """How many watches the kernel has."""
        return kernel_watches(self._inotify_fd)

    def run(self) -> None:
        """Read until stopped; an error ends the thread, which the watcher notices."""
        try:
            super().run()
        except Exception:
            log.exception("watch_reader_died")

    def retire(self) -> None:
        """Stop and close the instance, within a bounded time."""
        self.stop()
        if self.ident is not None:  # else it could not be started
            self.join(LEAVE_SECONDS)
        if not self.is_alive() and not self._released:
            self._close_resources()  # the reader ended before it could

    def _close_resources(self) -> None:
        self._released = True
        super()._close_resources()
