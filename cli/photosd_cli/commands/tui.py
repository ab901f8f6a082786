"""`photosd tui`: search while typing, with pictures."""

from __future__ import annotations

import importlib.util
import os

import click

from photosd.core.errors import NotInstalled
from photosd.core.libraries import install_command
from photosd_cli import console

LIBRARY = "textual>=8,<9"  # as in pyproject.toml


@click.command()
@click.argument("words", nargs=-1)
@click.option("--grid", is_flag=True, help="Begin with thumbnails instead of a list.")
@click.option(
    "--lines", is_flag=True, help="Plain lines, for screen readers; also if ACCESSIBLE is set."
)
def command(words: tuple[str, ...], grid: bool, lines: bool) -> None:
    """Search while you type; `photosd` alone starts it, too.

    The arrows move, Enter opens a photo, s finds similar ones, y copies its path, d shows details,
    g switches to thumbnails. -WORD and +2:WORD subtract and add words. Needs the extra `tui`.
    """
    if lines or os.environ.get("ACCESSIBLE") or not console.is_interactive():
        from photosd_cli.tui.lines import Lines

        Lines().run(" ".join(words))
        return
    if importlib.util.find_spec("textual") is None:
        raise NotInstalled("Textual is not installed", remedy=install_command(LIBRARY))
    from photosd_cli.tui.app import run

    run(" ".join(words), grid=grid)
