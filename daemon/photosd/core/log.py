"""Structured logs: JSON lines in a rotated file; readable on a terminal and in the journal."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import logging.handlers
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from photosd.core.secrets import without_secrets

LOG_BYTES = 5 << 20
LOG_FILES = 4


def printable(path: str | bytes | os.PathLike[str]) -> str:
    """A path as text that any log, terminal or JSON parser can hold (odd bytes become \\xNN)."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def set_up(level: str, file: Path | None) -> None:
    """Write every log line of this process to ``file`` (rotated) and, on a terminal, to stderr."""
    renderer = _json()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _survive_odd_bytes,
        _without_secrets,
    ]
    handlers: list[logging.Handler] = []
    kind = _console_kind()
    if file is not None:
        with contextlib.suppress(OSError):  # a full disk must not keep the daemon from starting
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                file,
                maxBytes=LOG_BYTES,
                backupCount=LOG_FILES - 1,
                delay=True,  # opened at the first line
                encoding="utf-8",
                errors="backslashreplace",  # lone surrogates, at any depth of a value
            )
        )
    console = logging.StreamHandler(sys.stderr)
    if kind != "none":
        handlers.append(console)
    for handler in handlers:
        final = RENDERERS[kind]() if handler is console else renderer
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    final,
                ],
                foreign_pre_chain=shared,
            )
        )
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    # Our watcher handles its overflow warning; its RuntimeWarnings print whole watch tables.
    logging.getLogger("watchdog").setLevel(logging.ERROR)
    structlog.configure(
        # The level is set on the root logger, so that it can be changed.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        cache_logger_on_first_use=True,
    )


def set_level(level: str) -> None:
    """Log this level and above from now on."""
    logging.getLogger().setLevel(level.upper())


def erase_log() -> None:
    """Delete this process's log files, rotated ones included; logging continues in new ones.

    Copies in the journal, a terminal or launchd's file are not touched.
    """
    for handler, file in _files():
        with contextlib.suppress(OSError), handler.lock or contextlib.nullcontext():
            handler.close()
            for old in file.parent.glob(file.name + "*"):
                old.unlink()


def expire_log(before: float) -> None:
    """Delete rotated log files that end before this time (Unix seconds); rotate one that begins
    before it.
    """
    for handler, file in _files():
        with contextlib.suppress(OSError), handler.lock or contextlib.nullcontext():
            for old in file.parent.glob(file.name + ".*"):
                if old.stat().st_mtime < before:
                    old.unlink()
            if _begun_at(file) < before:
                handler.doRollover()


def _files() -> list[tuple[logging.handlers.RotatingFileHandler, Path]]:
    return [
        (handler, Path(handler.baseFilename))
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.handlers.RotatingFileHandler)
    ]


def _begun_at(file: Path) -> float:
    """When the first line of a log was written, Unix seconds; raises OSError."""
    with file.open("rb") as stream:
        line = stream.readline()
    try:
        return datetime.datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return 0.0  # a line without a date counts as old


def _console_kind() -> str:
    """Kind of stderr: a terminal, systemd's journal, launchd's file (never rotated), or other."""
    if sys.stderr.isatty():
        return "terminal"
    if os.environ.get("PHOTOSD_SELF_CHECK") == "exit":
        return "none"
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return "json"
    ours = os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"  # systemd.exec(5)
    return "journal" if ours else "json"


def _json() -> Any:
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _journal_line(_logger: Any, _method: str, event: structlog.typing.EventDict) -> str:
    """One line in the journal's format: ``<4>event key=value``; the journal adds the time."""
    level = PRIORITIES.get(str(event.pop("level", "info")), 6)
    event.pop("timestamp", None)
    stack = str(event.pop("exception", None) or "")
    words = [str(event.pop("event", "")), *(f"{key}={value}" for key, value in event.items())]
    lines = [" ".join(words).replace("\n", "\\n"), *stack.splitlines()]
    return "\n".join(f"<{level}>{line}" for line in lines)


PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # sd-daemon(3)
RENDERERS: dict[str, Callable[[], Any]] = {
    "terminal": structlog.dev.ConsoleRenderer,
    "journal": lambda: _journal_line,
    "json": _json,
    "none": _json,
}


def _survive_odd_bytes(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Lone surrogates (names that are not UTF-8) must not make a log line fail."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isascii():
            event[key] = value.encode("utf-8", "backslashreplace").decode()
        elif isinstance(value, bytes | os.PathLike):
            event[key] = printable(value)
    return event


def _without_secrets(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key, value in event.items():
        event[key] = _clean(value)
    return event


def _clean(value: Any) -> Any:
    """``value`` with secrets removed from every text in it."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {key: _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
