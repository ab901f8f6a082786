"""`photosd cloud`: have Gemini help, see what that takes and costs, and end it."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click

from photosd.core.errors import BadRequest, CloudNotPermitted
from photosd.core.outputs import check_output, write_output
from photosd.core.paths import Home
from photosd.ipc.client import Client
from photosd_cli import cloud_report, console, paths, text
from photosd_cli.group import WholeGroup, json_option

STDOUT = "-"


@click.group(cls=WholeGroup)
def command() -> None:
    """Let Gemini help to search, or not: nothing is sent unless you enable it here."""


@command.command("enable")
@click.argument("mode", type=click.Choice(["hybrid", "gemini"]))
@click.option("--agents", is_flag=True, help="Send what agents ask (photosd mcp), too.")
@click.option("--yes", is_flag=True, help="Agree to the terms; for scripts.")
@json_option
def enable(mode: str, agents: bool, yes: bool, as_json: bool) -> int:
    """Say what MODE sends, to whom and for how much; and send it, if you agree.

    hybrid: Gemini rewrites the words of a query as English captions; photos stay here.
    gemini: it also sees small copies of photos, from folders marked by `photosd add --cloud`.
    """
    with Client() as client:
        terms = client.cloud_terms(mode, agents)
        if not as_json:
            for paragraph in terms["terms"]:
                console.note(text.inert(paragraph), "")
        if not yes and not _agreed(as_json):
            raise CloudNotPermitted(
                "you have not agreed to that; nothing is sent",
                remedy=f"photosd cloud enable {mode}{' --agents' if agents else ''} --yes",
            )
        report = client.cloud_enable(mode, terms["digest"], agents)
    if as_json:
        console.out_json(report)
        return 0
    console.out(f"{mode} is on; off again: photosd cloud disable")
    for warning in cloud_report.doubts(report, mode):
        console.warn(text.inert(warning))
    return 0


@command.command("disable")
@json_option
def disable(as_json: bool) -> int:
    """Send nothing any more. What Gemini has answered stays; see `photosd cloud forget`."""
    with Client() as client:
        report = client.cloud_disable()
    if as_json:
        console.out_json(report)
    else:
        console.out("the cloud is off: nothing is sent any more")
    return 0


@command.command("forget")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def forget(yes: bool, as_json: bool) -> int:
    """Send nothing any more, and delete every vector and caption that came from Gemini.

    What Google keeps is not in photosd's hands. The log of calls stays.
    """
    if not yes and not console.asks(
        "Delete everything that came from Gemini?", otherwise="photosd cloud forget --yes"
    ):
        raise click.Abort
    with Client() as client:
        removed = client.cloud_forget()
    if as_json:
        console.out_json(removed)
    else:
        console.out(f"{text.count(removed['removed'], 'vector')} deleted; the cloud is off")
    return 0


@command.command("status")
@json_option
def status(as_json: bool) -> int:
    """What is on, what you agreed to, what it has sent and cost this month."""
    with Client() as client:
        report = client.cloud_status()
    if as_json:
        console.out_json(report)
    else:
        for line in cloud_report.lines(report):
            console.out(line)
    return 0


@command.command("log")
@click.option(
    "-n",
    "limit",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="So many calls at most.",
)
@json_option
def log(limit: int, as_json: bool) -> int:
    """Every call to Gemini, the newest last: when, what for, how much of it, at what price."""
    with Client() as client:
        result = client.cloud_log(limit)
    if as_json:
        console.out_json(result)
        return 0
    for call in reversed(result["calls"]):
        console.out(text.inert(cloud_report.call_line(call)))
    if not result["calls"]:
        console.note("nothing was ever sent", "")
    return 0


@command.command("preview")
@click.argument("path", metavar="PATH", type=click.Path(readable=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="FILE",
    help="Write the exact bytes to a new file; `-` is stdout.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@json_option
def preview(path: str, output: str | None, force: bool, as_json: bool) -> int:
    """The copy of a photo that gemini would send, exactly; nothing is sent by this."""
    if output == STDOUT and as_json:
        raise BadRequest(
            "-o - and --json both write to stdout",
            remedy="leave out `-o -`: the bytes are in jpeg_b64; or write them to a file",
        )
    home = Home.from_environment()
    if output is not None and output != STDOUT:
        check_output(Path(output), home, force=force)  # before the daemon is asked
    with Client() as client:
        found = client.cloud_preview(paths.absolute(path))
    jpeg = base64.b64decode(found["jpeg_b64"])
    if output == STDOUT:
        console.out_bytes(jpeg)
        return 0
    if output is not None:
        write_output(Path(output), jpeg, home, force=force)
    if as_json:
        console.out_json(found)
        return 0
    size = f"{found['width']} x {found['height']} pixels, {text.size(found['bytes'])} of JPEG"
    console.out(f"{size}; no EXIF, no place, no name, no path")
    may = "is" if found["may_be_sent"] else "is not"
    console.out(f"it {may} in a folder marked for the cloud")
    if output is None:
        console.note("see it: photosd cloud preview PATH -o copy.jpg")
    return 0


def _agreed(as_json: bool) -> bool:
    """Whether a person at a terminal says yes."""
    if as_json or not console.is_terminal(sys.stdin):
        return False
    return click.confirm("Do you agree?", default=False, err=True)
