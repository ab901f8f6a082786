"""Why a photo could not be decoded, in words for the person who owns it."""

from __future__ import annotations

LOOK = "open the file in another program; if it is damaged there too, restore it from a backup"
LEAVE = "nothing to do; to leave such files out, name them in .photosdignore"
UPDATE = "photosd logs   (and keep the file: it shows what photosd cannot read yet)"


class DecodeFailed(Exception):
    """A photo could not be decoded.

    ``code`` is for programs, ``reason`` and ``remedy`` for people. ``transient``: the cause may
    go away by itself, so trying again later is worth it; otherwise only a changed file is.
    """

    def __init__(self, code: str, reason: str, remedy: str = LOOK, transient: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.remedy, self.transient = code, reason, remedy, transient


class FileGone(DecodeFailed):
    """There is no such file any more."""

    def __init__(self) -> None:
        super().__init__("gone", "the file is not there any more", "nothing to do", True)


class DecoderDied(DecodeFailed):
    """The decoder process crashed or hung on this file; ``stack`` is where, as far as known.

    Transient, because another cause (memory, a kill) may have hit the process: whoever counts two
    such deaths of one file should leave the file alone until it changes.
    """

    def __init__(self, reason: str, stack: str, *, by_others: bool = False) -> None:
        """``by_others``: it was killed, as the kernel does when memory is short."""
        super().__init__("decoder_died", reason, UPDATE, True)
        self.stack, self.by_others = stack, by_others


class Nonsense(DecodeFailed):
    """The decoder's answer makes no sense; says nothing about the file."""

    def __init__(self, why: object = "") -> None:
        reason = f"the decoder's answer makes no sense {why}".strip()
        super().__init__("nonsense", reason, UPDATE, True)


class DecoderUnavailable(DecodeFailed):
    """No decoder process can be started; says nothing about the file."""

    def __init__(self, reason: str) -> None:
        super().__init__("decoder_unavailable", reason, "photosd logs", True)


class NotDelivered(DecoderUnavailable):
    """The disk or share does not answer; says nothing about the file."""

    def __init__(self) -> None:
        super().__init__("its disk or share does not answer")
        self.code, self.remedy = "not_answering", "nothing to do: it is read when it answers again"


class Stopped(DecodeFailed):
    """The pool was stopped before the file's turn was over."""

    def __init__(self) -> None:
        super().__init__("stopped", "photosd was stopped meanwhile", "nothing to do", True)


class TooSlow(DecodeFailed):
    """The caller's own deadline passed; says nothing about the file."""

    def __init__(self) -> None:
        super().__init__(
            "deadline", "there was not enough time to read the photo", "try again", True
        )
