"""`photosd bugreport`: all that helps to find a fault, in one file, with nothing personal in it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from photosd.core.errors import BadRequest
from photosd.core.paths import Home
from photosd_cli import console, text
from photosd_cli.group import json_option


@click.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The file to write (.tar.gz)."
)
@json_option
def command(output: Path | None, as_json: bool) -> int:
    """Pack logs, versions, status and the doctor's findings; paths and queries are taken out.

    Nothing is sent anywhere. Works without the daemon, too.
    """
    from photosd.doctor.bugreport import write_report

    archive = output or Path(time.strftime("photosd-bugreport-%Y%m%d-%H%M%S.tar.gz"))
    try:
        names = write_report(Home.from_environment(), archive)
    except FileExistsError as error:
        raise BadRequest(f"{archive} exists already", remedy="name another with -o") from error
    if as_json:
        console.out_json({"file": os.fspath(archive.absolute()), "contents": names})
    else:
        console.out(text.inert(os.fspath(archive)))
        console.note(f"{len(names)} files without paths, names or queries; look before you send it")
    return 0
