"""Options of commands that show hits, and which of them can be combined."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from photosd.core.errors import BadRequest
from photosd_cli import hyperlinks, preview
from photosd_cli.query_options import Seeing

OPTIONS = (
    click.option(
        "--preview",
        type=click.Choice(preview.MODES),
        default="off",
        metavar="[=HOW]",
        help="Thumbnails in the terminal: kitty, iterm, blocks, off; without HOW: detected.",
    ),
    click.option(
        "--html",
        type=click.Path(readable=False, allow_dash=True),
        metavar="[FILE.html]",
        help="A contact sheet: one self-contained page. Without FILE it is kept privately"
        " and opened; - is stdout.",
    ),
    click.option("--open", "opened", is_flag=True, help="Open the photos, or the contact sheet."),
    click.option(
        "--hyperlink",
        type=click.Choice(hyperlinks.MODES),
        default="auto",
        show_default=True,
        help="Print clickable paths.",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add these options to a command; it receives them as ``seeing``. Its class: AttachedValues."""

    @functools.wraps(command)
    def with_seeing(
        *arguments: Any, preview: str, html: str | None, opened: bool, hyperlink: str, **more: Any
    ) -> Any:
        return command(*arguments, seeing=Seeing(preview, hyperlink, html, opened), **more)

    decorated: Callable[..., Any] = with_seeing
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    return decorated


def judged(seeing: Seeing, form: str, *, many: bool = False) -> Seeing:
    """The options, checked against ``form`` and the terminal; raises BadRequest.

    ``many``: several queries run one after another.
    """
    if seeing.html is not None and (form != "table" or many):
        raise BadRequest(
            "a contact sheet shows one query, and is the only output",
            remedy='photosd query "sunset" --html',
        )
    if seeing.html not in (None, "", "-"):
        from photosd_cli import sheet_output

        sheet_output.checked(seeing.html)  # before any query runs
    # Output for programs does not change.
    plain = form != "table" or seeing.html is not None
    return seeing._replace(preview="off" if plain else preview.mode_of(seeing.preview))
