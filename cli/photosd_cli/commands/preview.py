"""`photosd preview`: one photo in the terminal, for people and for fzf."""

from __future__ import annotations

import os

import click

from photosd.core.errors import PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, last_answer, preview, text
from photosd_cli.group import PATH, json_option
from photosd_cli.preview import Screen

MODES = tuple(mode for mode in preview.MODES if mode != "off")
JSON_PIXELS = 1280


@click.command()
@click.argument("path", metavar="PATH|NUMBER", type=PATH)
@click.option(
    "--as",
    "mode",
    type=click.Choice(MODES),
    default="auto",
    show_default=True,
    help="Use kitty's or iTerm2's protocol, or half blocks.",
)
@click.option(
    "--size",
    metavar="COLSxROWS",
    help="Size in cells; default: fzf's preview window, or the terminal.",
)
@json_option
def command(path: str, mode: str, size: str | None, as_json: bool) -> None:
    """Show the photo PATH in the terminal, and its metadata.

    \b
    For fzf:  photosd query sunset -0 | fzf --read0 --preview 'photosd preview {}'
    """
    file = last_answer.one(path)
    in_fzf = "FZF_PREVIEW_COLUMNS" in os.environ
    with Client() as client:
        if as_json:
            console.out_json(client.thumbnail(file, JSON_PIXELS))
            return
        room = _room(size)
        mode = preview.mode_of(mode, elsewhere=in_fzf)
        room = room._replace(rows=max(1, room.rows - 1))
        # Fetched even if not shown, so that a file that is not a photo fails.
        seen = preview.picture(client, file, "blocks" if mode == "off" else mode, room)
        if mode != "off":
            console.out(preview.side_by_side([seen], mode), end="")
        console.out(_facts(client, file))


def _room(size: str | None) -> Screen:
    """Cells for the picture and its line: as requested, as set by fzf, else the screen less the
    prompt.
    """
    told = os.environ
    if size is not None:
        return Screen(*preview.size_of(size), preview.screen().cell)
    if "FZF_PREVIEW_COLUMNS" in told:
        return Screen(
            *preview.size_of(f"{told['FZF_PREVIEW_COLUMNS']}x{told.get('FZF_PREVIEW_LINES', 24)}")
        )
    whole = preview.screen()
    return whole._replace(rows=max(2, whole.rows - 1))


def _facts(client: Client, file: bytes) -> str:
    """One line: name, date, size, camera, if known."""
    parts = [text.inert(os.fsdecode(os.path.basename(file)))]  # noqa: PTH119 (bytes)
    try:
        facts = client.show(file)["facts"]
    except PhotosdError:  # not in the library: only its name is known
        return parts[0]
    parts.append(text.day(facts))
    if facts.get("width") and facts.get("height"):
        parts.append(f"{facts['width']} × {facts['height']}")
    parts.append(text.inert(str(facts.get("camera") or "")))
    return " · ".join(filter(None, parts))
