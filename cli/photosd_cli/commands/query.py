"""`photosd query`: find photos by describing them; what it prints is in `query_output`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from photosd.core.errors import BadRequest
from photosd_cli import console, query_options, query_terms
from photosd_cli.group import PICTURE
from photosd_cli.query_output import QueryOptions
from photosd_cli.query_run import QueryRequest, ask, ask_each

if TYPE_CHECKING:
    from photosd.protocol.requests import Sort, Where


@click.command(cls=query_options.QueryCommand)
@click.argument("text", nargs=-1)
@click.option(
    "--plus", multiple=True, metavar="[N:]WORDS", help="Add words, counted N times: --plus 2:dog."
)
@click.option(
    "--minus", multiple=True, metavar="[N:]WORDS", help="Subtract words; photos of them rank lower."
)
@click.option(
    "--like",
    type=PICTURE,
    multiple=True,
    metavar="[N:]FILE",
    help="Add a picture, any file on this machine.",
)
@click.option(
    "--unlike", type=PICTURE, multiple=True, metavar="[N:]FILE", help="Subtract a picture."
)
@query_options.filters
@click.option("--literal", is_flag=True, help="Do not filter by dates, places and people in TEXT.")
@click.option(
    "--not-date",
    "without",
    flag_value="date",
    multiple=True,
    help="Do not filter by dates in TEXT.",
)
@click.option(
    "--not-place",
    "without",
    flag_value="place",
    multiple=True,
    help="Do not filter by places in TEXT.",
)
@click.option(
    "--not-person",
    "without",
    flag_value="person",
    multiple=True,
    help="Do not filter by people in TEXT.",
)
@click.option(
    "--sort",
    type=click.Choice(["match", "date", "-date"]),
    default="match",
    show_default=True,
    help="Order of good matches: best, oldest, or newest (-date) first.",
)
@click.option("--cursor", metavar="CURSOR", help="Next page of an earlier answer.")
@click.option(
    "--local", "mode", flag_value="local", help="Send nothing, even with the cloud enabled."
)
@click.option(
    "--mode",
    "mode",
    type=click.Choice(["local", "hybrid", "gemini"]),
    help="For this query; needs `photosd cloud enable`.",
)
@query_options.output
def command(
    text: tuple[str, ...],
    plus: tuple[str, ...],
    minus: tuple[str, ...],
    like: tuple[str, ...],
    unlike: tuple[str, ...],
    where: Where | None,
    literal: bool,
    without: tuple[str, ...],
    sort: Sort,
    cursor: str | None,
    mode: str | None,
    every_copy: bool,
    options: QueryOptions,
) -> int:
    """Find photos that match TEXT, best first.

    TEXT is a description in plain words. Dates, places and people in it filter photos, and are
    shown as "read as"; words in quotes do not filter. A single `-` reads queries from stdin, one
    per line. Without TEXT, all photos that pass the filters are found, the newest first.
    Scores depend on the model and are not percentages; the strength (`strong`, `fair`, `weak`)
    is measured for this library. The daemon must be running, else the exit code is 3.

    \b
    photosd query "beach" --plus 2:dog --minus people --like ./x.jpg
    photosd query "Noa at the beach last summer"
    photosd query "beach without Noa"
    photosd query --person Noa --tag beach --sort date
    photosd query "birthday" --in ~/Pictures --since "last summer" --type heic
    """
    terms = [query_terms.words(one, 1) for one in plus]
    terms += [query_terms.words(one, -1) for one in minus]
    terms += [query_terms.picture(one) for one in like]
    terms += [query_terms.picture(one, -1) for one in unlike]
    many = text == ("-",)
    if not many and "-" in text:
        raise BadRequest(
            "`-` reads queries from stdin and takes no other words",
            remedy="photosd query - < queries.txt",
        )
    options = query_options.checked(options, many=many)
    request = QueryRequest("" if many else " ".join(text), terms, where, every_copy)
    request = request._replace(
        cursor=cursor, mode=mode, literal=literal, without=without, sort=sort
    )
    if cursor is not None and (many or request != QueryRequest(cursor=cursor, terms=[])):
        raise BadRequest(
            "a cursor contains its query: nothing can be added",
            remedy=f"photosd query --cursor {cursor}",
        )
    return ask_each(console.stdin_lines(), request, options) if many else ask(request, options)
