"""`photosd pause`: let indexing rest."""

from __future__ import annotations

import re
import time

import click

from photosd.ipc.client import Client
from photosd_cli import console
from photosd_cli.group import json_option

PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?")
SECONDS_IN = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


class Span(click.ParamType[float]):
    """A length of time: ``90``, ``30s``, ``10m``, ``2h``, ``1h30m``, ``1d``; seconds."""

    name = "time"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        words = str(value).strip()
        if not re.fullmatch(rf"({PART.pattern}\s*)+", words):
            self.fail(f"{words!r} is no length of time; say 30s, 10m, 2h, 1h30m or 1d")
        seconds = sum(
            float(number) * SECONDS_IN[unit or "s"] for number, unit in PART.findall(words)
        )
        if seconds <= 0:
            self.fail("a pause lasts longer than nothing")
        return seconds


@click.command()
@click.option("--for", "seconds", type=Span(), metavar="TIME", help="As in 30s, 10m, 2h, 1d.")
@json_option
def command(seconds: float | None, as_json: bool) -> int:
    """Stop indexing until `photosd resume`, or for some time. Queries go on."""
    with Client() as client:
        result = client.pause(seconds)
    if as_json:
        console.out_json(result)
        return 0
    until = result["paused_until"]
    when = "`photosd resume`" if until is None else time.strftime("%H:%M", time.localtime(until))
    console.out(f"indexing rests until {when}")
    return 0
