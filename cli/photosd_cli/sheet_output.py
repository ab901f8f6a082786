"""Where a contact sheet goes: a user's file, stdout, or a private place and the browser."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from photosd.core.errors import BadRequest, PhotosdError
from photosd.core.outputs import check_output, write_output
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import attached, console, openers, paths
from photosd_cli.contact_sheet import Sheet, pixels_for, render
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.protocol.replies import QueryResult, ThumbnailResult

KEPT = 20  # sheets in the private place
STDOUT = "-"
MADE_BY_US = b'<meta name="generator" content="photosd'


def show(client: Client, result: QueryResult, file: str, *, weak: bool, opened: bool) -> None:
    """Write the sheet of an answer; ``file`` is its path, `-`, or empty for a private one.

    The path is printed; a private sheet is opened, another one if ``opened``.
    """
    if file == STDOUT:
        console.out(render(_sheet(client, result, weak=weak)), end="")
        return
    place = checked(file) if file else _private_place()
    page = render(_sheet(client, result, weak=weak)).encode()
    home, mode = Home.from_environment(), 0o666 if file else 0o600
    write_output(place, page, home, mark=MADE_BY_US, mode=mode)
    paths.write({"path": str(place)})
    console.flush()
    if opened or not file:
        openers.open_files([os.fsencode(place)])


def _sheet(client: Client, result: QueryResult, *, weak: bool) -> Sheet:
    hits = result["hits"]
    pictures: list[ThumbnailResult | PhotosdError] = []
    with Bar("contact sheet") as bar:
        for picture in client.thumbnails([paths.raw(hit) for hit in hits], pixels_for(len(hits))):
            pictures.append(picture)
            bar.say(f"{len(pictures):,}/{len(hits):,}")
    return Sheet(result, pictures, weak)


def checked(file: str) -> Path:
    """The path of the user's file; raises BadRequest, OutputRefused.

    Its suffix must be that of a page. Only a contact sheet is replaced.
    """
    place = Path(os.fsdecode(paths.absolute(file)))
    if place.suffix.lower() not in attached.PAGES or place.is_dir():
        raise BadRequest(f"{file} is not the name of a page", remedy="--html=sheet.html")
    check_output(place, Home.from_environment(), mark=MADE_BY_US)
    return place


def _private_place() -> Path:
    """A new name among the sheets of this home; the oldest are deleted."""
    directory = Home.from_environment().sheets
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    for old in sorted(directory.glob("*.html"))[: -KEPT + 1]:
        with contextlib.suppress(OSError):
            old.unlink()
    return directory / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}.html"
