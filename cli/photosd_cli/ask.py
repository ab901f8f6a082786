"""`photosd query`: what is asked, and how the answers are shown (no click, for speed)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from photosd.core.errors import BadRequest, NotRunning, PhotosdError
from photosd.ipc.client import Client
from photosd_cli import console, failure, hyperlinks, paths, text

if TYPE_CHECKING:
    from photosd.ipc.replies import Hit, QueryResult

STYLE_OF = {"strong": "green", "fair": "", "weak": "dim"}


class Seeing(NamedTuple):
    """How hits are to be looked at, beside the lines of the table."""

    preview: str = "off"  # a mode of preview.MODES
    hyperlink: str = "auto"  # a mode of hyperlinks.MODES
    html: str | None = None  # the file of a contact sheet; empty: a private one
    opened: bool = False


class Wish(NamedTuple):
    """How many photos are wanted, how soon, and in which form."""

    limit: int | None = None  # the setting search.limit
    deadline_ms: int = 3000
    form: str = "table"  # table | json | jsonl | paths | print0
    weak: bool = False
    seeing: Seeing = Seeing()


def ask(query: str, wish: Wish) -> int:
    """One query from the command line; the exit code."""
    with Client() as client:
        return _show(client, _answer(client, query, wish), wish)


def ask_each(queries: Iterable[str], wish: Wish) -> int:
    """One query a line; the worst exit code. One that fails does not keep the next from answers.

    With `--json` all results are in one object, in order.
    """
    worst = 0
    results: list[Mapping[str, object]] = []
    with Client() as client:
        for query in filter(None, (line.strip() for line in queries)):
            try:
                result = _answer(client, query, wish)
            except NotRunning:
                raise
            except PhotosdError as error:
                worst = max(worst, error.exit_code)
                results.append({"query": query, "error": error.as_dict()})
                _show_error(error, query, wish)
                continue
            worst = max(worst, _exit_code(result))
            results.append(result)
            _show_one_of_many(client, result, wish)
            console.flush()
    if wish.form == "json":
        console.out_json({"results": results})
    return worst


def _show_one_of_many(client: Client, result: QueryResult, wish: Wish) -> None:
    if wish.form == "table":
        console.out(console.styled(text.inert(result["query"]), "bold", sys.stdout))
    if wish.form != "json":
        _show(client, result, wish)


def _show_error(error: PhotosdError, query: str, wish: Wish) -> None:
    if wish.form == "jsonl":
        console.out(json.dumps({"query": query, "error": error.as_dict()}, ensure_ascii=False))
    elif wish.form != "json":
        failure.report(error, as_json=False)


def _answer(client: Client, query: str, wish: Wish) -> QueryResult:
    # What is not UTF-8 in an argument cannot be part of a word.
    readable = query.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
    if not readable:
        raise BadRequest("the query is empty", remedy='photosd query "sunset"')
    return client.query(readable, wish.limit, wish.deadline_ms)


def _exit_code(result: QueryResult) -> int:
    return 0 if result["convincing"] else 1


def _show(client: Client, result: QueryResult, wish: Wish) -> int:
    if wish.seeing.html is not None:
        _show_sheet(client, result, wish)
    elif wish.form == "json":
        console.out_json(result)
    elif wish.form == "jsonl":
        console.out(json.dumps(result, ensure_ascii=False))
    elif wish.form in ("paths", "print0"):
        for hit in result["hits"]:
            paths.write(hit, end=b"\0" if wish.form == "print0" else b"\n")
    else:
        _show_table(client, result, wish)
    if wish.seeing.opened and wish.seeing.html is None:
        _open(_chosen(result, wish))
    return _exit_code(result)


def _show_sheet(client: Client, result: QueryResult, wish: Wish) -> None:
    from photosd_cli import sheet_output

    console.note(_summary(result, len(_chosen(result, wish))))
    seeing = wish.seeing
    sheet_output.show(client, result, seeing.html or "", weak=wish.weak, opened=seeing.opened)


def _open(hits: list[Hit]) -> None:
    """Open the first hits; more windows than anybody can want are not opened."""
    from photosd_cli import openers

    console.flush()
    if len(hits) > openers.MOST:
        console.note(f"the first {openers.MOST} are opened; all on one page: --html", "")
    openers.open_files([paths.raw(hit) for hit in hits[: openers.MOST]])


def _chosen(result: QueryResult, wish: Wish) -> list[Hit]:
    """The hits a person gets to see: weak ones only if asked for."""
    if wish.weak:
        return result["hits"]
    return [h for h in result["hits"] if h["strength"] != "weak"] if result["convincing"] else []


def _show_table(client: Client, result: QueryResult, wish: Wish) -> None:
    """The table for people: weak hits are counted, not shown, unless asked for."""
    hits, chosen = result["hits"], _chosen(result, wish)
    dated = any(hit["taken_at"] is not None for hit in chosen)
    rows = [_row(hit, dated, wish) for hit in chosen]
    if wish.seeing.preview == "off":
        for row in rows:
            console.out(row)
    else:
        from photosd_cli import preview

        preview.rows(client, chosen, rows, wish.seeing.preview)
    console.flush()  # stdout and stderr meet on a terminal: the table first
    for warning in result["warnings"]:
        console.warn(text.inert(warning))
    if result["unknown"]:
        console.warn("not understood: " + text.inert(", ".join(result["unknown"])))
    hidden = len(hits) - len(chosen)
    if not result["convincing"]:
        more = f"; {hidden} weak ones, show with --weak" if hidden else ""
        console.note(f"nothing convincing{more}", "")
    elif hidden:
        console.note(f"{hidden} weak ones are hidden, show with --weak")
    console.note(_summary(result, len(chosen)))


def _row(hit: Hit, dated: bool, wish: Wish) -> str:
    cells = [f"{hit['strength']:<6}", f"{hit['score']:.3f}"]
    if dated:
        cells.append(f"{day(hit['taken_at']):<10}")
    cells.append(hyperlinks.linked(paths.shown(hit["path"]), hit, wish.seeing.hyperlink))
    if hit["offline"]:
        cells.append(console.styled("(offline)", "dim", sys.stdout))
    cells[0] = console.styled(cells[0], STYLE_OF.get(hit["strength"], ""), sys.stdout)
    return "  ".join(cells)


def day(taken_at: float | None) -> str:
    """The date of a photo; nothing where it has none."""
    try:
        return "" if taken_at is None else time.strftime("%Y-%m-%d", time.localtime(taken_at))
    except (OverflowError, OSError, ValueError):  # a date beyond what this machine's clock knows
        return ""


def _summary(result: QueryResult, shown: int) -> str:
    coverage = result["coverage"]
    if not coverage["photos"]:
        return "there are no photos yet: photosd add ~/Pictures"
    parts = [
        f"{shown:,} of {text.count(coverage['indexed'], 'photo')}",
        f"{result['timings_ms']['total']:.0f} ms",
        result["mode_used"],
    ]
    if coverage["pending"]:
        parts.append(f"{coverage['pending']:,} still to be indexed")
    if coverage["offline_folders"]:
        parts.append(f"{text.count(len(coverage['offline_folders']), 'folder')} offline")
    return " · ".join(parts)
