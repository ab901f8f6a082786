"""Parses simple `photosd query` calls without click, which would double the run time."""

from __future__ import annotations

from photosd_cli.wish import Asked, Wish

FORMS = {"--json": "json", "--jsonl": "jsonl", "--paths": "paths", "-0": "print0"}
MOST = 1000


def plain_query(arguments: list[str]) -> tuple[Asked, Wish] | None:
    """The query and options in these arguments, or None if click must parse them."""
    if arguments[:1] != ["query"]:
        return None
    words: list[str] = []
    wish = Wish()
    mode: str | None = None
    rest = iter(arguments[1:])
    for argument in rest:
        if not argument.startswith("-"):
            words.append(argument)
        elif argument in FORMS:
            wish = wish._replace(form=FORMS[argument])
        elif argument == "--weak":
            wish = wish._replace(weak=True)
        elif argument == "--local":
            mode = "local"
        elif argument == "-n" and _is_limit(number := next(rest, "")):
            wish = wish._replace(limit=int(number))
        else:
            return None
    query = " ".join(words)
    return (Asked(query, mode=mode), wish) if query.strip() else None


def _is_limit(number: str) -> bool:
    return (
        len(number) <= len(str(MOST))
        and number.isascii()
        and number.isdigit()
        and 1 <= int(number) <= MOST
    )
