"""Crash reports that macOS wrote about photosd's processes, in DiagnosticReports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from photosd.core import typed
from photosd.core.socketpath import expanded
from photosd.service.units import LABEL

REPORTS = "~/Library/Logs/DiagnosticReports"
LARGEST_BYTES = 8 << 20  # usual ones have 50 kB
FRAMES = 12


@dataclass(frozen=True)
class CrashReport:
    """One report. ``cause``: signal and message; ``stack``: frames of the thread that crashed."""

    file: Path
    process: int
    cause: str
    stack: str


class _Exception(msgspec.Struct):
    type: str = ""
    signal: str = ""


class _Frame(msgspec.Struct, rename="camel"):
    symbol: str = ""
    image_offset: int = 0
    image_index: int = -1


class _Thread(msgspec.Struct):
    triggered: bool = False
    frames: list[_Frame] = []


class _Image(msgspec.Struct):
    name: str = "?"


class _Report(msgspec.Struct, rename="camel"):
    """The fields used from the second line of a report, as written by macOS 12 and later."""

    pid: int
    parent_pid: int = 0
    coalition_name: str = ""
    exception: _Exception = msgspec.field(default_factory=_Exception)
    asi: dict[str, list[str]] = {}  # messages of libraries, such as that of an assertion
    threads: list[_Thread] = []
    used_images: list[_Image] = []

    def cause(self) -> str:
        """``SIGABRT: abort() called``."""
        messages = [message for lines in self.asi.values() for message in lines]
        return ": ".join([self.exception.signal or self.exception.type, *messages[:1]])

    def stack(self) -> str:
        """``library symbol`` of the first frames of the thread that crashed."""
        frames = [frame for thread in self.threads if thread.triggered for frame in thread.frames]
        return "\n".join(
            f"{self._image(f)} {f.symbol or hex(f.image_offset)}" for f in frames[:FRAMES]
        )

    def _image(self, frame: _Frame) -> str:
        known = 0 <= frame.image_index < len(self.used_images)
        return self.used_images[frame.image_index].name if known else "?"


def crash_reports(since: float, daemons: set[int]) -> Iterator[CrashReport]:
    """Reports since a moment (Unix time) about the agent, these daemons and their workers,
    oldest first.
    """
    for file in _files_since(since):
        try:
            # The first line describes the file.
            report = typed.from_json(file.read_bytes().partition(b"\n")[2], _Report)
        except (OSError, msgspec.MsgspecError):
            continue  # of another kind, or unreadable
        ours = report.pid in daemons or report.parent_pid in daemons
        if ours or report.coalition_name == LABEL:
            yield CrashReport(file, report.pid, report.cause(), report.stack())


def _files_since(since: float) -> list[Path]:
    directory, found = expanded(REPORTS), []
    for file in directory.glob("*.ips") if directory.is_dir() else ():
        with contextlib.suppress(OSError):
            state = file.stat()
            if state.st_mtime > since and state.st_size < LARGEST_BYTES:
                found.append((state.st_mtime, file))
    return [file for _, file in sorted(found)]
