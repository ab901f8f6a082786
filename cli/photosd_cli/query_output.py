"""What `photosd query` and `similar` print: a table for people, other formats for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from photosd.protocol import QUERY_DEADLINE_MS
from photosd.protocol.client import Client
from photosd_cli import console, paths, text

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit, QueryResult

STYLE_OF = {"strong": "green", "fair": "", "weak": "dim"}
SCORE_WIDTH = 5  # columns of a score
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

    @property
    def with_weak(self) -> bool:
        """Whether to show weak hits: to programs by default, to people on request."""
        return self.form in ("paths", "print0") if self.weak is None else self.weak


def show(client: Client, result: QueryResult, options: QueryOptions) -> None:
    """Show one answer in the requested format."""
    chosen = _chosen(result, options)
    if options.html is not None:
        from photosd_cli import contact_sheet

        if read_as := text.read_as(result):
            console.note(read_as)
        console.note(_summary(result, len(chosen)))
        contact_sheet.show(
            client, result, options.html, weak=options.with_weak, opened=options.opened
        )
    elif options.form == "json":
        console.out_json(result)
    elif options.form == "jsonl":
        console.out(console.to_json(result))
    elif options.form in ("paths", "print0"):
        for hit in chosen:
            paths.write(hit, end=b"\0" if options.form == "print0" else b"\n")
    else:
        _show_table(client, result, chosen, options)
    if options.opened and options.html is None:
        _open(chosen)
    if reason := result["fallback_reason"]:
        why = FALLBACK_REASONS.get(reason, reason)
        mode = result.get("mode_requested", "cloud")
        console.flush()
        console.note(text.inert(f"{mode}: {why}; local results (photosd cloud status)"))


def _chosen(result: QueryResult, options: QueryOptions) -> list[Hit]:
    """The hits to show to a person: weak ones only on request."""
    if options.with_weak:
        return result["hits"]
    return [h for h in result["hits"] if h["strength"] != "weak"] if result["convincing"] else []


def _open(hits: list[Hit]) -> None:
    """Open the first hits, up to a limit."""
    from photosd_cli import openers

    console.flush()
    if len(hits) > openers.MAX_WINDOWS:
        console.note(f"the first {openers.MAX_WINDOWS} are opened; to see all: --html", "")
    openers.open_files([paths.raw(hit) for hit in hits[: openers.MAX_WINDOWS]])


def _show_table(
    client: Client, result: QueryResult, chosen: list[Hit], options: QueryOptions
) -> None:
    """The table for people: weak hits are counted, and shown on request."""
    dated = any(text.day(hit) for hit in chosen)
    width = max((len(text.score(hit)) for hit in chosen), default=0)
    rows = [_row(hit, dated, width, options) for hit in chosen]
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
    weak = text.count(hidden, "weak one")
    if not result["convincing"]:
        more = f"; {weak}, show with --weak" if hidden else ""
        console.note(f"{_no_matches(result)}{more}", "")
    elif hidden:
        console.note(f"{weak} hidden, show with --weak")
    if read_as := text.read_as(result):
        console.note(read_as)
    console.note(_summary(result, len(chosen)))
    if result.get("cursor") and not hidden and chosen:
        console.note(f"more: {_next_page(result, options)}", whole=True)


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
    return " ".join(words)


def _no_matches(result: QueryResult) -> str:
    """Say that there are no matches, or none yet while photos are being indexed."""
    coverage = result["coverage"]
    if not coverage["pending"]:
        return "No good matches"
    every = text.count(coverage["photos"], "photo")
    being = "is" if coverage["pending"] == 1 else "are"
    return f"No good matches yet: {coverage['pending']:,} of {every} {being} still being indexed"


def _row(hit: Hit, dated: bool, width: int, options: QueryOptions) -> str:
    cells = [f"{hit['strength']:<6}", f"{text.score(hit):<{max(width, SCORE_WIDTH)}}"]
    if dated:
        cells.append(f"{text.day(hit):<10}")
    cells.append(paths.linked(hit, options.hyperlink))
    if hit.get("copies", 1) > 1:
        cells.append(console.styled(f"({hit['copies']} copies)", "dim"))
    if pair := hit.get("pair"):
        names = ", ".join(paths.shown(one["path"]).rpartition("/")[2] for one in pair)
        cells.append(console.styled(f"(+ {names})", "dim"))
    if hit["offline"]:
        cells.append(console.styled("(offline)", "dim"))
    cells[0] = console.styled(cells[0], STYLE_OF.get(hit["strength"], ""))
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
