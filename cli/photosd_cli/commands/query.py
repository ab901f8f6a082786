"""`photosd query`: find photos by describing them."""

from __future__ import annotations

import sys

import click

from photosd.core.errors import BadRequest
from photosd_cli import hyperlinks, preview
from photosd_cli.ask import Seeing, Wish, ask, ask_each
from photosd_cli.attached import AttachedValues


@click.command(cls=AttachedValues)
@click.argument("text", nargs=-1)
@click.option(
    "-n",
    "limit",
    type=click.IntRange(1, 1000),
    help="Photos; without it the setting search.limit (20).",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0.05, 600),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for an answer.",
)
@click.option("--weak", is_flag=True, help="Show weak matches, too.")
@click.option("--json", "form", flag_value="json", help="One JSON object on stdout.")
@click.option("--jsonl", "form", flag_value="jsonl", help="One JSON object a line, for each query.")
@click.option("--paths", "form", flag_value="paths", help="Only paths, weak matches included.")
@click.option("-0", "form", flag_value="print0", help="Only paths, each ended by a NUL byte.")
@click.option("form", "--table", flag_value="table", default="table", hidden=True)
@click.option(
    "--preview",
    "thumbnails",
    type=click.Choice(preview.MODES),
    default="off",
    metavar="[=HOW]",
    help="Thumbnails in the terminal: kitty, iterm, blocks, off; alone: what the terminal has.",
)
@click.option(
    "--html",
    metavar="[FILE.html]",
    help="A contact sheet: one page with everything in it. Without FILE it is kept privately"
    " and opened; - is stdout.",
)
@click.option("--open", "opened", is_flag=True, help="Open the photos, or the contact sheet.")
@click.option(
    "--hyperlink",
    type=click.Choice(hyperlinks.MODES),
    default="auto",
    show_default=True,
    help="Paths that can be clicked.",
)
def command(
    text: tuple[str, ...],
    limit: int | None,
    deadline: float,
    weak: bool,
    form: str,
    thumbnails: str,
    html: str | None,
    opened: bool,
    hyperlink: str,
) -> int:
    """Find photos that look like TEXT, the best first.

    TEXT is a description in plain words. A single `-` reads queries from stdin, one a line.
    Scores depend on the model and are not percentages; `strong`, `fair` and `weak` are what
    they mean for this one. Without a running daemon nothing is started: exit code 3.
    """
    seeing = _seeing(form, text == ("-",), thumbnails, html, opened, hyperlink)
    wish = Wish(limit, round(deadline * 1000), form, weak, seeing)
    if text == ("-",):
        return ask_each(sys.stdin, wish)
    return ask(" ".join(text), wish)


def _seeing(
    form: str, many: bool, mode: str, html: str | None, opened: bool, hyperlink: str
) -> Seeing:
    """How to look at the hits; raises BadRequest for what does not go together."""
    if html is not None and (form != "table" or many):
        raise BadRequest(
            "a contact sheet shows one query, and is the only output",
            remedy='photosd query "sunset" --html',
        )
    if html not in (None, "", "-"):
        from photosd_cli import sheet_output

        sheet_output.checked(html)  # before anything is asked
    # Alone, it follows the terminal; programs that read our output get what they always get.
    mode = preview.mode_of(mode) if form == "table" and html is None else "off"
    return Seeing(mode, hyperlink, html, opened)
