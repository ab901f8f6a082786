"""Structured logs: JSON lines in a rotated file, readable lines on a terminal."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from pathlib import Path
from typing import Any

import structlog

LOG_BYTES = 5 << 20
LOG_FILES = 4


def printable(path: str | bytes | os.PathLike[str]) -> str:
    """A path as text that any log, terminal or JSON parser can hold (odd bytes become \\xNN)."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def set_up(level: str, file: Path | None) -> None:
    """Send every log line of this process to ``file`` (rotated) and, on a terminal, to stderr."""
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _survive_odd_bytes,
    ]
    handlers: list[logging.Handler] = []
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                file, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8"
            )
        )
    console = logging.StreamHandler(sys.stderr)
    handlers.append(console)
    for handler in handlers:
        pretty = handler is console and sys.stderr.isatty()
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.dev.ConsoleRenderer() if pretty else renderer,
                ],
                foreign_pre_chain=shared,
            )
        )
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    # Its overflow warning is handled by our watcher; its RuntimeWarnings print whole watch tables.
    logging.getLogger("watchdog").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )


def _survive_odd_bytes(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Lone surrogates (names that are not UTF-8) must never make a log line fail."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isascii():
            event[key] = value.encode("utf-8", "backslashreplace").decode()
        elif isinstance(value, bytes | os.PathLike):
            event[key] = printable(value)
    return event
