"""Hints about possible changes, collected and deduplicated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal["path", "subtree", "overflow"]


class Hint(NamedTuple):
    """Where to look, not what happened.

    ``path``: stat this file. ``subtree``: scan at and below it. ``overflow``: scan everything below
    this root (``b""``: all roots), and check the root itself.
    """

    kind: Kind
    path: bytes


class HintBatch:
    """A set of hints without those covered by wider ones."""

    def __init__(self) -> None:
        self._paths: set[bytes] = set()
        self._trees: set[bytes] = set()
        self._roots: set[bytes] = set()

    def __bool__(self) -> bool:
        return bool(self._paths or self._trees or self._roots)

    def __len__(self) -> int:
        return len(self._paths) + len(self._trees) + len(self._roots)

    def path(self, path: bytes) -> None:
        """Add a file to look at."""
        self._paths.add(path)

    def subtree(self, directory: bytes) -> None:
        """Add a directory to scan."""
        self._trees.add(directory)

    def overflow(self, root: bytes) -> None:
        """Add a root to scan; ``b""`` is all of them."""
        self._roots.add(root)

    def take(self) -> list[Hint]:
        """The hints that no other one covers, widest first; clears the batch."""
        if b"" in self._roots:
            taken = [Hint("overflow", b"")]
        else:
            trees = [
                tree
                for tree in topmost(self._trees)
                if not (tree in self._roots or _within(tree, self._roots))
            ]
            wide = self._roots | set(trees)
            taken = [Hint("overflow", root) for root in sorted(self._roots)]
            taken += [Hint("subtree", tree) for tree in trees]
            taken += [Hint("path", path) for path in sorted(self._paths) if not _within(path, wide)]
        self._paths, self._trees, self._roots = set(), set(), set()
        return taken


def topmost(directories: Iterable[bytes]) -> list[bytes]:
    """The directories that are not inside another of them, sorted."""
    kept: list[bytes] = []
    # With the trailing slash a directory sorts directly before everything in it.
    for directory in sorted(directories, key=lambda path: path + b"/"):
        if not (kept and directory.startswith(kept[-1] + b"/")):
            kept.append(directory)
    return kept


def _within(path: bytes, directories: set[bytes]) -> bool:
    """Whether ``path`` is below one of the directories."""
    if not directories:
        return False
    while path:
        path = path.rpartition(b"/")[0]
        if path in directories:
            return True
    return b"/" in directories
