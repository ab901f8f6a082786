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
@click.option("--query", "queries", multiple=True, metavar="TEXT", help="Also run this query.")
def command(photos: Path | None, queries: tuple[str, ...]) -> int:
    """See it work: sample pictures, queries, a new photo, a hung model.

    Runs in a temporary home that is removed at the end; your own daemon is not affected. Exit code
    0: enough queries were answered correctly, "sunset" among them.
    """
    from photosd_cli.demo.scenario import tell

    outcome = tell(None if photos is None else photos.absolute(), queries)
    if not outcome.asked:
        return 0
    good = outcome.sunset and outcome.right >= ENOUGH * outcome.asked
    console.out("it works" if good else "too many queries were answered wrongly")
    return 0 if good else 1
