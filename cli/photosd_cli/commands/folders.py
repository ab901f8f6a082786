"""`photosd folders`: what is watched."""

from __future__ import annotations

import sys

import click

from photosd.ipc.client import Client
from photosd_cli import console
from photosd_cli.group import json_option
from photosd_cli.report import folder_lines


@click.command()
@json_option
def command(as_json: bool) -> int:
    """Every watched folder, its state and how many photos it holds."""
    with Client() as client:
        result = client.folders()
    if as_json:
        console.out_json(result)
    elif result["folders"]:
        if console.is_terminal(sys.stdout):
            console.out(console.styled("folder  state  photos", "dim", sys.stdout))
        for line in folder_lines(result["folders"]):
            console.out(line)
    else:
        console.note("no folder is watched; begin with: photosd add ~/Pictures", "")
    return 0
