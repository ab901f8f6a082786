"""`photosd remove`: stop watching folders."""

from __future__ import annotations

import click

from photosd.protocol.client import Client
from photosd_cli import completed_values, console, paths, text
from photosd_cli.group import PATH, collecting, json_option


@click.command()
@click.argument(
    "directories",
    nargs=-1,
    required=True,
    metavar="DIR...",
    type=PATH,
    shell_complete=completed_values.folders,
)
@json_option
def command(directories: tuple[str, ...], as_json: bool) -> None:
    """Stop watching DIR; its photos leave the index. The files are not touched."""
    with Client() as client, collecting("removed", as_json) as removed:
        for directory in directories:
            folder = client.remove(paths.absolute(directory))
            removed.append(folder)
            if not as_json:
                photos = text.count(folder["photos"], "photo")
                console.out(f"no longer watching {paths.shown(folder['path'])} ({photos})")
