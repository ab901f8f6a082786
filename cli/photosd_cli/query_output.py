"""What `photosd query` and `similar` print: a table for people, other formats for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from photosd.protocol import QUERY_DEADLINE_MS
from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.shown_hits import shown_hits

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit, QueryResult

STYLE_OF = {"strong": "green", "fair": "", "weak": "dim"}
MIN_TABLE = 60  # columns of a terminal; narrower ones get no dates and notes
MIN_PATH = 16  # columns of a path that is shortened
# Messages for a reply's fallback_reason, in one dim line below the answer.
FALLBACK_REASONS = {
    "offline": "Gemini cannot be reached",
    "deadline": "Gemini was too slow",
    "quota": "Gemini's quota is used up",
    "key": "there is no key for Gemini",
    "auth": "Gemini does not accept the key",
    "model": "Gemini does not know the model",
    "server": "Gemini has an internal error",
    "bad_answer": "Gemini's answer was invalid",
    "refused": "Gemini refused the request",
    "budget": "the monthly budget is spent",
    "busy": "too many requests to Gemini",
    "nothing_sent": "Gemini has no photos yet",
    "consent": "the cloud is not enabled",
    "composed": "only plain descriptions are sent",
    "encoder": "the local model did not answer",
    "storage": "the log of calls cannot be written",
}


class QueryOptions(NamedTuple):
    """How many photos, the deadline, the format, and how to show hits to people."""

    limit: int | None = None  # the setting search.limit
    deadline_ms: int = QUERY_DEADLINE_MS
    form: str = "table"  # table | json | jsonl | paths | print0
    weak: bool | None = None  # None: depends on the format
    preview: str = "off"  # a mode of preview.MODES
    hyperlink: str = "auto"  # a mode of paths.LINK_MODES
    html: str | None = None  # the file of a contact sheet; empty: a private one
    opened: bool = False
    scores: bool = False

    @property
    def with_weak(self) -> bool:
        """Whether to show weak hits: to programs by default, to people on request."""
        return self.form in ("paths", "print0") if self.weak is None else self.weak


def show(
    client: Client,
    result: QueryResult,
    options: QueryOptions,
    earlier: Mapping[str, Any] | None = None,
) -> None:
    """Show one answer in the requested format; ``earlier``: the kept pages before this one."""
    hits = chosen(result, options)
    if options.html is not None:
        from photosd_cli import contact_sheet

        if read_as := text.read_as(result):
            console.note(read_as)
        console.note(summary(result, len(result["hits"])))
        contact_sheet.show(
            client, result, options.html, weak=options.with_weak, opened=options.opened
        )
    elif options.form == "json":
        console.out_json(result)
    elif options.form == "jsonl":
        console.out(console.to_json(result))
    elif options.form in ("paths", "print0"):
        for hit in hits:
            paths.write(hit, end=b"\0" if options.form == "print0" else b"\n")
    else:
        from photosd_cli import last_answer

        first = last_answer.next_number(result, earlier)
        _show_table(client, result, hits, options, first)
        _keep(result, hits, options, earlier)
    if options.opened and options.html is None:
        _open(hits)
    if reason := result["fallback_reason"]:
        why = FALLBACK_REASONS.get(reason, reason)
        mode = result.get("mode_requested", "cloud")
        console.flush()
        console.note(text.inert(f"{mode}: {why}; local results (photosd cloud status)"))


def chosen(result: QueryResult, options: QueryOptions) -> list[Hit]:
    """The hits to show to a person: weak ones only on request."""
    return shown_hits(result, weak=options.with_weak)


def _open(hits: list[Hit]) -> None:
    """Open the first hits, up to a limit."""
    from photosd_cli import openers

    console.flush()
    if len(hits) > openers.MAX_WINDOWS:
        console.note(f"the first {openers.MAX_WINDOWS} are opened; to see all: --html", "")
    openers.open_files([paths.raw(hit) for hit in hits[: openers.MAX_WINDOWS]])


def _show_table(
    client: Client, result: QueryResult, chosen: list[Hit], options: QueryOptions, first: int
) -> None:
    """The table for people: weak hits are counted, and shown on request."""
    rows = table(chosen, options, first)
    if options.preview == "off":
        for row in rows:
            console.out(row)
    else:
        from photosd_cli import preview

        preview.rows(client, chosen, rows, options.preview)
    console.flush()  # on a terminal, print the table before messages on stderr
    for warning in text.warnings_of(result):
        console.warn(warning)
    hidden = len(result["hits"]) - len(chosen)
    if not result["convincing"]:
        more = f"; {hidden:,} weaker, show with --weak" if hidden else ""
        console.note(f"{no_matches(result)}{more}", "")
    elif hidden and not chosen and result["hits"][0]["rank"] > 1:  # a later page
        console.note(f"No more good matches; {hidden:,} weaker", "")
    if read_as := text.read_as(result):
        console.note(read_as)
    console.note(summary(result, len(chosen)))


def _keep(
    result: QueryResult, shown: list[Hit], options: QueryOptions, earlier: Mapping[str, Any] | None
) -> None:
    """Keep the answer for this terminal, and tell how to get the next page."""
    from photosd_cli import last_answer

    kept = last_answer.keep(result, options._asdict(), earlier)
    if result.get("cursor") and shown and shown[-1] is result["hits"][-1]:
        command = "photosd more" if kept else _next_page(result, options)
        console.note(f"more: {command}", whole=True)


def _next_page(result: QueryResult, options: QueryOptions) -> str:
    """The command that shows the next page in the same format; the cursor holds the query."""
    words = ["photosd query --cursor", text.inert(str(result["cursor"]))]
    if options.weak is not None:
        words.append("--weak" if options.weak else "--no-weak")
    if options.deadline_ms != QUERY_DEADLINE_MS:
        words.append(f"--deadline {options.deadline_ms / 1000:g}")
    if options.preview != "off":
        words.append(f"--preview={options.preview}")
    if options.hyperlink != "auto":
        words.append(f"--hyperlink={options.hyperlink}")
    if options.scores:
        words.append("--scores")
    return " ".join(words)


def no_matches(result: QueryResult) -> str:
    """Say that there are no matches, or none yet while photos are being indexed."""
    coverage = result["coverage"]
    if not coverage["pending"]:
        return "No good matches"
    every = text.count(coverage["photos"], "photo")
    being = "is" if coverage["pending"] == 1 else "are"
    return f"No good matches yet: {coverage['pending']:,} of {every} {being} still being indexed"


def table(hits: Sequence[Hit], options: QueryOptions, first: int = 1) -> list[str]:
    """One row per hit: number, strength, score on request, where words matched, date, path.

    ``first``: the number of the first row. On a terminal recent dates are relative, and paths that
    do not fit lose their beginning; a link has the whole path.
    """
    width = console.columns_of(sys.stdout)
    narrow = width is not None and width < MIN_TABLE
    columns = columns_of(hits, first, scores=options.scores, recent=width is not None, brief=narrow)
    rows = []
    for hit, cells in zip(hits, columns, strict=True):
        notes = [] if narrow else notes_of(hit)
        taken = sum(console.cells(cell) + 2 for cell in (*cells, *notes))
        cells[1] = console.styled(cells[1], STYLE_OF.get(hit["strength"], ""))
        room = None if width is None else max(MIN_PATH, width - taken)
        cells.append(paths.linked(hit, options.hyperlink, room))
        rows.append("  ".join([*cells, *(console.styled(note, "dim") for note in notes)]))
    return rows


def columns_of(
    hits: Sequence[Hit],
    first: int = 1,
    *,
    matched: bool = True,
    scores: bool = False,
    recent: bool = False,
    brief: bool = False,
) -> list[list[str]]:
    """The cells before the path: number, strength, score, where words matched, date; empty columns
    are left out. ``first``: the first number; ``matched``: with strengths and where; ``recent``:
    dates of the last week are relative; ``brief``: only number and strength.
    """
    columns = [
        [f"{hit['strength']:<6}" if matched else "" for hit in hits],
        [f"{hit['score']:.3f}" if scores else "" for hit in hits],
        [text.why(hit) if matched else "" for hit in hits],
        [text.recent_day(hit) if recent else text.day(hit) for hit in hits],
    ]
    columns = columns[:1] if brief else columns
    widths = [max(map(len, column), default=0) for column in columns]
    digits = len(str(first + len(hits) - 1))
    return [
        [f"{first + place:>{digits}}"]
        + [f"{column[place]:<{wide}}" for column, wide in zip(columns, widths, strict=True) if wide]
        for place in range(len(hits))
    ]


def notes_of(hit: Hit) -> list[str]:
    """What is shown after the path."""
    notes = [f"({hit['copies']} copies)"] if hit.get("copies", 1) > 1 else []
    if pair := hit.get("pair"):
        names = ", ".join(paths.shown(one["path"]).rpartition("/")[2] for one in pair)
        notes.append(f"(+ {names})")
    return [*notes, "(offline)"] if hit["offline"] else notes


def summary(result: QueryResult, shown: int) -> str:
    coverage = result["coverage"]
    if not coverage["photos"]:
        return "no photos yet: photosd add ~/Pictures"
    parts = [
        f"{text.count(coverage['indexed'], 'photo')} searched",
        f"{result['timings_ms']['total']:.0f} ms",
        result["mode_used"],
    ]
    if shown:
        good = sum(hit["strength"] != "weak" for hit in result["hits"])
        weaker, hidden = len(result["hits"]) - good, len(result["hits"]) - shown
        words = [text.count(good, "good match", "good matches")] if good else []
        if weaker:
            weak = (
                f"{weaker:,} weaker" if good else text.count(weaker, "weak match", "weak matches")
            )
            words.append(weak + (", show with --weak" if hidden else ""))
        parts.insert(0, ", ".join(words))
    if coverage["pending"] and result["convincing"]:
        parts.append(f"{coverage['pending']:,} still to be indexed")
    if coverage["offline_folders"]:
        parts.append(f"{text.count(len(coverage['offline_folders']), 'folder')} offline")
    return " · ".join(parts)
