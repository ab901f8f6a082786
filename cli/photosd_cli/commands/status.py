"""`photosd status`: the state of the daemon, of its folders and of its model as text."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

import click

from photosd.core.errors import DeadlineExceeded, PhotosdError, quoted
from photosd.protocol.client import Client
from photosd_cli import console, paths, text
from photosd_cli.commands import cloud
from photosd_cli.group import json_option

if TYPE_CHECKING:
    from photosd.protocol import replies, reports

STYLE_OF = {"ready": "green", "warming": "yellow", "degraded": "red", "stopping": "yellow"}
EXIT_CODE_OF = {"ready": 0, "stopping": 3, "warming": 4, "degraded": 5}
LABEL = 9
EMPTY = "empty"  # prefix of the reason for a folder without any of its photos
SILENT = "not answering"  # prefix of the reason for a folder whose share stopped answering
WATCH_SECONDS = 1.0
STATUS_SECONDS = 10.0
# The alternate screen, as less and top use it: the previous content comes back afterwards.
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
HOME, CLEAR_LINE, CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


@click.command()
@click.option("--watch", is_flag=True, help="Refresh every second, until Ctrl-C.")
@json_option
def command(watch: bool, as_json: bool) -> int:
    """Show the daemon's state: model, index, queue, folders.

    Exit codes: 0 ready, 3 not running, 4 warming up, 5 degraded. `--watch --json` writes one object
    per line.
    """
    if watch:
        return _watch(as_json)
    status = _status()
    if as_json:
        console.out_json(status)
    else:
        for line in status_lines(status):
            console.out_wrapped(line, hang=LABEL)
        console.flush()
        for warning in _other_warnings(status):
            console.warn(text.inert(warning))
        console.warn_of_skew(status["daemon_version"])
    return EXIT_CODE_OF.get(status["state"], 5)


def _status() -> reports.StatusResult:
    """The status; raises DeadlineExceeded for a silent daemon, for which other commands propose
    `photosd status`.
    """
    try:
        with Client(timeout=STATUS_SECONDS) as client:
            return client.status()
    except DeadlineExceeded as error:
        raise DeadlineExceeded(
            f"the daemon has not answered for {STATUS_SECONDS:g} s", remedy="photosd restart"
        ) from error


def _watch(as_json: bool) -> int:
    """Refresh until interrupted, across restarts of the daemon.

    On a terminal each page replaces the one before, and the last one stays; elsewhere pages are
    separated by an empty line.
    """
    redraws = console.is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb" and not as_json
    page = ""
    try:
        if redraws:
            console.out(ENTER, end="")
        while True:
            try:
                page = _page(as_json)
            except PhotosdError as error:
                page = "\n".join(console.error_lines(error))
                if not redraws:
                    console.report(error, as_json)
                    page = ""
            if redraws:
                console.out(_drawn(page))
            elif page:
                console.out(page if as_json else f"{page}\n")
            console.flush()
            time.sleep(WATCH_SECONDS)
    finally:
        if redraws:
            console.out(f"{LEAVE}{page}")


def _page(as_json: bool) -> str:
    """The current status, one JSON object or lines for people; raises PhotosdError."""
    status = _status()
    if as_json:
        return console.to_json(status)
    warnings = [f"! {text.inert(warning)}" for warning in _other_warnings(status)]
    lines = [console.fit(line, sys.stdout, hang=LABEL) for line in status_lines(status)]
    return "\n".join([*lines, *(console.fit(warning, sys.stdout, hang=2) for warning in warnings)])


def _other_warnings(status: reports.StatusResult) -> list[str]:
    """Warnings that are not shown below their folder."""
    told = {f"{folder['path']}: {folder['reason']}" for folder in status["folders"]}
    return [warning for warning in status["warnings"] if warning not in told]


def _drawn(page: str) -> str:
    """The page drawn over the previous one, cut to the height of the screen."""
    lines = page.splitlines()[: max(1, shutil.get_terminal_size().lines - 1)]
    return HOME + "\n".join(line + CLEAR_LINE for line in lines) + CLEAR_BELOW


# -- the page -------------------------------------------------------------------------------------


def status_lines(status: reports.StatusResult) -> list[str]:
    """A status page of about ten lines."""
    state = console.styled(status["state"], STYLE_OF.get(status["state"], ""))
    title = (
        f"photosd {status['daemon_version']}  {state}  pid {status['pid']}  "
        f"up {text.span(status['uptime_s'])}  {status['rss_mb']:.0f} MB"
    )
    rows = [("model", _encoder(status["encoder"]))]
    if (switch := status.get("switch")) is not None:
        rows.append(("next", _switch(switch)))
    if status["index"]["waiting_for"] == "start":  # the content is not known yet
        rows.append(("index", "opening the library"))
    else:
        rows += [("index", _index(status["index"])), ("queue", _queue(status["index"]))]
        folders = folder_lines(status["folders"]) or ["none. Add one with: photosd add ~/Pictures"]
        rows += [("" if number else "folders", line) for number, line in enumerate(folders)]
        rows += [("compares", _comparison(one)) for one in status.get("comparisons", ())]
        if (report := status.get("cloud")) is not None:
            rows.append(("cloud", cloud.summary(report)))
    return [title, *(f"{label:<{LABEL}}{words}" for label, words in rows)]


def folder_lines(folders: list[replies.FolderReport], *, heading: bool = False) -> list[str]:
    """One line per folder in columns, with problems below."""
    rows = [(paths.shown(folder["path"]), _state(folder)) for folder in folders]
    titles = [("folder", "state")] if heading else []
    wide = max((console.cells(path) for path, _ in [*titles, *rows]), default=0)
    long = max((len(state) for _, state in [*titles, *rows]), default=0)
    lines = [console.styled(f"{a:<{wide}}  {b:<{long}}  photos", "dim") for a, b in titles]
    for folder, (path, words) in zip(folders, rows, strict=True):
        blanks = " " * (wide - console.cells(path))
        state = console.styled(f"{words:<{long}}", "" if folder["state"] == "ok" else "yellow")
        marked = "  cloud" if folder.get("cloud") else ""
        lines.append(f"{path}{blanks}  {state}  {_photos(folder)}{marked}")
        lines += _trouble(folder)
    return lines


def _state(folder: replies.FolderReport) -> str:
    kinds = [kind for kind in (SILENT, EMPTY) if (folder["reason"] or "").startswith(kind)]
    return f"{folder['state']} ({kinds[0]})" if kinds else folder["state"]


def _photos(folder: replies.FolderReport) -> str:
    """Number of photos, and why some are not indexed."""
    photos = text.count(folder["photos"], "photo")
    parts = [
        f"{number:,} {what}"
        for number, what in ((folder.get("pending"), "waiting"), (folder.get("failed"), "failed"))
        if number
    ]
    return f"{photos}, {', '.join(parts)}" if parts else photos


def _trouble(folder: replies.FolderReport) -> list[str]:
    lines = [f"  {text.inert(more)}" for more in (folder["reason"], folder["remedy"]) if more]
    if unreadable := folder.get("unreadable"):
        example = text.inert(folder.get("unreadable_example") or "")
        lines.append(f"  {text.count(unreadable, 'place')} in it cannot be read: {example}")
        if remedy := folder.get("unreadable_remedy"):
            lines.append(f"  {text.inert(remedy)}")
    lines += [f"  {text.inert(line)}" for line in skipped(folder)]
    return lines


def skipped(folder: replies.FolderReport) -> list[str]:
    """The lines about photo libraries in a folder, which are skipped."""
    return [
        f"photo library skipped; to index its originals: photosd add {quoted(library)}"
        for library in folder.get("libraries", ())
    ]


def _comparison(comparison: reports.ComparisonReport) -> str:
    """A comparison under way and its progress."""
    seen = f"{comparison['seen']:,}"
    if comparison["known"]:
        seen += f" of about {comparison['known']:,}"
    return f"{paths.shown(comparison['path'])}  {seen} seen in {text.span(comparison['seconds'])}"


def _encoder(encoder: reports.EncoderReport) -> str:
    parts = [text.encoder(encoder)]
    if encoder["device"]:
        parts.append(f"on {text.inert(encoder['device'])}")
    if (takeover := encoder.get("takeover")) is not None:
        parts.append(f"instead of {text.inert(takeover['device'])}")
    if encoder["rss_mb"] is not None:
        parts.append(f"{encoder['rss_mb']:.0f} MB")
    if encoder["restarts"]:
        reason = text.inert(encoder["last_restart_reason"] or "unknown reason")
        parts.append(f"restarted {text.count(encoder['restarts'], 'time')} ({reason})")
    return "  ".join(parts)


def _switch(switch: reports.SwitchReport) -> str:
    """The model that is being prepared."""
    words = [f"{switch['model']}: {switch['done']:,} of {text.count(switch['contents'], 'photo')}"]
    if switch["eta_s"]:
        words.append(f"~{text.span(switch['eta_s'])} left")
    if switch["waiting_for"]:
        words.append(f"waiting for {switch['waiting_for']}")
    return text.inert(" · ".join(words))


def _index(index: reports.IndexReport) -> str:
    photos, size = text.count(index["photos"], "photo"), text.size(index["bytes"])
    return f"{index['indexed']:,} of {photos}  {size}"


def _queue(index: reports.IndexReport) -> str:
    parts = [f"{index['pending']:,} waiting"]
    if index["pending"] and index["rate_per_s"]:
        parts.append(f"{index['rate_per_s']:.1f}/s")
    if index["pending"] and index["eta_s"] is not None:
        parts.append(f"~{text.span(index['eta_s'])} left")
    if index.get("paused"):
        parts.append(f"paused{text.until(index.get('paused_until'))}, resume with: photosd resume")
    elif index["waiting_for"] == "disk":
        parts.append("the disk cannot be written, see: photosd doctor")
    elif index["waiting_for"] and index["pending"]:
        parts.append(f"waiting for {text.inert(index['waiting_for'])}")
    if index["failed"]:
        parts.append(f"{index['failed']:,} failed, see: photosd failures")
    if previews := index.get("previews"):
        photos = text.count(previews, "photo")
        parts.append(f"{photos} indexed by a preview, in full when idle")
    return " · ".join(parts)
