"""`photosd reveal`: show photos of the last answer in the file manager."""

from __future__ import annotations

import click

from photosd_cli import console, last_answer, openers, text
from photosd_cli.group import json_option, targets


@click.command()
@targets
@json_option
def command(targets: tuple[str, ...], as_json: bool) -> None:
    """Show photos in the file manager: numbers of the last answer (2, 5-7), or paths."""
    files = last_answer.chosen(targets)
    openers.reveal_files(files)
    console.answer(last_answer.report(files), as_json, f"shown: {text.count(len(files), 'photo')}")
