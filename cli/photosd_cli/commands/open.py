"""`photosd open`: open photos of the last answer in the desktop's program."""

from __future__ import annotations

import click

from photosd.core.errors import BadRequest
from photosd_cli import console, last_answer, openers, text
from photosd_cli.group import json_option, targets


@click.command()
@targets
@json_option
def command(targets: tuple[str, ...], as_json: bool) -> None:
    """Open photos: numbers of the last answer in this terminal (2, 5-7), or paths.

    \b
    photosd "red car"
    photosd open 2 5-7
    """
    files = last_answer.chosen(targets)
    if len(files) > openers.MAX_WINDOWS:
        raise BadRequest(
            f"{len(files)} photos would open {len(files)} windows",
            remedy=f"name at most {openers.MAX_WINDOWS}",
        )
    openers.open_files(files)
    console.answer(last_answer.report(files), as_json, f"opened {text.count(len(files), 'photo')}")
