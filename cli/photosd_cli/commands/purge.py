"""`photosd purge`: forget at once what is gone, or what was asked."""

from __future__ import annotations

import click

from photosd.ipc.client import Client
from photosd_cli import console, text
from photosd_cli.group import json_option


@click.command()
@click.option("--queries", is_flag=True, help="Forget all remembered queries instead.")
@json_option
def command(queries: bool, as_json: bool) -> int:
    """Forget photos that are gone now, rather than after 30 days.

    Until then a disk that comes back, or a file that is restored, costs nothing. Thumbnails, the
    contact sheets that photosd keeps, damaged stores and lists that were set aside, and the
    daemon's log are deleted, too, and what was deleted is taken out of photosd's files (of the
    vectors of more than about 65,000 photos: later).
    """
    with Client() as client:
        result = client.purge(queries)
    if as_json:
        console.out_json(result)
    elif queries:
        many = "queries" if (number := result.get("queries", 0)) != 1 else "query"
        console.out(f"{number:,} remembered {many} forgotten")
    else:
        console.out(f"{text.count(result['removed'], 'photo')} forgotten")
    return 0
