"""Secrets taken out of text before anybody is shown it: passwords, keys and tokens."""

from __future__ import annotations

import re

REMOVED = "<removed>"
NAMES = (
    r"(?:[\w-]*(?:api[_-]?key|secret|passwd|password|passphrase|access[_-]?key|auth[_-]?token"
    r"|access[_-]?token|refresh[_-]?token|client[_-]?secret|sig|signature|goog-api-key)"
    r"|key|token|pwd)"
)
PATTERNS = (
    # user:password@ or token@ in a URL
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/?#\"'<>]*@"), rf"\1{REMOVED}@"),
    # ?key=… and &token=… in a URL, and the fragment of a signed one
    (re.compile(rf"(?i)([?&]{NAMES}=)[^&\s\"'#]+"), rf"\1{REMOVED}"),
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)(?:\w+\s+)?[^\s\"',;]{6,}"
        ),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}"), rf"\1 {REMOVED}"),
    (re.compile(r"(?i)\b((?:set-)?cookie[\"']?\s*[:=]\s*[\"']?)[^\n\"']+"), rf"\1{REMOVED}"),
    # password = …, "api_key": "…", X-Goog-Api-Key: …
    (
        re.compile(
            rf"(?i)(?<![\w?&-])({NAMES}[\"']?\s*[=:]\s*[\"']?)(?!{REMOVED})[^\s\"',;&]{{4,}}"
        ),
        rf"\1{REMOVED}",
    ),
    # the shapes of well-known keys
    (
        re.compile(
            r"\b(?:AIza[\w-]{20,}|AQ\.[\w-]{20,}|ya29\.[\w.-]{20,}|hf_\w{20,}|sk-[\w-]{20,}"
            r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abposr]-[\w-]{10,}"
            r"|(?:AKIA|ASIA)[0-9A-Z]{16}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,})"
        ),
        REMOVED,
    ),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        REMOVED,
    ),
)
# What none of the patterns can match without: most text is left alone at once.
HINT = re.compile(
    r"(?i)@|key|token|secret|pass|pwd|auth|bearer|basic|cookie|sig|AIza|AQ\.|ya29|hf_|sk-|gh[pousr]_|github_pat"
    r"|glpat|xox|AKIA|ASIA|eyJ|PRIVATE"
)


def without_secrets(text: str) -> str:
    """``text`` with every password, key and token in it replaced by ``<removed>``."""
    if HINT.search(text) is None:
        return text
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text
