"""Where a contact sheet goes: a file of the user's, stdout, or a private place and the browser."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from photosd.core.errors import BadRequest, PhotosdError
from photosd.core.paths import Home
from photosd.ipc.client import Client
from photosd_cli import attached, console, openers, paths
from photosd_cli.contact_sheet import Sheet, pixels_for, render
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.ipc.replies import QueryResult, ThumbnailResult

KEPT = 20  # sheets in the private place
STDOUT = "-"


class NotWritten(PhotosdError):
    """The disk does not take it."""

    code, title, exit_code = "not_written", "The contact sheet cannot be written", 1


def show(client: Client, result: QueryResult, file: str, *, weak: bool, opened: bool) -> None:
    """Make the sheet of an answer; ``file`` is its path, `-`, or empty for a private one.

    The path is printed; a private sheet is opened, another one if ``opened``.
    """
    if file == STDOUT:
        console.out(render(_sheet(client, result, weak=weak)), end="")
        return
    place = checked(file) if file else _private_place()
    page = render(_sheet(client, result, weak=weak))
    try:
        _write(place, page, private=not file)
    except OSError as error:
        raise NotWritten(
            f"{place}: {error.strerror or error}", remedy="--html=ELSEWHERE.html"
        ) from error
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
    """The path of the user's file, which must look like a page: nothing else is overwritten.

    Raises BadRequest.
    """
    place = Path(os.fsdecode(paths.absolute(file)))
    if place.suffix.lower() not in attached.PAGES or place.is_dir():
        raise BadRequest(f"{file} is no name for a page", remedy="--html=sheet.html")
    if not place.parent.is_dir():
        raise BadRequest(f"there is no folder {place.parent}", remedy=f"mkdir -p {place.parent}")
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


def _write(place: Path, page: str, *, private: bool) -> None:
    """All of it or nothing; a file that was there stays until the new one is whole."""
    draft = place.with_name(f".{place.name}.{os.getpid()}.new")
    mode = 0o600 if private else 0o666  # less what the umask takes
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(page)
        draft.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
