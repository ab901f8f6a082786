"""`photosd add`: have folders watched and indexed."""

from __future__ import annotations

import click

from photosd.ipc.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import json_option


@click.command()
@click.argument(
    "directories", nargs=-1, required=True, metavar="DIR...", type=click.Path(readable=False)
)
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave these files and folders out.")
@click.option(
    "--cloud/--no-cloud",
    default=None,
    help="Whether the mode gemini may send small copies of its photos; also for a watched DIR.",
)
@json_option
def command(
    directories: tuple[str, ...], exclude: tuple[str, ...], cloud: bool | None, as_json: bool
) -> int:
    """Watch DIR and everything below it; its photos are indexed in the background.

    Nothing leaves this machine by that; --cloud marks DIR for the mode gemini of `photosd cloud`.
    """
    added = []
    with Client() as client:
        for directory in directories:
            folder = client.add(paths.absolute(directory), exclude, cloud)
            added.append(folder)
            if as_json:
                continue
            marked = ", marked for the cloud" if folder.get("cloud") else ""
            console.out(f"watching {paths.shown(folder['path'])}{marked}")
            if folder["reason"]:
                console.warn(text.inert(folder["reason"]))
    if as_json:
        console.out_json({"folders": added})
    else:
        console.note("Indexing in the background. See how far it is: photosd status")
    return 0
