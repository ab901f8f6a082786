"""Runs one query, or one per line, and reports the result (no click, for speed)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import photosd
from photosd.core.errors import BadRequest, NotRunning, PhotosdError
from photosd.ipc.client import Client
from photosd_cli import answers, console, failure, text
from photosd_cli.wish import Asked, Wish

if TYPE_CHECKING:
    from photosd.ipc.replies import QueryResult


def ask(asked: Asked, wish: Wish) -> int:
    """Run one query from the command line; returns the exit code."""
    with Client() as client:
        result = _answer(client, asked, wish)
        code = answers.show(client, result, wish)
    _warn_of_skew(result, wish)
    return code


def ask_each(queries: Iterable[str], asked: Asked, wish: Wish) -> int:
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
                result = _answer(client, asked._replace(text=query), wish)
            except NotRunning:
                raise
            except PhotosdError as error:
                worst = max(worst, error.exit_code)
                results.append({"query": query, "error": error.as_dict()})
                _show_error(error, query, wish)
                continue
            worst = max(worst, answers.exit_code(result))
            results.append(last := result)
            _show_one_of_many(client, result, wish)
            console.flush()
    if wish.form == "json":
        console.out_json({"results": results})
    if last is not None:
        _warn_of_skew(last, wish)
    return worst


def _warn_of_skew(result: QueryResult, wish: Wish) -> None:
    """Warn if the running daemon is older than this command, as after an upgrade.

    Programs that read JSON see it in the result.
    """
    theirs = result.get("daemon_version")
    if theirs != photosd.__version__ and wish.form not in ("json", "jsonl"):
        from photosd_cli.report import version_skew

        console.flush()
        console.warn(version_skew(theirs) or "")


def _show_one_of_many(client: Client, result: QueryResult, wish: Wish) -> None:
    if wish.form == "table":
        console.out(console.styled(text.inert(result["query"]), "bold", sys.stdout))
    if wish.form != "json":
        answers.show(client, result, wish)


def _show_error(error: PhotosdError, query: str, wish: Wish) -> None:
    if wish.form == "jsonl":
        console.out(console.as_json({"query": query, "error": error.as_dict()}))
    elif wish.form != "json":
        failure.report(error, as_json=False)


def _answer(client: Client, asked: Asked, wish: Wish) -> QueryResult:
    # A word cannot contain bytes that are not UTF-8.
    readable = asked.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
    if not (readable or asked.terms or asked.cursor):
        raise BadRequest("the query is empty", remedy='photosd query "sunset"')
    asked = asked._replace(text=readable)
    return client.query(limit=wish.limit, deadline_ms=wish.deadline_ms, **asked._asdict())
