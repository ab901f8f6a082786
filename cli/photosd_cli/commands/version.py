"""`photosd version`: the version of this command and of the daemon."""

from __future__ import annotations

import contextlib

import click

import photosd
from photosd.core.errors import PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, text
from photosd_cli.group import json_option

ANSWER_SECONDS = 1.0


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Show the version of this command, and of the daemon if it runs."""
    daemon: str | None = None
    with contextlib.suppress(PhotosdError), Client(timeout=ANSWER_SECONDS) as client:
        daemon = client.hello().get("version")
    lines = [f"photosd {photosd.__version__}"]
    if daemon is not None:
        lines.append(f"daemon  {text.inert(daemon)}")
    console.answer({"photosd": photosd.__version__, "daemon": daemon}, as_json, *lines)
