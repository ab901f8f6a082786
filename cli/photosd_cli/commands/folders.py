"""`photosd folders`: the watched folders, and accepting an emptied one."""

from __future__ import annotations

import sys

import click

from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.commands.status import folder_lines
from photosd_cli.group import PATH, WholeGroup, json_option


@click.group(cls=WholeGroup, invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List watched folders, with state and number of photos."""
    if context.invoked_subcommand is not None:
        return
    with Client() as client:
        result = client.folders()
    if as_json:
        console.out_json(result)
    elif result["folders"]:
        heading = console.is_terminal(sys.stdout)
        for line in folder_lines(result["folders"], heading=heading):
            console.out_wrapped(line, hang=2)
    else:
        console.note("No folder is watched. Add one with: photosd add ~/Pictures", "")


@command.command("accept")
@click.argument("path", metavar="DIR", type=PATH)
@json_option
def accept(path: str, as_json: bool) -> None:
    """Accept DIR as it is now: photos that are missing from it leave the index.

    For a folder in the state `offline (empty)`: it was emptied, or another directory is in its
    place.
    """
    with Client() as client:
        accepted = client.accept(paths.absolute(path))
    where, photos = paths.shown(accepted["path"]), text.count(accepted["photos"], "photo")
    console.answer(accepted, as_json, f"{where}: it held {photos}; comparing it again")
