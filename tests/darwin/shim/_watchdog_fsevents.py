"""A stand-in for watchdog's C module: recursive streams of FSEvents, fed by inotify.

Events are as coarse as the kernel's order of inotify events: nothing is coalesced, dropped or
historical. To play such events, call the callback of the stream (``STREAMS``) with flags.
"""

from __future__ import annotations

import ctypes
import os
import posix
import select
import stat
import struct
from collections.abc import Callable

MUST_SCAN, USER_DROPPED, KERNEL_DROPPED, IDS_WRAPPED = 0x1, 0x2, 0x4, 0x8
HISTORY_DONE, ROOT_CHANGED, MOUNT, UNMOUNT = 0x10, 0x20, 0x40, 0x80
CREATED, REMOVED, META, RENAMED, MODIFIED = 0x100, 0x200, 0x400, 0x800, 0x1000
FINDER, OWNER, XATTR, IS_FILE, IS_DIR, IS_LINK = 0x2000, 0x4000, 0x8000, 0x10000, 0x20000, 0x40000
IN_MODIFY, IN_ATTRIB, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO = 0x2, 0x4, 0x8, 0x40, 0x80
IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF = 0x100, 0x200, 0x400, 0x800
IN_OVERFLOW, IN_IGNORED, IN_ONLYDIR, IN_DONT_FOLLOW = 0x4000, 0x8000, 0x1000000, 0x2000000
WANTED = (
    IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE
)
FLAGS = {
    IN_MODIFY: MODIFIED,
    IN_CLOSE_WRITE: MODIFIED,
    IN_ATTRIB: META,
    IN_MOVED_FROM: RENAMED,
    IN_MOVED_TO: RENAMED,
    IN_CREATE: CREATED,
    IN_DELETE: REMOVED,
}
HEADER = struct.Struct("iIII")
LIBC = ctypes.CDLL("libc.so.6", use_errno=True)

Callback = Callable[[list[str], list[int], list[int], list[int]], None]
STREAMS: list[Stream] = []


class NativeEvent:
    """One event: path, inode, flags, id."""

    def __init__(self, path: str, inode: int, flags: int, event_id: int) -> None:
        self.path = os.fsdecode(path)
        self.inode, self.flags, self.event_id = inode, flags, event_id

    def __repr__(self) -> str:
        return f"NativeEvent(path={self.path!r}, inode={self.inode}, flags={self.flags:x})"


def _flag(bit: int) -> property:
    return property(lambda self: bool(self.flags & bit))


for _name, _bit in (
    ("must_scan_subdirs", MUST_SCAN),
    ("is_user_dropped", USER_DROPPED),
    ("is_kernel_dropped", KERNEL_DROPPED),
    ("is_event_ids_wrapped", IDS_WRAPPED),
    ("is_history_done", HISTORY_DONE),
    ("is_root_changed", ROOT_CHANGED),
    ("is_mount", MOUNT),
    ("is_unmount", UNMOUNT),
    ("is_created", CREATED),
    ("is_removed", REMOVED),
    ("is_inode_meta_mod", META),
    ("is_renamed", RENAMED),
    ("is_modified", MODIFIED),
    ("is_item_finder_info_modified", FINDER),
    ("is_owner_change", OWNER),
    ("is_xattr_mod", XATTR),
    ("is_file", IS_FILE),
    ("is_directory", IS_DIR),
    ("is_symlink", IS_LINK),
):
    setattr(NativeEvent, _name, _flag(_bit))


class Stream:
    """FSEvents of everything below some paths, whose names are real ones, as on a Mac."""

    def __init__(self, paths: list[str], *, latency: float = 0.01) -> None:
        self.paths, self.latency = [os.path.realpath(path) for path in paths], latency
        self.callback: Callback = lambda *_: None
        self._places: dict[int, bytes] = {}
        self._inodes: dict[bytes, int] = {}
        self._last = 0
        self._stop, self._stopped = posix.pipe()
        for descriptor in (self._stop, self._stopped):
            os.set_inheritable(descriptor, False)

    def run(self, callback: Callback, started: Callable[[], object]) -> None:
        """Deliver events until `stop`."""
        self.callback = callback
        self._inotify = LIBC.inotify_init1(0o2000000)  # close-on-exec
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        for path in self.paths:
            self._add(os.fsencode(path), quiet=True)
        STREAMS.append(self)
        started()
        try:
            while self._stop not in select.select([self._inotify, self._stop], [], [])[0]:
                self._deliver(posix.read(self._inotify, 1 << 16))
        finally:
            STREAMS.remove(self)
            posix.close(self._inotify)
            posix.close(self._stop)

    def stop(self) -> None:
        """End `run`; a stream stops once."""
        if self._stopped >= 0:
            posix.close(self._stopped)
            self._stopped = -1

    def _deliver(self, data: bytes) -> None:
        found: list[tuple[bytes, int, int]] = []
        while data:
            watch, mask, _, size = HEADER.unpack_from(data)
            name = data[HEADER.size : HEADER.size + size].rstrip(b"\0")
            data = data[HEADER.size + size :]
            if mask & IN_OVERFLOW:
                flags = MUST_SCAN | KERNEL_DROPPED
                found += [(os.fsencode(path), 0, flags) for path in self.paths]
            elif mask & IN_IGNORED:
                self._places.pop(watch, None)
            elif watch in self._places and name:
                found += self._events(self._places[watch] + b"/" + name, mask)
        if found:
            first, self._last = self._last + 1, self._last + len(found)
            self.callback(
                [os.fsdecode(path) for path, _, _ in found],
                [inode for _, inode, _ in found],
                [flags for _, _, flags in found],
                list(range(first, first + len(found))),
            )

    def _events(self, path: bytes, mask: int) -> list[tuple[bytes, int, int]]:
        flags = next(flag for bit, flag in FLAGS.items() if mask & bit)
        gone = bool(mask & (IN_MOVED_FROM | IN_DELETE))
        try:
            state = posix.lstat(path)
        except OSError:
            state = None
        kind = IS_DIR if mask & 0x40000000 else IS_FILE
        if state is not None and not gone:
            self._inodes[path] = state.st_ino
            kind = IS_LINK if stat.S_ISLNK(state.st_mode) else kind
        inode = self._inodes.pop(path, 0) if gone else self._inodes.get(path, 0)
        events = [(path, inode, flags | kind)]
        if mask & (IN_CREATE | IN_MOVED_TO) and kind == IS_DIR:
            events += self._add(path, quiet=not mask & IN_CREATE)
        return events

    def _add(self, top: bytes, *, quiet: bool) -> list[tuple[bytes, int, int]]:
        """Watch ``top`` and everything below; what is there already is news unless ``quiet``."""
        watch = LIBC.inotify_add_watch(self._inotify, top, WANTED | IN_ONLYDIR | IN_DONT_FOLLOW)
        if watch < 0:
            return []
        self._places[watch] = top
        events = []
        try:
            entries = list(posix.scandir(top))
        except OSError:
            return []
        for entry in entries:
            path = top.rstrip(b"/") + b"/" + entry.name
            self._inodes[path] = entry.inode()
            inside = entry.is_dir(follow_symlinks=False)
            if not quiet:
                events.append((path, entry.inode(), CREATED | (IS_DIR if inside else IS_FILE)))
            if inside:
                events += self._add(path, quiet=quiet)
        return events
