"""Runs `photosd query` and `similar`: one query, or one per line. Without click, which would double
the run time of simple queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from photosd.core.errors import BadRequest, NotRunning, PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, query_output, text
from photosd_cli.query_output import QueryOptions

if TYPE_CHECKING:
    from photosd.protocol.replies import QueryResult
    from photosd.protocol.requests import Sort, Term, Where

FORMS = {"--json": "json", "--jsonl": "jsonl", "--paths": "paths", "-0": "print0"}
MAX_RESULTS = 1000


class QueryRequest(NamedTuple):
    """Words with terms to add and subtract and filters; or the cursor of the next page."""

    text: str = ""
    terms: Sequence[Term] = ()
    where: Where | None = None
    every_copy: bool = False
    others: bool = False
    cursor: str | None = None
    mode: str | None = None  # local | hybrid | gemini; None: the configured one
    literal: bool = False
    without: Sequence[str] = ()  # kinds that are not read in the text: date, place, person
    sort: Sort = "match"


def plain_query(arguments: list[str]) -> tuple[QueryRequest, QueryOptions] | None:
    """The query and options in the arguments of `photosd query`; None if click must parse them."""
    words: list[str] = []
    options = QueryOptions()
    mode: str | None = None
    literal = False
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            words.append(argument)
        elif argument in FORMS:
            options = options._replace(form=FORMS[argument])
        elif argument == "--weak":
            options = options._replace(weak=True)
        elif argument == "--local":
            mode = "local"
        elif argument == "--scores":
            options = options._replace(scores=True)
        elif argument == "--literal":
            literal = True
        elif argument == "-n" and _is_limit(number := next(rest, "")):
            options = options._replace(limit=int(number))
        else:
            return None
    query = " ".join(words)
    request = QueryRequest(query, mode=mode, literal=literal)
    return (request, options) if query.strip() else None


def _is_limit(number: str) -> bool:
    is_short = len(number) <= len(str(MAX_RESULTS))
    return is_short and number.isascii() and number.isdigit() and 1 <= int(number) <= MAX_RESULTS


def ask(
    request: QueryRequest, options: QueryOptions, earlier: Mapping[str, object] | None = None
) -> int:
    """Run one query from the command line; returns the exit code. ``earlier``: pages before it."""
    with Client() as client:
        result = _answer(client, request, options)
        query_output.show(client, result, options, earlier)
    if options.form not in ("json", "jsonl"):  # programs see the version in the result
        console.warn_of_skew(result.get("daemon_version"))
    return 0 if result["convincing"] else 1


def ask_each(queries: Iterable[str], request: QueryRequest, options: QueryOptions) -> int:
    """Run one query per line, each with the same options; returns the worst exit code.

    A failed query does not stop the next ones. With `--json` all results are in one object, in
    order.
    """
    worst = 0
    results: list[Mapping[str, object]] = []
    last: QueryResult | None = None
    with Client() as client:
        for query in filter(None, (line.strip() for line in queries)):
            try:
                result = _answer(client, request._replace(text=query), options)
            except NotRunning:
                raise
            except PhotosdError as error:
                worst = max(worst, error.exit_code)
                results.append({"query": query, "error": error.as_dict()})
                if options.form == "jsonl":
                    console.out(console.to_json(results[-1]))
                elif options.form != "json":
                    console.report(error, as_json=False)
                continue
            worst = max(worst, 0 if result["convincing"] else 1)
            results.append(last := result)
            if options.form == "table":
                console.out(console.styled(text.inert(result["query"]), "bold"))
            if options.form != "json":
                query_output.show(client, result, options)
            console.flush()
    if options.form == "json":
        console.out_json({"results": results})
    if last is not None and options.form not in ("json", "jsonl"):
        console.warn_of_skew(last.get("daemon_version"))
    return worst


def _answer(client: Client, request: QueryRequest, options: QueryOptions) -> QueryResult:
    # A word cannot contain bytes that are not UTF-8.
    readable = request.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
    filtered = request.where or request.sort != "match"
    if not (readable or request.terms or request.cursor or filtered):
        raise BadRequest("the query is empty", remedy='photosd query "sunset"')
    request = request._replace(text=readable)
    return client.query(limit=options.limit, deadline_ms=options.deadline_ms, **request._asdict())
