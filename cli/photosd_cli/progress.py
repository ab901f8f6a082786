"""A progress line on a terminal's stderr; no output elsewhere."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from photosd_cli import console, text

if TYPE_CHECKING:
    from photosd.protocol.replies import Progress

CELLS = 24
REDRAW_SECONDS = 0.1
CLEAR = "\r\x1b[K"


class Bar:
    """A context manager; `show` draws, leaving clears the line so that only results remain."""

    def __init__(self, label: str) -> None:
        self._label = label
        self.visible = console.is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        self._drawn_at = 0.0
        self._words, self._began = "", (0.0, 0)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.visible and self._drawn_at:
            self._write(CLEAR)

    def show(self, progress: Progress, where: str = "") -> None:
        """Draw the progress of indexing; ``where``: the folder being compared."""
        total = progress["photos"]
        done = total - progress["pending"]
        parts = [f"{_cells(done, total)} {done:,}/{total:,}"]
        if progress["rate_per_s"]:
            parts.append(f"{progress['rate_per_s']:.0f}/s")
        if progress["eta_s"] is not None and progress["pending"]:
            parts.append(f"~{text.span(progress['eta_s'])} left")
        if progress.get("paused"):
            parts.append("paused, resume with: photosd resume")
        self.say("  ".join(filter(None, (*parts, where))))

    def amount(self, words: str, done: int, total: int) -> None:
        """Draw how many bytes have arrived, and how fast."""
        now = time.monotonic()
        if words != self._words:
            self._words, self._began = words, (now, done)
        parts = [words, f"{_cells(done, total)} {text.size(done)} of {text.size(total)}"]
        seconds, arrived = now - self._began[0], done - self._began[1]
        if arrived > 0 and seconds > 1:
            speed = arrived / seconds
            parts.append(f"{text.size(speed)}/s  ~{text.span((total - done) / speed)} left")
        self.say("  ".join(parts))

    def say(self, words: str) -> None:
        """Draw any words after the label, rate-limited."""
        now = time.monotonic()
        if not self.visible or now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at = now
        columns = console.columns_of(sys.stderr) or console.USUAL_COLUMNS
        self._write(CLEAR + f"{self._label} {words}"[: columns - 1])

    def _write(self, characters: str) -> None:
        try:
            sys.stderr.write(characters)
            sys.stderr.flush()
        except (OSError, UnicodeEncodeError):
            self.visible = False


def _cells(done: int, total: int) -> str:
    filled = CELLS * done // total if total else 0
    return f"{'━' * filled}{'─' * (CELLS - filled)}"
