"""`photosd purge`: delete deleted photos' data, or cached queries, now."""

from __future__ import annotations

import click

from photosd.protocol.client import Client
from photosd_cli import console, text
from photosd_cli.group import json_option


@click.command()
@click.option(
    "--queries", is_flag=True, help="Delete all cached queries, and last answers, instead."
)
@json_option
def command(queries: bool, as_json: bool) -> None:
    """Forget deleted photos now instead of after 30 days.

    Until then a disk that comes back, or a restored file, needs no indexing. This also deletes
    thumbnails, contact sheets kept by photosd, last answers of terminals, renamed damaged stores
    and lists, and the daemon's log. Deleted data is erased from photosd's files at once; in
    libraries of more than about 65,000 photos vectors are erased later, in the background.
    """
    with Client() as client:
        result = client.purge(queries)
    if queries:
        number = result.get("queries", 0)
        told = f"{text.count(number, 'cached query', 'cached queries')} forgotten"
    else:
        number = result["removed"]
        told = f"{text.count(number, 'photo')} forgotten"
    none = f"No {'cached queries' if queries else 'deleted photos'} to forget"
    console.answer(result, as_json, told if number else none)
