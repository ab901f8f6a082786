"""`photosd purge`: delete deleted photos' data, or remembered queries, now."""

from __future__ import annotations

import click

from photosd.protocol.client import Client
from photosd_cli import console, text
from photosd_cli.group import json_option


@click.command()
@click.option("--queries", is_flag=True, help="Delete all remembered queries instead.")
@json_option
def command(queries: bool, as_json: bool) -> int:
    """Forget deleted photos now instead of after 30 days.

    Until then a disk that comes back, or a restored file, needs no indexing. This also deletes
    thumbnails, contact sheets kept by photosd, damaged stores and lists that were set aside, and
    the daemon's log, and erases deleted data from photosd's files (vectors of more than about
    65,000 photos: later).
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
