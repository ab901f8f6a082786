"""Parses simple `photosd query` calls without click, which would double the run time."""

from __future__ import annotations

from photosd_cli.query_options import QueryOptions, QueryRequest

FORMS = {"--json": "json", "--jsonl": "jsonl", "--paths": "paths", "-0": "print0"}
MOST = 1000


def plain_query(arguments: list[str]) -> tuple[QueryRequest, QueryOptions] | None:
    """The query and options in these arguments, or None if click must parse them."""
    if arguments[:1] != ["query"]:
        return None
    words: list[str] = []
    options = QueryOptions()
    mode: str | None = None
    rest = iter(arguments[1:])
    for argument in rest:
        if not argument.startswith("-"):
            words.append(argument)
        elif argument in FORMS:
            options = options._replace(form=FORMS[argument])
        elif argument == "--weak":
            options = options._replace(weak=True)
        elif argument == "--local":
            mode = "local"
        elif argument == "-n" and _is_limit(number := next(rest, "")):
            options = options._replace(limit=int(number))
        else:
            return None
    query = " ".join(words)
    return (QueryRequest(query, mode=mode), options) if query.strip() else None


def _is_limit(number: str) -> bool:
    return (
        len(number) <= len(str(MOST))
        and number.isascii()
        and number.isdigit()
        and 1 <= int(number) <= MOST
    )
