"""Stored results, so that an interrupted run continues where it was."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xxhash

from benchmarks.statistics import ForeignLoad

ROOT = Path(__file__).parent.parent
MEASURED = ("daemon/photosd", "cli/photosd_cli", "benchmarks")  # others figures when these change


class Progress:
    """Figures by part, kept in a file as soon as each is there; without a file, for this run."""

    def __init__(self, file: Path | None, settings: dict[str, Any]) -> None:
        self._file, self._key = file, {**settings, "code": code_version()}
        self._parts: dict[str, dict[str, Any]] = {}
        if file is None or not file.exists():
            return
        kept = json.loads(file.read_text())
        if kept["key"] == self._key:
            self._parts = kept["parts"]
        else:
            print(f"{file}: of other code or settings, measured again", file=sys.stderr)

    def part(self, name: str, measure: Callable[[], Any]) -> Any:
        """The figures of this part, measured unless they are there."""
        if name not in self._parts:
            print(f"{name} …", file=sys.stderr, flush=True)
            load, started = ForeignLoad(), time.monotonic()
            figures = measure()
            seconds = round(time.monotonic() - started, 1)
            self._parts[name] = {"figures": figures, "seconds": seconds, "foreign": load.cores()}
            self._keep()
        return self._parts[name]["figures"]

    def machine(self) -> dict[str, Any]:
        """Seconds of each part, and the mean number of cores that others kept busy."""
        seconds = {name: part["seconds"] for name, part in self._parts.items()}
        known = [p for p in self._parts.values() if p["foreign"] is not None]
        total = sum(part["seconds"] for part in known)
        mean = sum(p["foreign"] * p["seconds"] for p in known) / total if total else None
        return {
            "foreign_cores": None if mean is None else round(mean, 2),
            "seconds": seconds,
            "foreign_cores_of": {name: part["foreign"] for name, part in self._parts.items()},
        }

    def over(self) -> None:
        """All is measured and kept elsewhere: the next run begins at the beginning."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _keep(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        beside = self._file.with_suffix(".new")
        beside.write_text(json.dumps({"key": self._key, "parts": self._parts}))
        beside.replace(self._file)


def code_version() -> str:
    """A hash of the code that is measured and of what measures it."""
    found = xxhash.xxh3_64()
    for place in MEASURED:
        for file in sorted((ROOT / place).rglob("*.py")):
            if "runs" not in file.parts:
                found.update(file.read_bytes())
    return found.hexdigest()
