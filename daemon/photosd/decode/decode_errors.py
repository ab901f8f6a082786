"""Why a photo could not be decoded, as a message for the user."""

from __future__ import annotations

DAMAGED = "open the file in another program; if it is damaged there too, restore it from a backup"
NO_PHOTO = "no action needed; exclude such files in .photosdignore"
REPORT = "photosd bugreport   (and keep the file)"
UNSUPPORTED = "Convert it to JPEG, or exclude it in .photosdignore"


class DecodeFailed(Exception):
    """A photo could not be decoded.

    ``code`` is for programs, ``reason`` and ``remedy`` for users. ``transient``: the cause may go
    away, so a retry makes sense; otherwise only after the file changes.
    """

    def __init__(
        self, code: str, reason: str, remedy: str = DAMAGED, transient: bool = False
    ) -> None:
        super().__init__(reason)
        self.code, self.reason, self.remedy, self.transient = code, reason, remedy, transient


class TooMuchMemory(DecodeFailed):
    """Decoding it exceeds the limit on memory."""

    def __init__(self, remedy: str) -> None:
        super().__init__("memory", "decoding it takes more memory than a decoder may use", remedy)


class FileGone(DecodeFailed):
    """The file no longer exists."""

    def __init__(self) -> None:
        super().__init__("gone", "the file no longer exists", "no action needed", True)


class DecoderDied(DecodeFailed):
    """The decoder process crashed or hung on this file; ``stack`` is the location, if known.

    Transient, because the cause may be external (memory, a kill): after two such crashes on one
    file the caller should skip the file until it changes.
    """

    def __init__(self, reason: str, stack: str, *, by_others: bool = False) -> None:
        """``by_others``: it was killed from outside, as by the kernel when memory is low."""
        super().__init__("decoder_died", reason, REPORT, True)
        self.stack, self.by_others = stack, by_others


class Nonsense(DecodeFailed):
    """The decoder's answer is invalid; not a property of the file."""

    def __init__(self, why: object = "") -> None:
        reason = f"the decoder's answer is invalid {why}".strip()
        super().__init__("nonsense", reason, REPORT, True)


class DecoderUnavailable(DecodeFailed):
    """No decoder process can be started; not a property of the file."""

    def __init__(self, reason: str) -> None:
        super().__init__("decoder_unavailable", reason, "photosd logs", True)


class NotDelivered(DecoderUnavailable):
    """The disk or share does not respond; not a property of the file."""

    def __init__(self) -> None:
        super().__init__("its disk or share does not respond")
        self.code, self.remedy = (
            "not_answering",
            "no action needed: it is read when it responds again",
        )


class Stopped(DecodeFailed):
    """The pool was stopped before the file was done."""

    def __init__(self) -> None:
        super().__init__(
            "stopped", "photosd was stopped meanwhile", "no action needed: it is retried", True
        )


class TooSlow(DecodeFailed):
    """The caller's deadline passed; not a property of the file."""

    def __init__(self) -> None:
        super().__init__(
            "deadline", "there was not enough time to read the photo", "try again", True
        )
