"""A query's request to Gemini: runs beside the local search, with a time limit."""

from __future__ import annotations

import concurrent.futures
import time
from concurrent.futures import Future
from typing import Protocol

import msgspec

from photosd.core.clock import Deadline
from photosd.core.errors import CloudNotPermitted, CloudUnavailable, PhotosdError
from photosd.gemini.breaker import Attempt


class GeminiAnswer(msgspec.Struct, frozen=True):
    """Gemini's results so far.

    ``prompts``: English captions to search for with CLIP as well (hybrid). ``nearest``: content ids
    and their cosine among Gemini's own vectors, best first (gemini); not comparable with CLIP's;
    the first ``outstanding`` of them stand out. ``fallback_reason`` is null if ``mode_used`` is the
    requested mode.
    """

    mode_requested: str
    mode_used: str
    fallback_reason: str | None = None
    prompts: list[str] = []
    nearest: list[tuple[str, float]] = []
    outstanding: int = 0


class GeminiFindings(msgspec.Struct, frozen=True):
    """The answer, from the requesting thread."""

    prompts: list[str] = []
    nearest: list[tuple[str, float]] = []
    outstanding: int = 0


class PendingQuestion:
    """A request under way, answered, or declined."""

    def __init__(
        self,
        mode: str,
        future: Future[GeminiFindings] | None,
        until: Deadline,
        attempt: Attempt | None = None,
        limit: float = 0.0,
    ) -> None:
        """``until``: how long a query waits for it; ``limit``: Gemini's time limit."""
        self.mode = mode
        self._future, self._until, self._attempt = future, until, attempt
        self._limit = limit

    def answer(self, deadline: Deadline) -> GeminiAnswer:
        """The results by ``deadline``, or by its own if that is earlier; never raises."""
        if self.mode == "local" or self._future is None:
            return GeminiAnswer(self.mode, "local", None)
        waiting = min(self._until.remaining, deadline.remaining)
        try:
            found = self._future.result(waiting)
        except concurrent.futures.TimeoutError:
            self._missed()
            return GeminiAnswer(self.mode, "local", "deadline")
        except PhotosdError as error:
            return GeminiAnswer(self.mode, "local", reason_of(error))
        except (concurrent.futures.CancelledError, Exception):
            return GeminiAnswer(self.mode, "local", "server")
        return GeminiAnswer(
            self.mode, self.mode, None, found.prompts, found.nearest, found.outstanding
        )

    def _missed(self) -> None:
        """Too late for this query. A failure of Gemini only if it had its full time."""
        if self._attempt is not None and self._until.passed and not self._attempt.probe:
            self._attempt.failed(
                CloudUnavailable(
                    f"Gemini did not answer within {self._limit:g} s", reason="deadline"
                )
            )


class SendPermission(Protocol):
    """Permission to send one query; the only way for the search to send it."""

    def ask(self, text: str, count: int) -> PendingQuestion:
        """Start a request about a query (normalised), for ``count`` contents at most.

        Returns at once; raises CloudNotPermitted for a mode without consent.
        """

    def decline(self, reason: str) -> PendingQuestion:
        """Do not send it in any mode, for this reason."""


def nothing_asked() -> PendingQuestion:
    """The result for a query that stays local."""
    return PendingQuestion("local", None, Deadline.after(0))


def answered(mode: str, found: GeminiFindings | PhotosdError) -> PendingQuestion:
    """A query whose result is already known, good or bad."""
    future: Future[GeminiFindings] = Future()
    if isinstance(found, PhotosdError):
        future.set_exception(found)
    else:
        future.set_result(found)
    return PendingQuestion(mode, future, Deadline(time.monotonic()))


def reason_of(error: PhotosdError) -> str:
    """A ``fallback_reason`` of the protocol."""
    if isinstance(error, CloudUnavailable):
        return error.reason
    return "consent" if isinstance(error, CloudNotPermitted) else "storage"
