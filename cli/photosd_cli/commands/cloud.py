"""`photosd cloud`: enable Gemini, see its status and cost, disable it."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import click

from photosd.core.errors import BadRequest, CloudNotPermitted
from photosd.core.outputs import check_output, write_output
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import cloud_report, console, paths, text
from photosd_cli.group import WholeGroup, json_option

STDOUT = "-"


@click.group(cls=WholeGroup)
def command() -> None:
    """Let Gemini help with searches. Off by default: nothing is sent until you enable it."""


@command.command("enable")
@click.argument("mode", type=click.Choice(["hybrid", "gemini"]))
@click.option("--agents", is_flag=True, help="Also send queries from agents (photosd mcp).")
@click.option("--yes", is_flag=True, help="Accept the terms without asking; for scripts.")
@json_option
def enable(mode: str, agents: bool, yes: bool, as_json: bool) -> int:
    """Show what MODE sends, to whom and at what price; enable it if you agree.

    hybrid: Gemini rewrites the words of a query as English captions; photos stay here. gemini: it
    also receives small copies of photos from folders marked by `photosd add --cloud`.
    """
    with Client() as client:
        terms = client.cloud_terms(mode, agents)
        if not as_json:
            for paragraph in terms["terms"]:
                console.note(text.inert(paragraph), "")
        if not yes and not _agreed(as_json):
            raise CloudNotPermitted(
                "not enabled; nothing is sent",
                remedy=f"photosd cloud enable {mode}{' --agents' if agents else ''} --yes",
            )
        report = client.cloud_enable(mode, terms["digest"], agents)
    if as_json:
        console.out_json(report)
        return 0
    console.out(f"{mode} enabled. Disable it with: photosd cloud disable")
    for warning in cloud_report.doubts(report, mode):
        console.warn(text.inert(warning))
    return 0


@command.command("disable")
@json_option
def disable(as_json: bool) -> int:
    """Stop sending. Gemini's answers are kept; delete them with `photosd cloud forget`."""
    with Client() as client:
        report = client.cloud_disable()
    if as_json:
        console.out_json(report)
    else:
        console.out("Cloud disabled; nothing is sent")
    return 0


@command.command("forget")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def forget(yes: bool, as_json: bool) -> int:
    """Stop sending, and delete all vectors and captions from Gemini.

    photosd cannot delete what Google keeps. The log of calls is kept.
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
        console.out(f"{text.count(removed['removed'], 'vector')} deleted; cloud disabled")
    return 0


@command.command("status")
@json_option
def status(as_json: bool) -> int:
    """Show the mode, your consent, what was sent and this month's cost."""
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
    help="Number of calls.",
)
@json_option
def log(limit: int, as_json: bool) -> int:
    """List every call to Gemini, oldest first: time, purpose, amount, price."""
    with Client() as client:
        result = client.cloud_log(limit)
    if as_json:
        console.out_json(result)
        return 0
    for call in reversed(result["calls"]):
        console.out(text.inert(cloud_report.call_line(call)))
    if not result["calls"]:
        console.note("nothing was sent yet", "")
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
    """Show the exact copy of a photo that gemini would send; nothing is sent."""
    if output == STDOUT and as_json:
        raise BadRequest(
            "-o - and --json both write to stdout",
            remedy="leave out `-o -`: the bytes are in jpeg_b64; or write them to a file",
        )
    home = Home.from_environment()
    if output is not None and output != STDOUT:
        check_output(Path(output), home, force=force)  # check before querying the daemon
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
        console.note("view it: photosd cloud preview PATH -o copy.jpg")
    return 0


def _agreed(as_json: bool) -> bool:
    """Whether the user at the terminal confirms."""
    if as_json or not console.is_terminal(sys.stdin):
        return False
    return click.confirm("Do you agree?", default=False, err=True)
