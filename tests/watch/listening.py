"""What the watcher's tests share: quick limits, and someone who follows the hints."""

# Names are bytes here, which pathlib does not know.
# ruff: noqa: PTH108, PTH118

from __future__ import annotations

import contextlib
import os
import queue
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from photosd.watch.hints import Hint
from photosd.watch.ignore import IgnoreRules
from photosd.watch.scanner import Entry, entry_of, scan
from photosd.watch.source import Listener, Receive, Source
from photosd.watch.walk import walk
from photosd.watch.watch_limits import WatchLimits
from photosd.watch.watcher import MakeSource, Watcher, platform_source

if sys.platform == "linux":
    from watchdog.observers.inotify_c import InotifyEvent

    from photosd.watch import inotify
    from photosd.watch.inotify_reader import InotifyReader

    class NotedKernel(InotifyReader):
        """The latest one can be asked for."""

        latest: ClassVar[NotedKernel]

        def __init__(self, receive: Callable[[InotifyEvent], None]) -> None:
            super().__init__(receive)
            NotedKernel.latest = self

    inotify.InotifyReader = NotedKernel  # type: ignore[attr-defined]
else:
    from photosd.watch import fsevents

    class NotedKernel:
        """Only inotify has a watch for each directory."""

        latest: ClassVar[Any]

    class NotedStream(fsevents.Stream):
        """Keeps the events of `MARK` files for the tests, and passes on all others."""

        def events_callback(
            self, paths: Sequence[str | bytes], inodes: object, flags: Sequence[int], ids: object
        ) -> None:
            names = [os.fsencode(path).rpartition(b"/")[2] for path in paths]
            MARKS_SEEN.update(name for name in names if name.startswith(MARK))
            keep = [n for n, name in enumerate(names) if not name.startswith(MARK)]
            super().events_callback([paths[n] for n in keep], inodes, [flags[n] for n in keep], ids)

    fsevents.Stream = NotedStream  # type: ignore[misc]


MARK = b".photosd-test-"
MARKS_SEEN: set[bytes] = set()


QUICK = WatchLimits(
    collect=0.01, tick=0.05, roots=0.2, probe=0.2, answer=10.0, quiet=0.2, calm=1.0, retry=1000.0
)
WAIT_SECONDS = 20.0
NO_RIGHTS = 65534  # the user id that has no rights anywhere


def files_below(directory: Path) -> set[bytes]:
    """Every file below, by the simplest means there is."""
    found: set[bytes] = set()
    for path, _, names in os.walk(os.fsencode(directory)):
        found.update(os.path.join(path, name) for name in names)
    return found


def write(path: Path, data: bytes = b"photo") -> Path:
    """A file and the directories it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def as_unprivileged(question: Callable[[], str]) -> str:
    """The answer to a question asked without root's rights, in a process of its own."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NO_RIGHTS)
                os.setuid(NO_RIGHTS)
            os.write(writer, question().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


class Follower:
    """A watcher and a picture of the disk that is kept by nothing but its hints."""

    def __init__(
        self,
        base: Path,
        limits: WatchLimits = QUICK,
        make_source: MakeSource = platform_source,
    ) -> None:
        self.source: Source | None = None

        def noted(receive: Receive, listener: Listener) -> Source:
            self.source = make_source(receive, listener)
            return self.source

        self.watcher = Watcher(base / "probe", limits, make_source=noted)
        self.photos: dict[bytes, Entry] = {}
        self.rules: dict[bytes, IgnoreRules] = {}
        self.log: list[Hint] = []
        self.watcher.start()

    def add(self, root: Path, excludes: Iterable[str] = ()) -> None:
        """Watch a folder and wait until its watches are in place."""
        path = os.fsencode(root)
        self.rules[path] = IgnoreRules(path, list(excludes))
        self.watcher.add(path, self.rules[path])
        self.settle()

    def settle(self) -> list[Hint]:
        """Wait until everything up to now was reported; follow the hints and return them."""
        assert self.watcher.barrier(WAIT_SECONDS), "the watcher does not hear"
        if sys.platform == "darwin":
            self._hear_streams()
        return self.follow()

    def _hear_streams(self) -> None:
        """FSEvents' streams know nothing of each other: wait for a mark in each folder."""
        waiting: set[bytes] = set()
        for root in self.watcher.health():
            if root.watches:
                mark = MARK + b"%d-%d" % (time.monotonic_ns(), len(waiting))
                with contextlib.suppress(OSError):  # the folder is gone, and its stream with it
                    os.close(os.open(root.root + b"/" + mark, os.O_CREAT | os.O_WRONLY))
                    os.unlink(root.root + b"/" + mark)
                    waiting.add(mark)
        limit = time.monotonic() + WAIT_SECONDS
        while not waiting <= MARKS_SEEN:
            assert time.monotonic() < limit, "a stream does not hear"
            time.sleep(0.005)
        assert self.watcher.barrier(WAIT_SECONDS), "the watcher does not hear"

    def follow(self) -> list[Hint]:
        """Follow the hints there are."""
        hints = []
        while True:
            try:
                hints.append(self.watcher.hints.get_nowait())
            except queue.Empty:
                break
        for hint in hints:
            self._look(hint)
        self.log += hints
        return hints

    def until(self, condition: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        """Follow hints until the condition holds."""
        limit = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < limit, f"not within {seconds} s; hints: {self.log[-20:]}"
            try:
                hint = self.watcher.hints.get(timeout=0.02)
            except queue.Empty:
                continue
            self.log.append(hint)
            self._look(hint)

    def hinted(self, path: Path, kind: str | None = None) -> bool:
        """Whether a hint (of that kind) named exactly this path."""
        return any(h.path == os.fsencode(path) and kind in (None, h.kind) for h in self.log)

    def state(self, root: Path) -> str:
        """How a folder is watched."""
        wanted = os.fsencode(root)
        return next((h.state for h in self.watcher.health() if h.root == wanted), "unknown")

    def truth(self) -> set[bytes]:
        """The photos a scan of everything finds now."""
        return {
            entry.path for root, rules in self.rules.items() for entry in scan(root, None, rules)
        }

    def misplaced_watches(self) -> set[bytes]:
        """Directories watched without need, or not watched though they should be (Linux)."""
        from photosd.watch.inotify import InotifySource  # exists on Linux only

        wanted: set[bytes] = set()
        for root, rules in self.rules.items():
            if Path(os.fsdecode(root)).is_dir():
                list(walk(rules, root, on_directory=lambda path, _rules: wanted.add(path)))
        assert isinstance(self.source, InotifySource)
        assert self.source.complete(), "the kernel holds other watches than the books"
        return self.source.directories() ^ wanted

    def stop(self) -> None:
        """Stop the watcher."""
        self.watcher.stop()

    def _look(self, hint: Hint) -> None:
        if hint.kind == "path":
            self._look_at(hint.path)
            return
        for root, rules in self.rules.items():
            if hint.kind == "overflow" and hint.path in (b"", root):
                self._scan(root, root, rules)
            elif hint.kind == "subtree" and (hint.path + b"/").startswith(root + b"/"):
                self._scan(root, hint.path, rules)

    def _look_at(self, path: bytes) -> None:
        for root, rules in self.rules.items():
            if path.startswith(root + b"/"):
                entry = entry_of(path, rules)
                if entry is None:
                    self.photos.pop(path, None)
                else:
                    self.photos[path] = entry

    def _scan(self, root: bytes, top: bytes, rules: IgnoreRules) -> None:
        for path in [p for p in self.photos if (p + b"/").startswith(top + b"/")]:
            del self.photos[path]
        self.photos.update((entry.path, entry) for entry in scan(root, top, rules))
