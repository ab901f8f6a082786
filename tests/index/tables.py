"""What the tables of vectors hold on disk, read without the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lancedb
import msgspec

from photosd.index.vectors import FLUSHED, PREFIX


def table(directory: Path, model: str = "test", *, flushed: bool) -> Any:
    """The table of recent or of flushed rows, opened by itself."""
    name = f"{PREFIX}{model}{FLUSHED if flushed else ''}"
    return lancedb.connect(directory).open_table(name)


def recent(directory: Path, model: str = "test") -> set[str]:
    """Contents of recent rows."""
    rows = table(directory, model, flushed=False).search().select(["content"]).to_list()
    return {row["content"] for row in rows}


def states(directory: Path) -> list[Path]:
    """The files that say that codes are whole: none before rows are flushed."""
    return sorted(directory.glob("*/_codes/*/state.json"))


def current(directory: Path, model: str = "test") -> bool:
    """Whether there are codes of the flushed table as it is now."""
    version = table(directory, model, flushed=True).version
    return [msgspec.json.decode(file.read_bytes())["version"] for file in states(directory)] == [
        version
    ]


def outdated(directory: Path, model: str = "test") -> bool:
    """Whether the flushed table has a search index, as in photosd 0.1."""
    indices = table(directory, model, flushed=True).list_indices()
    return any(index.columns != ["content"] for index in indices)
