"""Removes secrets from text before it is shown: passwords, keys and tokens."""

from __future__ import annotations

import re

REMOVED = "<removed>"
STRONG = (
    r"[\w-]*(?:api(?:[_-]|%5f)?key|secret|passwd|password|passphrase|access[_-]?key"
    r"|(?:secret|signing|encryption)[_-]?key|auth[_-]?token|(?<=[_-])token|access[_-]?token|refresh[_-]?token|client[_-]?secret|private[_-]?key"
    r"|account[_-]?key|sig|signature|goog-api-key)"
)
NAMES = rf"(?:{STRONG}|key|token|pwd)"
HEADERS = r"(?:(?:proxy-)?authorization|(?:set-)?cookie)"
BEFORE = r"(?<![\w?&-])"
# Separators between name and value: =, => or :, and in tuples a comma; b is Python's bytes prefix.
IS = r"[\"']?\s*(?:=>|[=:])\s*"
AND = r"[\"']\s*,\s*b?"
QUOTED = r"([\"'])(?:\\.|(?!\2)[^\\\n])+(?:\2|$)"
PATTERNS = (
    # user:password@ or token@ in a URL, and without its scheme
    (
        # in JSON the slashes may be escaped
        re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,30}:(?:\\?/){2}|(?<![\w:/])//)[^\s/?#\"'<>]*@"),
        rf"\1{REMOVED}@",
    ),
    (
        re.compile(
            r"(?i)(\b[a-z][a-z0-9+.-]{0,30}://)[^\s/?#\"'<>:@]*:(?!\d*(?:[/?#]|$))[^\s\"'<>@]{0,200}@"
        ),
        rf"\1{REMOVED}@",
    ),
    (re.compile(r"(?<![\w/@:.%+-])[A-Za-z][\w.%+-]*:[^\s/@\"'<>:]+@(?=[\w\[])"), f"{REMOVED}@"),
    (re.compile(r"((?:^|\s)(?:-u|--(?:proxy-)?user)[ =]+)[^\s:]+:\S+"), rf"\1{REMOVED}"),
    # ?key=… and &token=… in a URL, and the fragment of a signed one
    (re.compile(rf"(?i)([?&;](?:{NAMES}|auth)=)[^&\s\"'#]+"), rf"\1{REMOVED}"),
    (re.compile(rf"(?im){BEFORE}({HEADERS}(?:{IS}b?|{AND})){QUOTED}"), rf"\1\2{REMOVED}\2"),
    (re.compile(r"(?i)\b((?:proxy-)?authorization\s*:\s*)digest\s[^\n]+"), rf"\1{REMOVED}"),
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)(?:\w+\s+)?[^\s\"',;]{6,}"
        ),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{12,}"), rf"\1 {REMOVED}"),
    (re.compile(r"(?i)\b((?:set-)?cookie[\"']?\s*[:=]\s*[\"']?)[^\n\"']+"), rf"\1{REMOVED}"),
    # password = "…", ('x-goog-api-key', b'…'), in JSON, and in JSON within JSON
    (re.compile(rf"(?im){BEFORE}((?:{NAMES}{IS}b?|{STRONG}{AND})){QUOTED}"), rf"\1\2{REMOVED}\2"),
    (
        re.compile(rf'(?i){BEFORE}({NAMES}\\+"\s*:\s*\\+")[^"\n]+?(?=\\+"|$)'),
        rf"\1{REMOVED}",
    ),
    # password = …, api_key: …, X-Goog-Api-Key: …, --token …
    (
        re.compile(rf"(?i){BEFORE}({NAMES}{IS}[\"']?)(?!{REMOVED})[^\s\"',;&]{{4,}}"),
        rf"\1{REMOVED}",
    ),
    (
        re.compile(rf"(?i)((?<!-)--{NAMES}(?:{AND}|\s+|=)[\"']?)(?!{REMOVED})[^\s\"']{{4,}}"),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"(?i)(?<![\w&-])(pass=[\"']?)[^\s\"',;&]{4,}"), rf"\1{REMOVED}"),  # of mount.cifs
    # the shapes of well-known keys
    (
        re.compile(
            r"\b(?:AIza[\w-]{20,}|AQ\.[\w-]{20,}|ya29\.[\w.-]{20,}|1//0[\w-]{20,}|GOCSPX-[\w-]{16,}"
            r"|hf_\w{20,}|sk-[\w-]{20,}|[rs]k_(?:live|test)_\w{16,}|SG\.[\w-]{16,}\.[\w-]{16,}"
            r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abposr]-[\w-]{10,}"
            r"|npm_\w{20,}|pypi-\w{16,}"
            r"|(?:AKIA|ASIA)[0-9A-Z]{16}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,})"
        ),
        REMOVED,
    ),
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        REMOVED,
    ),
)
# Text without any of these matches no pattern: a quick check for most text.
HINT = re.compile(
    r"(?i)@|key|token|secret|pass|pwd|auth|bearer|basic|cookie|sig|AIza|AQ\.|ya29|hf_|sk-|gh[pousr]_|github_pat"
    r"|glpat|xox|AKIA|ASIA|eyJ|PRIVATE|1//0|GOCSPX|[rs]k_|SG\.|npm_|pypi-|-u |user"
)


def shortened(text: str, most: int) -> str:
    """The first ``most`` characters of ``text`` without secrets; half a secret would not be
    recognised.
    """
    return without_secrets(text)[:most]


def without_secrets(text: str) -> str:
    """``text`` with every password, key and token in it replaced by ``<removed>``."""
    if HINT.search(text) is None:
        return text
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text
