"""`photosd pause`: pause indexing."""

from __future__ import annotations

import re

import click

from photosd.protocol.client import Client
from photosd_cli import console, text
from photosd_cli.group import json_option

PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?")
LONGEST = 3650 * 86400.0  # seconds, same limit as in the protocol
SECONDS_IN = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


class Span(click.ParamType[float]):
    """A length of time: ``90``, ``30s``, ``10m``, ``2h``, ``1h30m``, ``1d``; seconds."""

    name = "time"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        words = str(value).strip()
        if not re.fullmatch(rf"({PART.pattern}\s*)+", words):
            self.fail(f"Cannot read the time {words!r}. Use 30s, 10m, 2h, 1h30m or 1d.")
        seconds = sum(
            float(number) * SECONDS_IN[unit or "s"] for number, unit in PART.findall(words)
        )
        if not 0 < seconds <= LONGEST:
            self.fail("Use a time above 0 and of at most 3650d (10 years).")
        return seconds


@click.command()
@click.option(
    "--for", "seconds", type=Span(), metavar="TIME", help="Resume after 30s, 10m, 2h, 1d."
)
@json_option
def command(seconds: float | None, as_json: bool) -> None:
    """Stop indexing until `photosd resume`, or for some time. Queries still work."""
    with Client() as client:
        result = client.pause(seconds)
    paused = f"Indexing paused{text.until(result['paused_until'])}"
    console.answer(result, as_json, f"{paused}. Resume with: photosd resume")
