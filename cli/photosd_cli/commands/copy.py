"""`photosd copy`: put paths, or a picture, of the last answer on the clipboard."""

from __future__ import annotations

import click

from photosd.core.errors import BadRequest
from photosd_cli import console, last_answer, openers, text
from photosd_cli.group import json_option, targets


@click.command()
@targets
@click.option("--picture", is_flag=True, help="Copy one picture itself instead of its path.")
@json_option
def command(targets: tuple[str, ...], picture: bool, as_json: bool) -> None:
    """Copy the paths of photos: numbers of the last answer (2, 5-7), or paths.

    Several paths are copied one per line.
    """
    files = last_answer.chosen(targets)
    if picture and len(files) != 1:
        raise BadRequest("only one picture can be copied", remedy="photosd copy --picture 2")
    if picture:
        openers.copy_picture(files[0])
    else:
        openers.copy_text(b"\n".join(files))
    what = "the picture" if picture else text.count(len(files), "path")
    console.answer(last_answer.report(files), as_json, f"copied {what}")
