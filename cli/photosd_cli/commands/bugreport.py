"""`photosd bugreport`: data for a bug report in one file, without personal data."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from photosd.core.errors import BadRequest
from photosd.core.output_files import check_output, write_output
from photosd.core.paths import Home
from photosd_cli import console, text
from photosd_cli.group import json_option

STDOUT = "-"


@click.command()
@click.option(
    "-o", "--output", type=click.Path(), help="The file to write (.tar.gz); `-` is stdout."
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@json_option
def command(output: str | None, force: bool, as_json: bool) -> None:
    """Pack logs, versions, status and doctor findings; paths and queries are removed.

    Nothing is sent. Works without the daemon.
    """
    from photosd.doctor.bugreport import make_report

    home = Home.from_environment()
    if output == STDOUT:
        if as_json:
            raise BadRequest(
                "-o - and --json both write to stdout", remedy="photosd bugreport -o -"
            )
        console.out_bytes(make_report(home)[1])
        return
    archive = Path(output or time.strftime("photosd-bugreport-%Y%m%d-%H%M%S.tar.gz"))
    check_output(archive, home, force=force)
    names, data = make_report(home)
    write_output(archive, data, home, force=force, mode=0o600)
    found = {"file": os.fspath(archive.absolute()), "contents": names}
    console.answer(found, as_json, text.inert(os.fspath(archive)))
    if not as_json:
        console.note(f"{len(names)} files without paths, names or queries; review before sending")
