"""`photosd similar`: find photos that look like another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from photosd.protocol.client import path_params
from photosd_cli import asking_options, paths, seeing_options
from photosd_cli.ask import ask
from photosd_cli.attached import AttachedValues
from photosd_cli.query_options import QueryOptions, QueryRequest

if TYPE_CHECKING:
    from photosd.protocol.replies import Where


@click.command(cls=AttachedValues)
@click.argument("picture", metavar="PATH", type=click.Path(dir_okay=False, readable=False))
@asking_options.filters
@asking_options.wishes
def command(picture: str, where: Where | None, every_copy: bool, options: QueryOptions) -> int:
    """Find photos that look like the picture PATH, best first.

    PATH is any picture on this machine, in the library or not. The picture and its copies are left
    out. To add or subtract words: `photosd query WORDS --like PATH`.
    """
    term: Any = path_params(paths.absolute(picture))
    options = options._replace(seeing=seeing_options.judged(options.seeing, options.form))
    return ask(QueryRequest(terms=[term], where=where, every_copy=every_copy, others=True), options)
