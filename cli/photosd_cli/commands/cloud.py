"""`photosd cloud`: enable Gemini, see its status and cost, disable it."""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photosd.core.errors import BadRequest, CloudNotPermitted
from photosd.core.output_files import check_output, write_output
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.group import PATH, WholeGroup, json_option

if TYPE_CHECKING:
    from photosd.protocol import reports

LABEL = 10
STDOUT = "-"


@click.group(cls=WholeGroup)
def command() -> None:
    """Let Gemini help with searches. Off by default: nothing is sent until you enable it."""


@command.command("enable")
@click.argument("mode", type=click.Choice(["hybrid", "gemini"]))
@click.option("--agents", is_flag=True, help="Also send queries from agents (photosd mcp).")
@click.option("--yes", is_flag=True, help="Accept the terms without asking; for scripts.")
@json_option
def enable(mode: str, agents: bool, yes: bool, as_json: bool) -> None:
    """Show what MODE sends, to whom and at what price; enable it if you agree.

    hybrid: Gemini rewrites the words of a query as English captions; photos stay here. gemini: it
    also receives small copies of photos from folders marked by `photosd add --cloud`.
    """
    with Client() as client:
        terms = client.cloud_terms(mode, agents)
        if not as_json:
            for paragraph in terms["terms"]:
                console.note(text.inert(paragraph), "")
        may_ask = not as_json and console.is_terminal(sys.stdin)
        if not yes and not (may_ask and click.confirm("Do you agree?", err=True)):
            raise CloudNotPermitted(
                "not enabled; nothing is sent",
                remedy=f"photosd cloud enable {mode}{' --agents' if agents else ''} --yes",
            )
        report = client.cloud_enable(mode, terms["digest"], agents)
    console.answer(report, as_json, f"{mode} enabled. Disable it with: photosd cloud disable")
    if not as_json:
        for warning in _warnings(report, mode):
            console.warn(text.inert(warning))


@command.command("disable")
@json_option
def disable(as_json: bool) -> None:
    """Stop sending. Gemini's answers are kept; delete them with `photosd cloud forget`."""
    with Client() as client:
        report = client.cloud_disable()
    console.answer(report, as_json, "Cloud disabled; nothing is sent")


@command.command("forget")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def forget(yes: bool, as_json: bool) -> None:
    """Stop sending, and delete all vectors and captions from Gemini.

    Also deletes the daemon's log. The list of calls (`photosd cloud log`) is kept. photosd cannot
    delete what Google keeps.
    """
    if not yes:
        if not console.is_terminal(sys.stdin):
            raise BadRequest("this needs your confirmation", remedy="photosd cloud forget --yes")
        click.confirm("Delete everything that came from Gemini?", abort=True, err=True)
    with Client() as client:
        removed = client.cloud_forget()
    vectors = text.count(removed["removed"], "vector")
    console.answer(removed, as_json, f"{vectors} deleted; cloud disabled")


@command.command("status")
@json_option
def status(as_json: bool) -> None:
    """Show the mode, your consent, what was sent and this month's cost."""
    with Client() as client:
        report = client.cloud_status()
    console.answer(report, as_json, *page(report))


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
def log(limit: int, as_json: bool) -> None:
    """List the last calls to Gemini, oldest first: time, purpose, amount, price."""
    with Client() as client:
        result = client.cloud_log(limit)
    console.answer(result, as_json, *map(_call, reversed(result["calls"])))
    if not (result["calls"] or as_json):
        console.note("nothing was sent yet", "")


@command.command("preview")
@click.argument("path", metavar="PATH", type=PATH)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="FILE",
    help="Write the exact bytes to a new file; `-` is stdout.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@json_option
def preview(path: str, output: str | None, force: bool, as_json: bool) -> None:
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
        return
    if output is not None:
        write_output(Path(output), jpeg, home, force=force)
    size = f"{found['width']} x {found['height']} pixels, {text.size(found['bytes'])} of JPEG"
    may = "is" if found["may_be_sent"] else "is not"
    console.answer(
        found,
        as_json,
        f"{size}; no EXIF, no place, no name, no path",
        f"it {may} in a folder marked for the cloud",
    )
    if output is None and not as_json:
        console.note("view it: photosd cloud preview PATH -o copy.jpg")


# -- text -----------------------------------------------------------------------------------------


def page(report: reports.CloudReport) -> list[str]:
    """What `photosd cloud status` shows."""
    rows = [("mode", _mode(report))]
    if report["consent_at"] is not None:
        day = time.strftime("%Y-%m-%d", time.localtime(report["consent_at"]))
        agents = "with" if report.get("agents") else "without"
        rows.append(("consent", f"to {report['consent']}, {agents} agents, since {day}"))
    rows += [
        ("address", report["base_url"]),
        ("key", f"from {report['key']}" if report["key"] else "none"),
        (
            "month",
            f"{_spent(report)}, {text.count(report['calls'], 'call')}",
        ),
        (
            "photos",
            f"{report['photos_sent']:,} sent of {report['photos_marked']:,} in marked folders"
            + (f", {report['photos_refused']:,} refused" if report["photos_refused"] else ""),
        ),
    ]
    if (trouble := report["trouble"]) is not None:
        rows.append(("trouble", trouble["message"]))
        rows.append(("", str(trouble["remedy"])))
        if report["closed_for_s"]:
            rows.append(("", f"no requests for {text.span(report['closed_for_s'])}"))
    return [text.inert(f"{label:<{LABEL}}{words}") for label, words in rows]


def summary(report: reports.CloudReport) -> str:
    """One line for `photosd status`."""
    if report["wanted"] == "local":
        return "off"
    words = f"{_mode(report)}  {_spent(report)} this month"
    if (trouble := report["trouble"]) is not None:
        words += f"  {trouble['message']}"
    return text.inert(words)


def _warnings(report: reports.CloudReport, mode: str) -> list[str]:
    """Warnings for a user who has just enabled ``mode``."""
    found = []
    if report["mode"] != mode:
        found.append(f"the mode is still {report['mode']}: EMBEDDING_MODE is {report['wanted']!r}")
    if mode == "gemini" and not report["photos_marked"]:
        found.append("no photo is marked yet: photosd add --cloud DIR")
    return found


def _call(call: reports.CloudLogEntry) -> str:
    """One call in the log."""
    items, size = text.count(call["items"], "item"), text.size(call["bytes"])
    return text.inert(
        f"{text.moment(call['at'])}  {call['kind']:<12}  {items:<8}  {size:>10}  "
        f"${call['usd']:.6f}  {call['outcome']:<10}  {call['model']}"
    )


def _spent(report: reports.CloudReport) -> str:
    return f"${report['spent_usd']:.4f} of ${report['budget_usd']:.2f}"


def _mode(report: reports.CloudReport) -> str:
    if report["mode"] == report["wanted"]:
        return report["mode"]
    return f"{report['mode']} ({report['wanted']} is wanted)"
