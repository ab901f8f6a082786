"""A directory of this machine that does not tell names apart by case or by form of letters."""

from __future__ import annotations

import fcntl
import os
import posix
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from photosd.watch.spelling import folded

F_GETPATH = 50


class FoldedDisk:
    """Lets ``os`` find files below a directory whatever the case and form of their names."""

    def __init__(self, root: bytes, patch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._listdir = os.listdir
        for name in ("stat", "lstat", "open", "scandir"):
            patch.setattr(os, name, self._folding(getattr(os, name)))

    def _folding(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def folded(path: Any = ".", *arguments: Any, **options: Any) -> Any:
            if isinstance(path, bytes) and path.startswith(self._root + b"/"):
                real = self._real(path)
                found = call(real, *arguments, **options)
                return found if real == path or call.__name__ != "scandir" else Renamed(found, path)
            return call(path, *arguments, **options)

        return folded

    def _real(self, path: bytes) -> bytes:
        here = self._root
        for name in path[len(here) + 1 :].split(b"/"):
            try:
                there = self._listdir(here)
            except OSError:
                there = []
            same = [other for other in there if folded(other) == folded(name)]
            here += b"/" + (name if name in there or not same else same[0])
        return here


class Renamed:
    """A listing whose entries have the paths that were asked for."""

    def __init__(self, listing: Any, path: bytes) -> None:
        self._listing, self._path = listing, path

    def __enter__(self) -> Iterator[Any]:
        self._listing.__enter__()
        return (Entry(entry, self._path) for entry in self._listing)

    def __exit__(self, *error: object) -> None:
        self._listing.__exit__(*error)


class Entry:
    def __init__(self, entry: Any, directory: bytes) -> None:
        self.name, self.path = entry.name, directory + b"/" + entry.name
        self.stat, self.is_dir, self.is_symlink = entry.stat, entry.is_dir, entry.is_symlink


def tell_paths(patch: pytest.MonkeyPatch) -> None:
    """Let F_GETPATH tell the path of a descriptor as it is on disk, as on a Mac."""
    real = fcntl.fcntl

    def told(descriptor: Any, command: int, argument: Any = 0) -> Any:
        if command != F_GETPATH:
            return real(descriptor, command, argument)
        path = posix.readlink(b"/proc/self/fd/%d" % descriptor)  # os hides it while pretending
        return path.removeprefix(b"/System/Volumes/Data").ljust(len(argument), b"\0")

    patch.setattr(fcntl, "F_GETPATH", F_GETPATH, raising=False)
    patch.setattr(fcntl, "fcntl", told)
