"""`photosd remove`: stop watching folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photosd.core.errors import PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.commands import completion
from photosd_cli.group import PATH, json_option

if TYPE_CHECKING:
    from photosd.protocol.replies import RemoveResult


@click.command()
@click.argument(
    "directories",
    nargs=-1,
    required=True,
    metavar="DIR...",
    type=PATH,
    shell_complete=completion.folders,
)
@json_option
def command(directories: tuple[str, ...], as_json: bool) -> int:
    """Stop watching DIR; its photos leave the index. The files are not touched."""
    removed: list[RemoveResult] = []
    with Client() as client:
        for directory in directories:
            try:
                folder = client.remove(paths.absolute(directory))
            except PhotosdError as error:
                return console.report(error, as_json, {"removed": removed})
            removed.append(folder)
            if not as_json:
                photos = text.count(folder["photos"], "photo")
                console.out(f"no longer watching {paths.shown(folder['path'])} ({photos})")
    if as_json:
        console.out_json({"removed": removed})
    return 0
