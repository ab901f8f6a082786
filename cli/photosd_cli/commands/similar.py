"""`photosd similar`: find photos that look like another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from photosd.protocol.client import path_params
from photosd_cli import last_answer, query_options
from photosd_cli.group import PICTURE
from photosd_cli.query_output import QueryOptions
from photosd_cli.query_run import QueryRequest, ask

if TYPE_CHECKING:
    from photosd.protocol.requests import Where


@click.command(cls=query_options.QueryCommand)
@click.argument("picture", metavar="PATH|NUMBER", type=PICTURE)
@query_options.filters
@query_options.output
def command(picture: str, where: Where | None, every_copy: bool, options: QueryOptions) -> int:
    """Find photos that look like the picture PATH, best first.

    PATH is any picture on this machine, in the library or not; NUMBER is a photo of the last answer
    in this terminal. The picture and its copies are left
    out. To add or subtract words: `photosd query WORDS --like PATH`.
    """
    term: Any = path_params(last_answer.one(picture))
    request = QueryRequest(terms=[term], where=where, every_copy=every_copy, others=True)
    return ask(request, query_options.checked(options))
