"""`photosd show`: details of one photo, and why it is or is not indexed."""

from __future__ import annotations

import sys

import click

from photosd.protocol.client import Client
from photosd_cli import console, last_answer, photo_facts, text
from photosd_cli.group import PICTURE, json_option

LABEL = 12
WRAPPED = (
    "reason",
    "remedy",
    "place",
    "title",
    "caption",
    "tags",
    "people",
    "sidecars",
    "pair",
    "refused_dates",
)  # not paths, to be copied


@click.command()
@click.argument("path", metavar="PATH|NUMBER", type=PICTURE)
@json_option
def command(path: str, as_json: bool) -> None:
    """Show the photo PATH: its state, the reason, and what to do about it.

    NUMBER: that photo of the last answer in this terminal.
    """
    with Client() as client:
        photo = client.show(last_answer.one(path))
    lines = (
        _line(name, value)
        for name, value in photo_facts.rows_of(photo).items()
        if value is not None
    )
    console.answer(photo, as_json, *lines)


def _line(name: str, value: object) -> str:
    line = f"{name.replace('_', ' '):<{LABEL - 1}} {text.inert(str(value))}"
    return console.fit(line, sys.stdout, hang=LABEL) if name in WRAPPED else line
