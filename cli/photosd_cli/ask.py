"""Runs one query, or one per line, and reports the result (no click, for speed)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import photosd
from photosd.core.errors import BadRequest, NotRunning, PhotosdError
from photosd.protocol.client import Client
from photosd_cli import answers, console, failure, text
from photosd_cli.query_options import QueryOptions, QueryRequest

if TYPE_CHECKING:
    from photosd.protocol.replies import QueryResult


def ask(request: QueryRequest, options: QueryOptions) -> int:
    """Run one query from the command line; returns the exit code."""
    with Client() as client:
        result = _answer(client, request, options)
        code = answers.show(client, result, options)
    _warn_of_skew(result, options)
    return code


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
                _show_error(error, query, options)
                continue
            worst = max(worst, answers.exit_code(result))
            results.append(last := result)
            _show_one_of_many(client, result, options)
            console.flush()
    if options.form == "json":
        console.out_json({"results": results})
    if last is not None:
        _warn_of_skew(last, options)
    return worst


def _warn_of_skew(result: QueryResult, options: QueryOptions) -> None:
    """Warn if the running daemon is older than this command, as after an upgrade.

    Programs that read JSON see it in the result.
    """
    theirs = result.get("daemon_version")
    if theirs != photosd.__version__ and options.form not in ("json", "jsonl"):
        from photosd_cli.report import version_skew

        console.flush()
        console.warn(version_skew(theirs) or "")


def _show_one_of_many(client: Client, result: QueryResult, options: QueryOptions) -> None:
    if options.form == "table":
        console.out(console.styled(text.inert(result["query"]), "bold", sys.stdout))
    if options.form != "json":
        answers.show(client, result, options)


def _show_error(error: PhotosdError, query: str, options: QueryOptions) -> None:
    if options.form == "jsonl":
        console.out(console.as_json({"query": query, "error": error.as_dict()}))
    elif options.form != "json":
        failure.report(error, as_json=False)


def _answer(client: Client, request: QueryRequest, options: QueryOptions) -> QueryResult:
    # A word cannot contain bytes that are not UTF-8.
    readable = request.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
    if not (readable or request.terms or request.cursor):
        raise BadRequest("the query is empty", remedy='photosd query "sunset"')
    request = request._replace(text=readable)
    return client.query(limit=options.limit, deadline_ms=options.deadline_ms, **request._asdict())
