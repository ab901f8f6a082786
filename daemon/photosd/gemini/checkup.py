"""Tests Gemini for the doctor: a small call of each kind that the mode uses, without user data."""

from __future__ import annotations

import base64
from collections.abc import Callable

from photosd.core.errors import CloudUnavailable, PhotosdError
from photosd.gemini import rewriter
from photosd.gemini.gate import Charge, Gate
from photosd.protocol.reports import CloudCheck

SECONDS = 15.0
WORDS = "שקיעה מעל הים"
UNANSWERED = ("offline", "deadline")  # the rest is unknown
# A test picture: grey, 8 by 8.
GREY = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4"
    "UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAA"
    "AAAAAAAAAAD/2gAIAQEAAD8AP//Z"
)


def check(gate: Gate, mode: str) -> list[CloudCheck]:
    """Key, address, model and, in gemini, number and size of vectors; the mode is permitted."""
    try:
        found = [_checked("cloud key", True, f"from {gate.key_source(run=True)}")]
    except PhotosdError as error:
        return [_checked("cloud key", False, str(error), error.remedy)]
    tried: list[CloudCheck] = []
    reasons: list[str] = []
    for what, work in CALLS[mode]:
        try:
            tried.append(_checked(what, True, work(gate)))
        except CloudUnavailable as error:
            reasons.append(error.reason)
            tried.append(_checked(what, False, str(error), error.remedy))
            if error.reason in UNANSWERED:
                return [*found, _checked("cloud address", False, str(error), error.remedy)]
    found += [_checked("cloud address", True, f"{gate.settings.base_url} answers"), *tried]
    if "model" in reasons:
        found.append(_other_version(gate.settings.api_version))
    return found


def _checked(what: str, ok: bool, says: str, remedy: str | None = None) -> CloudCheck:
    return CloudCheck(what=what, ok=ok, says=says, remedy=remedy)


def _other_version(now: str) -> CloudCheck:
    other = "v1beta" if now == "v1" else "v1"
    says = f"the model may be known to another version of the interface than {now}"
    return _checked("cloud version", False, says, f"photosd config set cloud.api_version {other}")


def _rewrite(gate: Gate) -> str:
    settings = gate.settings
    price = 300 * settings.usd_per_million_in / 1e6 + 100 * settings.usd_per_million_out / 1e6
    written = gate.send(
        Charge("check", "check", "hybrid", settings.text_model, 1, len(WORDS.encode()), price),
        lambda worker: worker.write(
            settings.text_model, rewriter.INSTRUCTION, WORDS, rewriter.SCHEMA, SECONDS
        ),
        lambda written: written.usd(settings),
    )
    prompts = rewriter.captions(written.text)
    return f"{settings.text_model} reads {WORDS} as {prompts[0]!r}"


def _embed_query(gate: Gate) -> str:
    settings = gate.settings
    price = 100 * settings.usd_per_million_embedded / 1e6
    vector = gate.send(
        Charge("check", "check", "gemini", settings.embedding_model, 1, len(WORDS.encode()), price),
        lambda worker: worker.embed_query(
            settings.embedding_model, WORDS, settings.dimensions, SECONDS
        ),
    )
    return f"{settings.embedding_model}: {len(vector)} numbers for a query"


def _embed_photos(gate: Gate) -> str:
    settings = gate.settings
    vectors = gate.embed_photos([GREY, GREY], SECONDS, kind="check")
    # The worker refuses one vector for two pictures, the result of a misread list.
    return f"{settings.embedding_model}: two photos are two vectors of {vectors.shape[1]} numbers"


CALLS: dict[str, tuple[tuple[str, Callable[[Gate], str]], ...]] = {
    "hybrid": (("cloud text", _rewrite),),
    "gemini": (("cloud query", _embed_query), ("cloud photos", _embed_photos)),
}
