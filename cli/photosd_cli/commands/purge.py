"""`photosd purge`: forget at once what is gone."""

from __future__ import annotations

import click

from photosd.ipc.client import Client
from photosd_cli import console, text
from photosd_cli.group import json_option


@click.command()
@json_option
def command(as_json: bool) -> int:
    """Forget photos that are gone now, rather than after 30 days.

    Until then a disk that comes back, or a file that is restored, costs nothing.
    """
    with Client() as client:
        result = client.purge()
    if as_json:
        console.out_json(result)
    else:
        console.out(f"{text.count(result['removed'], 'photo')} forgotten")
    return 0
