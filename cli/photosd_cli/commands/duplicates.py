"""`photosd duplicates`: copies, and photos that look alike."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import FOLDER
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.protocol.replies import Duplicate, DuplicateGroup


@click.command()
@click.option(
    "--similar", is_flag=True, help="Also photos that look alike: bursts, resaved copies."
)
@click.option(
    "--in", "below", type=FOLDER, metavar="DIR", help="Only photos in this folder or below."
)
@click.option("--json", "form", flag_value="json", help="One JSON object on stdout.")
@click.option(
    "-0",
    "form",
    flag_value="print0",
    help="Only the paths of extra copies, each followed by a NUL byte.",
)
@click.option("form", "--lines", flag_value="lines", default="lines", hidden=True)
def command(similar: bool, below: str | None, form: str) -> None:
    """Find files with the same bytes: the space they take, and which one to keep.

    The one to keep is available, is not named as a copy, and is the oldest. With --similar it is
    the largest picture. Nothing is deleted.
    """
    groups = _groups(similar, None if below is None else paths.absolute(below))
    photos = sum(len(group["photos"]) - 1 for group in groups)
    room = sum(group["bytes"] for group in groups)
    if form == "json":
        console.out_json({"groups": groups, "photos": photos, "bytes": room})
    elif form == "print0":
        _write_paths(groups)
    else:
        for group in groups:
            _show(group)
        console.flush()
        console.note(_summary(len(groups), photos, room, similar), "")


def _groups(similar: bool, below: bytes | None) -> list[DuplicateGroup]:
    """All groups, largest savings first."""
    groups: list[DuplicateGroup] = []
    with Client() as client, Bar("Comparing") as bar:
        for part in client.duplicates(below, similar):
            groups += part["groups"]
            bar.say(f"{part['looked_at']:,} of {part['of']:,} photos" if similar else "")
    return sorted(groups, key=lambda group: -group["bytes"])


def _show(group: DuplicateGroup) -> None:
    for photo in group["photos"]:
        details = ", ".join(_details(photo))
        console.out(f"{photo['relation']:<5}  {paths.linked(photo)}  {details}")
    console.out()


def _details(photo: Duplicate) -> list[str]:
    """Details that help to choose."""
    details = [text.size(photo["size"])]
    if "width" in photo and "height" in photo:
        details.insert(0, f"{photo['width']}×{photo['height']}")
    if photo["relation"] in ("burst", "alike"):
        details.append(f"likeness {photo.get('likeness', 1.0):.2f}")
    return [*details, "its folder is offline"] if photo.get("offline") else details


def _write_paths(groups: list[DuplicateGroup]) -> None:
    """Paths of extra copies that are available; none from a group whose best photo is missing."""
    absent = 0
    for group in groups:
        best, *others = group["photos"]
        # A share that does not respond is not accessed.
        if best.get("offline") or not os.path.isfile(paths.raw(best)):  # noqa: PTH113 (bytes)
            console.warn(f"{text.inert(best['path'])} is missing: its duplicates are left out")
            continue
        for photo in others:
            if not photo.get("offline") and os.path.lexists(paths.raw(photo)):
                paths.write(photo, end=b"\0")
            else:
                absent += 1
    if absent:
        copies = text.count(absent, "extra copy", "extra copies")
        console.warn(f"{copies} left out, not available now: photosd folders")


def _summary(groups: int, photos: int, room: int, similar: bool) -> str:
    if not groups:
        more = "; photosd duplicates --similar also finds photos that look alike"
        return f"no duplicates{'' if similar else more}"
    return (
        f"{text.count(groups, 'group')}: {text.count(photos, 'extra copy', 'extra copies')}"
        f" ({text.size(room)}). Nothing was deleted."
    )
