"""Errors shown to users: each has a code, a title, a cause and a remedy."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from photosd.core.secrets import without_secrets


def quoted(path: str | bytes | os.PathLike[str]) -> str:
    """A path as one argument of the shell command in a remedy; odd bytes become \\xNN."""
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "'" + shown.replace("'", "'\\''") + "'"


class PhotosdError(Exception):
    """A failure shown to the user: ``str(error)`` is the cause, ``remedy`` is what to do about it.

    ``code`` is part of the protocol and never changes its meaning; ``exit_code`` is that of the
    command line (1 check failed, 2 usage, 3 not running, 4 warming, 5 daemon error, 6 cloud not
    permitted).
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong inside photosd"
    exit_code: ClassVar[int] = 5

    def __init__(
        self, message: str, *, remedy: str = "photosd logs", retry_after_ms: int | None = None
    ) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.retry_after_ms = retry_after_ms

    def as_dict(self) -> dict[str, Any]:
        """The error object of the protocol."""
        error: dict[str, Any] = {
            "code": self.code,
            "title": self.title,
            "message": without_secrets(str(self)),
            "remedy": without_secrets(self.remedy),
        }
        if self.retry_after_ms is not None:
            error["retry_after_ms"] = self.retry_after_ms
        return error


class BadRequest(PhotosdError):
    """The request cannot be understood or its values are out of range."""

    code, title, exit_code = "bad_request", "Invalid request", 2


class UnknownOp(PhotosdError):
    """The operation does not exist in this version."""

    code, title, exit_code = "unknown_op", "This daemon does not know the operation", 2


class NotRunning(PhotosdError):
    """No daemon answers on the socket."""

    code, title, exit_code = "not_running", "photosd is not running", 3


class Warming(PhotosdError):
    """The model is still loading and the caller's deadline passed."""

    code, title, exit_code = "warming", "The model is still warming up", 4


class EncoderUnavailable(PhotosdError):
    """The encoder is hung, restarting or broken, and nothing else could answer."""

    code, title = "encoder_unavailable", "The encoder cannot answer right now"


class DeadlineExceeded(PhotosdError):
    """The answer was not ready in time."""

    code, title = "deadline_exceeded", "No answer within the deadline"


class Busy(PhotosdError):
    """Too many requests at once."""

    code, title = "busy", "photosd has too many requests waiting"


class Unreachable(PhotosdError):
    """The socket exists but may not or cannot be used."""

    code, title = "unreachable", "photosd cannot be reached"


class FileError(PhotosdError):
    """The operating system refused a file: no space, no permission, a name that is too long."""

    code, title = "file", "A file cannot be read or written"

    @classmethod
    def of(cls, error: OSError) -> FileError:
        """The same error with the file's name."""
        reason = error.strerror or str(error)
        name = error.filename if isinstance(error.filename, str) else ""
        return cls(
            f"{name[:200]}: {reason}" if name else reason,
            remedy="check the path, its permissions and the free space",
        )


class OutputRefused(PhotosdError):
    """A file is not written, because it would replace a file or be among photos."""

    code, title, exit_code = "output", "The file is not written", 2


class FolderError(PhotosdError):
    """A folder cannot be watched, or is not watched."""

    code, title, exit_code = "folder", "Cannot use this folder", 1


class NotFound(PhotosdError):
    """photosd does not know the requested item."""

    code, title, exit_code = "not_found", "Not found", 1


class UnreadablePhoto(PhotosdError):
    """A file is not a photo, or cannot be decoded."""

    code, title, exit_code = "unreadable", "Cannot read this photo", 1


class ModelError(PhotosdError):
    """A model is missing, damaged or not what it claims to be."""

    code, title = "model", "The model cannot be used"


class PlacesUnavailable(PhotosdError):
    """Names of places cannot be looked up: their table is missing, or being made."""

    code, title = "places", "Names of places are not available"


class DownloadFailed(PhotosdError):
    """A model could not be fetched from the hub."""

    code, title = "download", "The model could not be downloaded"


class StorageError(PhotosdError):
    """The catalog or the index cannot be read or written."""

    code, title = "storage", "photosd cannot use its files"


class ConfigError(PhotosdError):
    """A setting is unknown or its value does not fit."""

    code, title, exit_code = "config", "Cannot use this setting", 2


class NotInstalled(PhotosdError):
    """An optional part was requested, and its libraries are not installed."""

    code, title, exit_code = "not_installed", "This part of photosd is not installed", 2


class AlreadyRunning(PhotosdError):
    """Another daemon uses the same directories."""

    code, title, exit_code = "already_running", "photosd is already running", 1


class CloudNotPermitted(PhotosdError):
    """The request would send data without consent, or without a key."""

    code, title, exit_code = "cloud_not_permitted", "Not allowed to send this to Gemini", 6


class CloudUnavailable(PhotosdError):
    """Gemini did not help. ``reason`` is the protocol's ``fallback_reason``:

    offline, deadline, quota, key, auth, model, server, bad_answer, refused, budget, busy,
    nothing_sent.
    """

    code, title = "cloud_unavailable", "Gemini cannot help right now"

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "photosd doctor --cloud",
        retry_after_ms: int | None = None,
        reason: str = "offline",
    ) -> None:
        super().__init__(message, remedy=remedy, retry_after_ms=retry_after_ms)
        self.reason = reason
