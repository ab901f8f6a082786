"""`photosd demo`: see everything work in under a minute."""

from __future__ import annotations

from pathlib import Path

import click

from photosd_cli import console

ENOUGH = 0.8


@click.command()
@click.option(
    "--photos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Use these photos; they are only read.",
)
@click.option("--query", "queries", multiple=True, metavar="TEXT", help="Ask this, too.")
def command(photos: Path | None, queries: tuple[str, ...]) -> int:
    """See it work: pictures, queries, a new photo, a model that hangs.

    Everything happens in a temporary home that is removed at the end; a daemon of yours is left
    alone. Exit code 0: enough questions were answered rightly, "sunset" among them.
    """
    from photosd_cli.demo.story import tell

    outcome = tell(None if photos is None else photos.absolute(), queries)
    if not outcome.asked:
        return 0
    good = outcome.sunset and outcome.right >= ENOUGH * outcome.asked
    console.out("it works" if good else "too many questions were answered wrongly")
    return 0 if good else 1
