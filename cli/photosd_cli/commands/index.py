"""`photosd index`: compare every folder now, and wait until everything is indexed."""

from __future__ import annotations

import contextlib
import time

import click

from photosd.core.errors import PhotosdError
from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import json_option
from photosd_cli.progress import Bar

ASK_SECONDS = 1.0
UNCHECKED = ("offline", "no_permission")


@click.command()
@click.option("--wait", is_flag=True, help="Wait until nothing is left to index.")
@json_option
def command(wait: bool, as_json: bool) -> None:
    """Check all folders for changes now.

    The daemon notices changes by itself; use this to be sure, and with --wait in scripts. Photos
    that cannot be read are counted; the exit code is 0.
    """
    with Client() as client, Bar("indexing") as bar:
        folder = _Folder()
        for progress in client.rescan(wait):
            bar.show(progress, folder.now() if bar.visible else "")
        away = 0 if as_json else _away(client)
    done = f"{text.count(progress['indexed'], 'photo')} indexed"
    if progress["pending"]:
        done += f", {progress['pending']:,} to go"
    if progress["failed"]:
        done += f", {progress['failed']:,} failed (see: photosd failures)"
    if progress.get("paused"):
        done += f"; indexing is paused{text.until(progress.get('paused_until'))}"
        done += ", resume with: photosd resume"
    console.answer(progress, as_json, done)
    if away:
        console.note(f"{text.count(away, 'folder')} could not be checked, see: photosd folders")


class _Folder:
    """The folder that is being compared, asked for once a second."""

    def __init__(self) -> None:
        self._asked_at, self._shown = 0.0, ""

    def now(self) -> str:
        """Its path, short; empty if none is compared."""
        if time.monotonic() - self._asked_at > ASK_SECONDS:
            self._asked_at = time.monotonic()
            # A connection that streams progress cannot send other requests.
            with contextlib.suppress(PhotosdError), Client(timeout=ASK_SECONDS) as client:
                compared = [paths.shown(one["path"]) for one in client.status()["comparisons"]]
                self._shown = compared[0] if compared else ""
        return self._shown


def _away(client: Client) -> int:
    """The number of folders that are offline or may not be read."""
    return sum(one["state"] in UNCHECKED for one in client.folders()["folders"])
