"""Adds results from Gemini to a local answer if they arrive in time: captions or rankings."""

from __future__ import annotations

import msgspec

from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.gemini.pending_question import PendingQuestion, SendPermission
from photosd.search.embedding import RESERVE_SECONDS, Aspect, QueryEmbedder
from photosd.search.keyboard_layouts import script_of
from photosd.search.paging import Modes
from photosd.search.parsing import Question
from photosd.search.query_cache import normalise
from photosd.search.retrieval import DEEPER, MAX_NAMED, NO_GEMINI, GeminiRanking

COMPOSED = "composed"  # fallback reason for queries that are not plain text
NO_ENCODER = "encoder"  # fallback reason if captions arrived but could not be encoded


class GeminiResults(msgspec.Struct, frozen=True):
    """All aspects to search with, ours included; empty if Gemini adds nothing.

    ``known``: no encoder was needed for them.
    """

    modes: Modes = Modes()
    aspects: list[Aspect] = []
    remote: GeminiRanking = NO_GEMINI
    known: bool = True


class GeminiSearch:
    """Calls Gemini with the permission that a query carries; a query without one stays local."""

    def __init__(self, embedder: QueryEmbedder, scripts: frozenset[str] | None) -> None:
        """``scripts``: those that the model reads; None: any."""
        self._embedder, self._scripts = embedder, scripts

    def ask(self, question: Question, permission: SendPermission | None) -> PendingQuestion | None:
        """Start the request and return at once. Raises CloudNotPermitted for a mode without
        consent.
        """
        if permission is None or not question.words:  # pictures only: Gemini needs text
            return None
        if (text := question.plain) is None:
            return permission.decline(COMPOSED)
        # Filters are applied locally: few of the photos that Gemini finds may pass them.
        narrowed = question.where is not None
        return permission.ask(text, max(question.limit, MAX_NAMED if narrowed else DEEPER))

    def results(
        self, asked: PendingQuestion | None, own: Aspect, deadline: Deadline
    ) -> GeminiResults:
        """Gemini's results, if they arrived in time; ``own``: the query itself."""
        if asked is None:
            return GeminiResults()
        answer = asked.answer(Deadline(deadline.at - 2 * RESERVE_SECONDS))
        modes = Modes(answer.mode_requested, answer.mode_used, answer.fallback_reason)
        own = self._without_noise(own)
        if answer.nearest:
            return GeminiResults(modes, [own], GeminiRanking(answer.nearest, answer.outstanding))
        if not answer.prompts:
            return GeminiResults(modes)
        texts = [normalise(prompt) for prompt in answer.prompts]
        inner = Deadline(deadline.at - RESERVE_SECONDS)
        try:
            embeddings, known = self._embedder.of_texts(texts, inner, cloud=True)
        except PhotosdError:
            return GeminiResults(Modes(modes.requested, "local", NO_ENCODER))
        captions = [Aspect(text, embeddings[text], "rewrite") for text in texts]
        return GeminiResults(modes, [own, *captions], known=known)

    def _without_noise(self, own: Aspect) -> Aspect:
        """Without its embedding if the local model knows none of the words; names still count."""
        if own.embedding is None or (self._reads(own.words) and own.embedding.understood > 0):
            return own
        return Aspect(own.words, None)

    def _reads(self, text: str) -> bool:
        return self._scripts is None or script_of(text) in (None, *self._scripts)
