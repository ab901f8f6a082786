"""Shows query answers: a table for people, the requested format for programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from photosd.protocol.client import Client
from photosd_cli import console, hyperlinks, paths, text
from photosd_cli.query_options import QueryOptions
from photosd_cli.taken import day

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit, QueryResult

STYLE_OF = {"strong": "green", "fair": "", "weak": "dim"}


def exit_code(result: QueryResult) -> int:
    """0 if the answer is convincing, else 1."""
    return 0 if result["convincing"] else 1


def show(client: Client, result: QueryResult, options: QueryOptions) -> int:
    """Show one answer in the requested format; returns the exit code."""
    _show_hits(client, result, options)
    if reason := result["fallback_reason"]:
        from photosd_cli import cloud_report

        console.flush()
        console.note(cloud_report.fallback(result.get("mode_requested", "cloud"), reason))
    return exit_code(result)


def _show_hits(client: Client, result: QueryResult, options: QueryOptions) -> None:
    if options.seeing.html is not None:
        _show_sheet(client, result, options)
    elif options.form == "json":
        console.out_json(result)
    elif options.form == "jsonl":
        console.out(console.as_json(result))
    elif options.form in ("paths", "print0"):
        for hit in _chosen(result, options):
            paths.write(hit, end=b"\0" if options.form == "print0" else b"\n")
    else:
        _show_table(client, result, options)
    if options.seeing.opened and options.seeing.html is None:
        _open(_chosen(result, options))


def _show_sheet(client: Client, result: QueryResult, options: QueryOptions) -> None:
    from photosd_cli import sheet_output

    console.note(_summary(result, len(_chosen(result, options))))
    seeing = options.seeing
    sheet_output.show(
        client, result, seeing.html or "", weak=options.with_weak, opened=seeing.opened
    )


def _open(hits: list[Hit]) -> None:
    """Open the first hits, up to a limit."""
    from photosd_cli import openers

    console.flush()
    if len(hits) > openers.MOST:
        console.note(f"the first {openers.MOST} are opened; to see all: --html", "")
    openers.open_files([paths.raw(hit) for hit in hits[: openers.MOST]])


def _chosen(result: QueryResult, options: QueryOptions) -> list[Hit]:
    """The hits to show to a person: weak ones only on request."""
    if options.with_weak:
        return result["hits"]
    return [h for h in result["hits"] if h["strength"] != "weak"] if result["convincing"] else []


def _show_table(client: Client, result: QueryResult, options: QueryOptions) -> None:
    """The table for people: weak hits are counted, and shown on request."""
    hits, chosen = result["hits"], _chosen(result, options)
    dated = any(day(hit) for hit in chosen)
    rows = [_row(hit, dated, options) for hit in chosen]
    if options.seeing.preview == "off":
        for row in rows:
            console.out(row)
    else:
        from photosd_cli import preview

        preview.rows(client, chosen, rows, options.seeing.preview)
    console.flush()  # on a terminal, print the table before messages on stderr
    for warning in result["warnings"]:
        console.warn(text.inert(warning))
    if unknown := result["unknown"]:
        console.warn("not understood: " + ", ".join(map(text.inert, unknown)))
    hidden = len(hits) - len(chosen)
    weak = text.count(hidden, "weak one")
    if not result["convincing"]:
        more = f"; {weak}, show with --weak" if hidden else ""
        console.note(f"{_no_matches(result)}{more}", "")
    elif hidden:
        console.note(f"{weak} hidden, show with --weak")
    console.note(_summary(result, len(chosen)))
    if result.get("cursor") and not hidden and chosen:
        console.note(f"more: {_next_page(result, options)}", whole=True)


def _next_page(result: QueryResult, options: QueryOptions) -> str:
    """The command that shows the next page in the same format; the cursor holds the query."""
    words = ["photosd query --cursor", text.inert(str(result["cursor"]))]
    if options.weak is not None:
        words.append("--weak" if options.weak else "--no-weak")
    if options.deadline_ms != QueryOptions().deadline_ms:
        words.append(f"--deadline {options.deadline_ms / 1000:g}")
    if options.seeing.preview != "off":
        words.append(f"--preview={options.seeing.preview}")
    if options.seeing.hyperlink != "auto":
        words.append(f"--hyperlink={options.seeing.hyperlink}")
    return " ".join(words)


def _no_matches(result: QueryResult) -> str:
    """Say that there are no matches, or none yet while photos are being indexed."""
    coverage = result["coverage"]
    if not coverage["pending"]:
        return "No good matches"
    every = text.count(coverage["photos"], "photo")
    being = "is" if coverage["pending"] == 1 else "are"
    return f"No good matches yet: {coverage['pending']:,} of {every} {being} still being indexed"


def _row(hit: Hit, dated: bool, options: QueryOptions) -> str:
    cells = [f"{hit['strength']:<6}", text.score(hit)]
    if dated:
        cells.append(f"{day(hit):<10}")
    cells.append(hyperlinks.linked(paths.shown(hit["path"]), hit, options.seeing.hyperlink))
    if hit.get("copies", 1) > 1:
        cells.append(console.styled(f"({hit['copies']} copies)", "dim", sys.stdout))
    if hit["offline"]:
        cells.append(console.styled("(offline)", "dim", sys.stdout))
    cells[0] = console.styled(cells[0], STYLE_OF.get(hit["strength"], ""), sys.stdout)
    return "  ".join(cells)


def _summary(result: QueryResult, shown: int) -> str:
    coverage = result["coverage"]
    if not coverage["photos"]:
        return "no photos yet: photosd add ~/Pictures"
    parts = [
        f"{shown:,} shown",
        f"{text.count(coverage['indexed'], 'photo')} searched",
        f"{result['timings_ms']['total']:.0f} ms",
        result["mode_used"],
    ]
    if coverage["pending"] and result["convincing"]:
        parts.append(f"{coverage['pending']:,} still to be indexed")
    if coverage["offline_folders"]:
        parts.append(f"{text.count(len(coverage['offline_folders']), 'folder')} offline")
    return " · ".join(parts)
