"""The consent file: without it nothing is ever sent."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from photosd.core import typed
from photosd.core.atomic_write import replace_file
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudNotPermitted

log = structlog.get_logger()

FILE = "cloud-consent.json"
# The edition of the terms. Increment it if more is sent, or may be done with the data: consent to
# an earlier edition is void.
EDITION = 2
COVERS = {
    "local": {"local"},
    "hybrid": {"local", "hybrid"},
    "gemini": {"local", "hybrid", "gemini"},
}
# Everything that may be sent has one of these purposes. Everything else cannot be sent: alerts, the
# page, similar photos, warm-up queries, the doctor's test query (search/engine.py, `query`).
Purpose = Literal["query", "agent", "photos", "check"]


class Consent(msgspec.Struct, frozen=True):
    """The mode, address and terms agreed to, and when (Unix seconds).

    ``agents``: whether queries from agents may be sent.
    """

    mode: str = "local"
    base_url: str = ""
    terms: str = ""
    at: float = 0.0
    edition: int = 1  # the first version did not record it
    agents: bool = False

    def covers(self, mode: str, base_url: str, purpose: Purpose) -> bool:
        """Whether ``mode`` may send for this purpose to ``base_url``.

        Gemini's terms include hybrid's.
        """
        if mode == "local":
            return True
        if mode not in COVERS.get(self.mode, set()) or base_url != self.base_url:
            return False
        return self.agents if purpose == "agent" else purpose in ("query", "photos", "check")


class ConsentFile:
    """The consent on disk, mode 0600, beside the settings; a damaged file means none."""

    def __init__(self, config: Path) -> None:
        self.file = config / FILE

    def read(self) -> Consent:
        """The current consent; none if the terms have changed."""
        given = self._given()
        return given if given.edition == EDITION else Consent()

    @property
    def outdated(self) -> Consent | None:
        """A consent to other terms, if there is one."""
        given = self._given()
        return given if given.mode != "local" and given.edition != EDITION else None

    def _given(self) -> Consent:
        try:
            return typed.from_json(self.file.read_bytes(), Consent)
        except FileNotFoundError:
            return Consent()
        except (OSError, msgspec.MsgspecError) as error:
            log.error("consent_unreadable", cause=str(error), remedy="photosd cloud enable MODE")
            return Consent()

    def give(
        self, mode: str, settings: CloudSettings, terms: str, *, agents: bool = False
    ) -> Consent:
        """Record consent; ``terms`` is the digest of the text that was shown."""
        if terms != digest(terms_of(mode, settings, agents=agents)):
            raise CloudNotPermitted(
                "the terms are not the ones that were shown",
                remedy=f"photosd cloud enable {mode}" + (" --agents" if agents else ""),
            )
        consent = Consent(mode, settings.base_url, terms, time.time(), EDITION, agents)
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self.file, msgspec.json.format(msgspec.json.encode(consent)))
        return consent

    def withdraw(self) -> None:
        """Withdraw consent."""
        self.file.unlink(missing_ok=True)


def digest(words: list[str]) -> str:
    """Identifies the text of the terms."""
    return hashlib.blake2b("\n".join(words).encode(), digest_size=8).hexdigest()


def terms_of(mode: str, settings: CloudSettings, *, agents: bool = False) -> list[str]:
    """What is sent, to whom, the price, and how it may be used; one paragraph per line."""
    queries = "the words of every query that you type, except those with --local"
    by_agents = (
        "Also sent: the words of every query from an agent (photosd mcp)."
        if agents
        else "Never sent: alerts (photosd on) and queries from agents (photosd mcp). To send "
        f"those of agents, too: photosd cloud enable {mode} --agents"
    )
    photos = (
        "a small copy (512 pixels at most, no EXIF, no place, no name, no path) of every photo in "
        "the folders that you mark with: photosd add --cloud DIR"
    )
    per_query = 150 * settings.usd_per_million_in / 1e6 + 60 * settings.usd_per_million_out / 1e6
    sent = {
        "hybrid": [
            f"Sent: {queries}. Gemini rewrites them as English captions. Photos are never sent.",
            f"Price: about ${1000 * per_query:.2f} for 1,000 new queries ({settings.text_model}).",
        ],
        "gemini": [
            f"Sent: {queries}; and {photos}.",
            f"Price: about ${10_000 * settings.usd_per_image:.2f} for 10,000 photos, once, "
            f"and almost nothing per query ({settings.embedding_model}).",
        ],
    }
    return [
        *sent[mode],
        by_agents,
        _to_whom(settings.base_url),
        *WHAT_GOOGLE_DOES,
        f"Nothing is sent beyond ${settings.budget_usd:.2f} a month (cloud.budget_usd). Every call "
        "is listed by: photosd cloud log",
        "Disable: photosd cloud disable. Delete local data: photosd cloud forget",
    ]


# From Google's pages on the API's terms, abuse monitoring and logs, November 2026.
WHAT_GOOGLE_DOES = [
    "With a key of the unpaid tier Google may use your data to improve its products, and people "
    "may read it: send nothing private with such a key. In the EEA, Switzerland and the UK Google "
    "requires a paid key.",
    "With a paid key Google says that it does not use your data to improve its products. It keeps "
    "requests and answers for 55 days to detect abuse, and people may read flagged ones.",
    "Projects created since 2026-10-26 store such requests by default, visible to their owner; "
    "photosd sends store=false with each query.",
    "This is what Google's pages said in November 2026. Google's pages are authoritative: "
    "https://ai.google.dev/gemini-api/terms",
]


def _to_whom(base_url: str) -> str:
    if base_url == CloudSettings().base_url:
        return f"To whom: Google, at {base_url}, under your own key."
    return f"To whom: the server at {base_url}, which is not Google's address; with your key."
