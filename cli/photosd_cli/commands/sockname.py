"""`photosd sockname`: the daemon's socket."""

from __future__ import annotations

import os

import click

from photosd.core.socketpath import socket_path
from photosd_cli import console
from photosd_cli.group import json_option


@click.command()
@json_option
def command(as_json: bool) -> None:
    """Print the path of the daemon's socket, for nc, socat and your own programs."""
    path = os.fspath(socket_path())
    console.answer({"socket": path}, as_json, path)
