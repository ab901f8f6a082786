"""Calls to all file systems: the mount table tells which one a path is on.

A call to a share whose server is away does not return, cannot be interrupted and holds its thread
and its process. So every call on a watched folder goes through this module, to the `filesystem` of
the path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import structlog

from photosd.core.clock import Deadline
from photosd.core.listeners import Listeners
from photosd.core.start_stop import start
from photosd.watch.filesystem import IDLE_TURN, POLL_SECONDS, Filesystem, NotAnswering, can_hang
from photosd.watch.filesystem_calls import Item
from photosd.watch.filesystem_workers import FilesystemProcess, FilesystemThread, FilesystemWorker
from photosd.watch.mounts import MAX_LINKS, Mount, MountWatch, mount_of
from photosd.watch.responsiveness import START_SECONDS, Waiting
from photosd.watch.scanner import NO_PHOTO, Entry
from photosd.watch.spelling import names_paths

log = structlog.get_logger()

MOUNTS_UNREAD = "no action needed: the last table of mounts is used until it can be read"
MAX_DIRECTORIES = 1000  # remembered while links are followed


class Filesystems:
    """All file systems, found by path in the mount table."""

    def __init__(self) -> None:
        self.changed = Listeners()  # notified when one stops answering, or answers again
        self._watch = MountWatch()
        self._lock = threading.Lock()
        self._filesystems: dict[tuple[str, str], Filesystem] = {}
        self._wanted: deque[tuple[threading.Event, list[FilesystemWorker | OSError]]] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="filesystems", daemon=True)
        self._kept = False

    def stop(self, deadline: Deadline | None = None) -> None:
        """End every worker; leave behind those that a file system blocks."""
        self._stopping.set()
        self._wake.set()
        with self._lock:
            kept, self._kept = self._kept, True
        if kept:
            self._keeper.join((deadline or Deadline.to_stop()).remaining)
        with self._lock:
            self._watch.close()

    def __enter__(self) -> Filesystems:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- which ----------------------------------------------------------------------------------

    def table(self) -> dict[bytes, Mount]:
        """The current mounts, by mount point."""
        with self._lock:
            if not self._stopping.is_set():
                before = self._watch.unread
                self._watch.changes()
                if (error := self._watch.unread) is not None and before is None:
                    log.warning("mounts_unread", cause=error.strerror, remedy=MOUNTS_UNREAD)
            return self._watch.table

    def of(self, path: bytes) -> Filesystem:
        """The file system of the absolute ``path``; links in it are not followed."""
        mount = mount_of(path, self.table())
        key = (mount.filesystem, mount.device or os.fsdecode(mount.point))
        with self._lock:
            filesystem = self._filesystems.get(key)
            if not self._kept:
                self._keeper.start()
                self._kept = True
            if filesystem is None:
                filesystem = self._filesystems[key] = Filesystem(
                    mount, self._begin, self._stopping, self._wake
                )
            return filesystem

    def silent(self, path: bytes) -> bool:
        """Whether the file system of ``path`` has stopped answering."""
        return self.of(path).silent_since is not None

    def answers(self, path: bytes) -> bool:
        """Whether the file system of ``path`` answers; one that can hang is checked first."""
        filesystem = self.of(path)
        if can_hang(filesystem.mount):
            self._check(path)
        return filesystem.silent_since is None

    def waiting(self, path: bytes) -> AbstractContextManager[Waiting | None]:
        """Context for reading ``path`` in another process; None if its file system cannot hang."""
        filesystem = self.of(path)
        return (
            filesystem.responsiveness.waiting()
            if can_hang(filesystem.mount)
            else contextlib.nullcontext()
        )

    def place(self, path: bytes) -> bytes:
        """Where ``path`` leads if it is a link to another file system; raises nothing.

        If its target does not answer: a path on the file system that does not. Links on a share
        are not followed, to spare it requests.
        """
        if can_hang(self.of(path).mount):
            return path
        try:
            return self.resolve(path) if self._link(path)[0] is not None else path
        except NotAnswering as error:
            return error.filename or path
        except OSError:
            return path

    def mounts_below(self, directory: bytes) -> list[bytes]:
        """The mount points below a directory."""
        inside = directory.rstrip(b"/") + b"/"
        return sorted(point for point in self.table() if point.startswith(inside))

    # -- calls ----------------------------------------------------------------------------------

    def call(self, path: bytes, call: str, *arguments: Any, long: bool = False) -> Iterator[Item]:
        """The items of one of `filesystem_calls` about ``path``; raises NotAnswering, OSError."""
        filesystem = self.of(path)
        try:
            yield from filesystem.call(path, call, *arguments, long=long)
        except NotAnswering:
            self._wake.set()
            self.changed.notify()
            raise

    def ask(self, path: bytes, call: str) -> Item:
        """The one thing that a call about ``path`` yields; None when it yields nothing."""
        return next(iter(list(self.call(path, call, path))), None)

    def start_check(self, path: bytes) -> None:
        """Start checking whether the file system of ``path`` answers; returns at once."""
        filesystem = self.of(path)
        if can_hang(filesystem.mount) and filesystem.due_for_check():
            start(threading.Thread(target=self._check, args=(path,), name="check", daemon=True))

    def _check(self, path: bytes) -> None:
        with contextlib.suppress(OSError):
            self.ask(path, "look")

    def look(self, path: bytes) -> tuple[int, int]:
        """Device and inode of a directory that may be read; raises OSError."""
        device, inode = self.ask(path, "look")
        return device, inode

    def volume(self, path: bytes) -> str:
        """The UUID of the volume that ``path`` is on; empty if unknown."""
        with contextlib.suppress(OSError):
            return str(self.ask(path, "volume"))
        return ""

    def report_silent(self, path: bytes) -> None:
        """Report that another process waits too long for the bytes of ``path``."""
        self.of(path).report_silent(path)
        self._wake.set()
        self.changed.notify()

    def resolve(self, path: bytes) -> bytes:
        """``path`` without links, like realpath; each part is read by its file system's worker."""
        done, rest, links, there = b"/", deque(path.split(b"/")), 0, True
        while rest:
            name = rest.popleft()
            if name in (b"", b"."):
                continue
            if name == b"..":
                done, there = done.rpartition(b"/")[0] or b"/", True
                continue
            here = done.rstrip(b"/") + b"/" + name
            target = None
            if there and here not in self.table():
                target, there = self._link(here)
            if target is None:
                done = here
                continue
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            done = b"/" if target.startswith(b"/") else done
            rest.extendleft(reversed(target.split(b"/")))
        return done

    def follow(self, path: bytes, known: dict[bytes, bytes]) -> bytes:
        """The same as `resolve`. ``known``: directories without links, by any path to them; they
        are not asked about again, and new ones are added.
        """
        for _ in range(MAX_LINKS + 1):
            directory, _, name = path.rpartition(b"/")
            if name in (b"", b".", b".."):
                return self.resolve(path)
            if directory not in known:
                if len(known) >= MAX_DIRECTORIES:
                    known.clear()
                known[directory] = self.resolve(directory).rstrip(b"/")
            here = known[directory] + b"/" + name
            target = None if here in self.table() else self._link(here)[0]
            if target is None:
                return here
            path = target if target.startswith(b"/") else known[directory] + b"/" + target
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)

    def spelled(self, path: bytes) -> bytes:
        """``path``, without links, as its file system spells it; missing parts stay as given."""
        here, rest = path, b""
        while names_paths() and here not in (b"", b"/"):
            try:
                return bytes(self.ask(here, "spelled")) + rest
            except NotAnswering:
                raise
            except OSError:  # missing, or it may not be opened
                here, slash, name = here.rpartition(b"/")
                rest = slash + name + rest
        return path

    def _link(self, path: bytes) -> tuple[bytes | None, bool]:
        """Where a link leads, and whether there may be anything at ``path`` or below."""
        try:
            return bytes(self.ask(path, "link")), True
        except NotAnswering:
            raise
        except OSError as error:
            return None, error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)

    def entry(self, path: bytes, known: dict[bytes, bytes] | None = None) -> Entry | None:
        """The file that ``path`` leads to, with ``path`` as its name; raises OSError. ``known``:
        see `follow`.
        """
        place = None
        try:
            target = self.follow(path, {} if known is None else known)
            if target != path:
                place = int(self.ask(path, "name")[1])
        except OSError as error:
            if error.errno in NO_PHOTO:
                return None
            raise
        found = self.ask(target, "file")
        if found is None:
            return None
        entry = Entry(*found)
        return entry._replace(path=path, place=entry.place if place is None else place)

    # -- the keeper thread: it starts the workers' processes, as they end with their starter ------

    def _begin(self, filesystem: Filesystem) -> FilesystemWorker:
        """A new worker; raises OSError when none can be started."""
        if not can_hang(filesystem.mount):
            return FilesystemThread()
        if threading.current_thread() is self._keeper:
            return FilesystemProcess()
        done, made = threading.Event(), list[FilesystemWorker | OSError]()
        self._wanted.append((done, made))
        self._wake.set()
        end = time.monotonic() + START_SECONDS
        while not done.wait(POLL_SECONDS):
            if self._stopping.is_set() or time.monotonic() > end:
                raise NotAnswering(filesystem.mount.point)
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(
                min([IDLE_TURN, *(filesystem.turn_seconds for filesystem in self._all())])
            )
            self._wake.clear()
            try:
                self._start_wanted()
                self._look_after()
            except Exception:  # the next round may succeed
                log.exception("share_checks_failed")
        for filesystem in self._all():
            filesystem.close()

    def _start_wanted(self) -> None:
        while self._wanted:
            done, made = self._wanted.popleft()
            try:
                made.append(FilesystemProcess())
            except OSError as error:
                made.append(error)
            done.set()

    def _look_after(self) -> None:
        answering = False
        for filesystem in self._all():
            try:
                answering |= filesystem.look_after()
            except OSError as error:  # no process can be started now
                log.warning("share_retry_failed", cause=error.strerror)
        with self._lock:
            mounted = {mount.point for mount in self._watch.table.values()}
            for key, filesystem in list(self._filesystems.items()):
                if filesystem.idle and filesystem.mount.point not in mounted:
                    del self._filesystems[key]
        if answering:
            self.changed.notify()

    def some_slow(self) -> bool:
        """Whether any file system takes long for each answer."""
        return any(filesystem.responsiveness.slow for filesystem in self._all())

    def _all(self) -> list[Filesystem]:
        with self._lock:
            return list(self._filesystems.values())
