"""The options of every command whose hits can be looked at, and what of them goes together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from photosd.core.errors import BadRequest
from photosd_cli import hyperlinks, preview
from photosd_cli.wish import Seeing

OPTIONS = (
    click.option(
        "--preview",
        type=click.Choice(preview.MODES),
        default="off",
        metavar="[=HOW]",
        help="Thumbnails in the terminal: kitty, iterm, blocks, off; alone: what it has.",
    ),
    click.option(
        "--html",
        type=click.Path(readable=False, allow_dash=True),
        metavar="[FILE.html]",
        help="A contact sheet: one page with everything in it. Without FILE it is kept privately"
        " and opened; - is stdout.",
    ),
    click.option("--open", "opened", is_flag=True, help="Open the photos, or the contact sheet."),
    click.option(
        "--hyperlink",
        type=click.Choice(hyperlinks.MODES),
        default="auto",
        show_default=True,
        help="Paths that can be clicked.",
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets them as ``seeing``. Its class: AttachedValues."""

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
    """What will be done, as ``form`` and the terminal allow; raises BadRequest.

    ``many``: several queries are answered, one after another.
    """
    if seeing.html is not None and (form != "table" or many):
        raise BadRequest(
            "a contact sheet shows one query, and is the only output",
            remedy='photosd query "sunset" --html',
        )
    if seeing.html not in (None, "", "-"):
        from photosd_cli import sheet_output

        sheet_output.checked(seeing.html)  # before anything is asked
    # Programs that read our output get what they always get.
    plain = form != "table" or seeing.html is not None
    return seeing._replace(preview="off" if plain else preview.mode_of(seeing.preview))
