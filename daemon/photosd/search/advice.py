"""Advice: what Gemini adds to a local answer if it comes in time: captions, or its own ranks."""

from __future__ import annotations

import msgspec

from photosd.cloud.asking import Asked, Outside
from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.search.aspects import NO_REMOTE, Aspect, Remote
from photosd.search.meanings import RESERVE_SECONDS, Meanings
from photosd.search.question import Question
from photosd.search.ranking import Modes
from photosd.search.readings import LATIN, script_of
from photosd.search.remembered import normalise
from photosd.search.retrieval import DEEPER, MOST_NAMED

COMPOSED = "composed"  # the reason where a question is not plain text, which alone is sent
NO_ENCODER = "encoder"  # the reason where captions came and nothing could encode them


class Advice(msgspec.Struct, frozen=True):
    """All ways to look, ours among them; none where there is nothing to add to our own answer.

    ``known``: no encoder was needed for them.
    """

    modes: Modes = Modes()
    aspects: list[Aspect] = []
    remote: Remote = NO_REMOTE
    known: bool = True


class Advisor:
    """Asks Gemini by the way out that a question brings; one that brings none is local."""

    def __init__(self, meanings: Meanings, *, latin_only: bool) -> None:
        self._meanings, self._latin_only = meanings, latin_only

    def ask(self, question: Question, outside: Outside | None) -> Asked | None:
        """Begin to ask; returns at once. Raises CloudNotPermitted for a mode nobody agreed to."""
        if outside is None or not question.words:  # pictures alone: nothing to tell it
            return None
        if (text := question.plain) is None:
            return outside.decline(COMPOSED)
        # Filters stay here: few of the photos that Gemini finds may pass them.
        narrowed = question.where is not None
        return outside.ask(text, max(question.limit, MOST_NAMED if narrowed else DEEPER))

    def hear(self, asked: Asked | None, own: Aspect, deadline: Deadline) -> Advice:
        """What Gemini had to say in time; ``own``: the question itself."""
        if asked is None:
            return Advice()
        heard = asked.help(Deadline(deadline.at - 2 * RESERVE_SECONDS))
        modes = Modes(heard.mode_requested, heard.mode_used, heard.fallback_reason)
        own = self._without_noise(own)
        if heard.nearest:
            return Advice(modes, [own], Remote(heard.nearest, heard.outstanding))
        if not heard.prompts:
            return Advice(modes)
        texts = [normalise(prompt) for prompt in heard.prompts]
        inner = Deadline(deadline.at - RESERVE_SECONDS)
        try:
            meanings, known = self._meanings.of_texts(texts, inner, cloud=True)
        except PhotosdError:
            return Advice(Modes(modes.requested, "local", NO_ENCODER))
        captions = [Aspect(text, meanings[text], "rewrite") for text in texts]
        return Advice(modes, [own, *captions], known=known)

    def _without_noise(self, own: Aspect) -> Aspect:
        """Without its meaning where our model can make nothing of the words; names still count."""
        if own.meaning is None or (self._reads(own.words) and own.meaning.understood > 0):
            return own
        return Aspect(own.words, None)

    def _reads(self, text: str) -> bool:
        return not self._latin_only or script_of(text) in (None, LATIN)
