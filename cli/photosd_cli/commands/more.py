"""`photosd more`: the next page of the last answer."""

from __future__ import annotations

import click

from photosd.core.errors import NotFound
from photosd_cli import last_answer
from photosd_cli.group import json_option
from photosd_cli.query_output import QueryOptions
from photosd_cli.query_run import QueryRequest, ask


@click.command()
@click.option("-n", "limit", type=click.IntRange(1, 1000), metavar="N", help="Number of photos.")
@json_option
def command(limit: int | None, as_json: bool) -> int:
    """Show the next photos of the last answer in this terminal; numbers continue."""
    kept = last_answer.load()
    result, options = kept["result"], QueryOptions(**kept["options"])
    if not result.get("cursor"):
        raise NotFound("the last answer has no more photos", remedy="photosd last shows it again")
    options = options._replace(limit=limit or options.limit, opened=False)
    if as_json:
        options = options._replace(form="json")
    return ask(QueryRequest(cursor=result["cursor"]), options, earlier=kept)
