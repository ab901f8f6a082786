"""`photosd add`: watch and index folders."""

from __future__ import annotations

import contextlib
import os
import time

import click

from photosd.core.errors import PhotosdError
from photosd.core.macos import explanation
from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.commands.status import skipped
from photosd_cli.group import PATH, collecting, json_option

LOOK_SECONDS = 1.0  # wait for the first photos to be found; a large folder takes longer
POLL_SECONDS = 0.1


@click.command()
@click.argument("directories", nargs=-1, required=True, metavar="DIR...", type=PATH)
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Exclude these paths (.gitignore syntax)."
)
@click.option(
    "--cloud/--no-cloud",
    default=None,
    help="Allow the mode gemini to send small copies of these photos; also for a watched DIR.",
)
@json_option
def command(
    directories: tuple[str, ...], exclude: tuple[str, ...], cloud: bool | None, as_json: bool
) -> None:
    """Watch DIR and everything below it; its photos are indexed in the background.

    This sends nothing; --cloud marks DIR for the mode gemini of `photosd cloud`.
    """
    named = [paths.absolute(directory) for directory in directories]
    if asked := explanation(map(os.fsdecode, named)):
        console.note(asked)
    with Client() as client, collecting("folders", as_json) as added:
        for directory in named:
            folder = client.add(directory, exclude, cloud)
            added.append(folder)
            if as_json:
                continue
            marked = ", marked for the cloud" if folder.get("cloud") else ""
            console.out(f"watching {paths.shown(folder['path'])}{marked}")
            if folder["reason"]:
                console.warn(text.inert(folder["reason"]))
    if not as_json:
        found = _found([folder["path"] for folder in added])
        console.note(f"{found}Indexing in the background. See progress: photosd status --watch")


def _found(folders: list[str]) -> str:
    """The number of photos found in these folders after a short wait, as a sentence.

    Prints which photo libraries are skipped.
    """
    until = time.monotonic() + LOOK_SECONDS
    with contextlib.suppress(PhotosdError), Client(timeout=LOOK_SECONDS) as client:
        while True:
            status = client.status()
            busy = {comparison["path"] for comparison in status.get("comparisons", ())}
            photos = sum(f["photos"] for f in status["folders"] if f["path"] in folders)
            if time.monotonic() > until or (photos and not busy.intersection(folders)):
                for folder in status["folders"]:
                    if folder["path"] in folders:
                        for line in skipped(folder):
                            console.note(text.inert(line))
                eta = status["index"]["eta_s"] if status["index"]["pending"] else None
                takes = f", about {text.span(eta)} to index" if eta else ""
                return f"{text.count(photos, 'photo')} found so far{takes}. "
            time.sleep(POLL_SECONDS)
    return ""
