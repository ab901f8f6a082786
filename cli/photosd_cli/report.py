"""The daemon's state as text: output of `status`, `folders` and `start`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import photosd
from photosd_cli import cloud_report, console, paths, text
from photosd_cli.wrapping import cells, padded

if TYPE_CHECKING:
    from photosd.protocol.replies import (
        ComparisonReport,
        EncoderReport,
        FolderReport,
        IndexReport,
        StatusResult,
        SwitchReport,
    )

STYLE_OF = {"ready": "green", "warming": "yellow", "degraded": "red", "stopping": "yellow"}
EXIT_CODE_OF = {"ready": 0, "stopping": 3, "warming": 4, "degraded": 5}
LABEL = 9
EMPTY = "empty"  # prefix of the reason for a folder without any of its photos
SILENT = "not answering"  # prefix of the reason for a folder whose share stopped answering


def status_lines(status: StatusResult) -> list[str]:
    """A status page of about ten lines."""
    state = console.styled(status["state"], STYLE_OF.get(status["state"], ""), sys.stdout)
    lines = [
        f"photosd {status['daemon_version']}  {state}  pid {status['pid']}  "
        f"up {text.span(status['uptime_s'])}  {status['rss_mb']:.0f} MB",
        _labelled("model", _encoder(status["encoder"])),
        *_switch(status.get("switch")),
    ]
    if status["index"]["waiting_for"] == "start":  # the content is not known yet
        return [*lines, _labelled("index", "opening the library")]
    lines += [
        _labelled("index", _index(status["index"])),
        _labelled("queue", _queue(status["index"])),
    ]
    folders = folder_lines(status["folders"]) or ["none. Add one with: photosd add ~/Pictures"]
    lines += [_labelled("" if number else "folders", line) for number, line in enumerate(folders)]
    lines += [_labelled("compares", _comparison(one)) for one in status.get("comparisons", ())]
    if (cloud := status.get("cloud")) is not None:
        lines.append(_labelled("cloud", cloud_report.brief(cloud)))
    return lines


def folder_lines(folders: list[FolderReport], *, heading: bool = False) -> list[str]:
    """One line per folder in columns, with problems below."""
    rows = [(paths.shown(folder["path"]), _state(folder)) for folder in folders]
    titles = [("folder", "state")] if heading else []
    wide = max((cells(path) for path, _ in [*titles, *rows]), default=0)
    long = max((len(state) for _, state in [*titles, *rows]), default=0)
    lines = []
    if heading:
        title = f"{padded('folder', wide)}  {'state':<{long}}  photos"
        lines.append(console.styled(title, "dim", sys.stdout))
    for folder, (path, words) in zip(folders, rows, strict=True):
        style = "" if folder["state"] == "ok" else "yellow"
        state = console.styled(f"{words:<{long}}", style, sys.stdout)
        marked = "  cloud" if folder.get("cloud") else ""
        lines.append(f"{padded(path, wide)}  {state}  {_photos(folder)}{marked}")
        lines += _trouble(folder)
    return lines


def _state(folder: FolderReport) -> str:
    kinds = [kind for kind in (SILENT, EMPTY) if (folder["reason"] or "").startswith(kind)]
    return f"{folder['state']} ({kinds[0]})" if kinds else folder["state"]


def _photos(folder: FolderReport) -> str:
    """Number of photos, and why some are not indexed."""
    photos = text.count(folder["photos"], "photo")
    parts = [
        f"{number:,} {what}"
        for number, what in ((folder.get("pending"), "waiting"), (folder.get("failed"), "failed"))
        if number
    ]
    return f"{photos}, {', '.join(parts)}" if parts else photos


def _trouble(folder: FolderReport) -> list[str]:
    lines = [f"  {text.inert(more)}" for more in (folder["reason"], folder["remedy"]) if more]
    if unreadable := folder.get("unreadable"):
        example = text.inert(folder.get("unreadable_example") or "")
        lines.append(f"  {text.count(unreadable, 'place')} in it cannot be read: {example}")
    return lines


def _comparison(comparison: ComparisonReport) -> str:
    """A comparison under way and its progress."""
    seen = f"{comparison['seen']:,}"
    if comparison["known"]:
        seen += f" of about {comparison['known']:,}"
    return f"{paths.shown(comparison['path'])}  {seen} seen in {text.span(comparison['seconds'])}"


def version_skew(daemon_version: str | None) -> str | None:
    """What to do if the running daemon has another version than this command.

    None: the answer has no version, as before 0.2.
    """
    if daemon_version == photosd.__version__:
        return None
    theirs = f"version {daemon_version}" if daemon_version else "an older version"
    return f"the daemon is {theirs}, this command line is {photosd.__version__}: photosd restart"


def encoder_summary(encoder: EncoderReport) -> str:
    """The model and its state in a few words."""
    words = [encoder["model"], encoder["state"]]
    if encoder["state"] == "loading" and encoder["phase"]:
        words.append(f"({encoder['phase']})")
    if encoder["state"] != "ready" and encoder["eta_s"] is not None:
        words.append(f"about {text.span(max(1, encoder['eta_s']))} to go")
    return text.inert(" ".join(words))


def _encoder(encoder: EncoderReport) -> str:
    parts = [encoder_summary(encoder)]
    if encoder["device"]:
        parts.append(f"on {text.inert(encoder['device'])}")
    if encoder["rss_mb"] is not None:
        parts.append(f"{encoder['rss_mb']:.0f} MB")
    if encoder["restarts"]:
        reason = text.inert(encoder["last_restart_reason"] or "unknown reason")
        parts.append(f"restarted {text.count(encoder['restarts'], 'time')} ({reason})")
    return "  ".join(parts)


def _switch(switch: SwitchReport | None) -> list[str]:
    """The model that is being prepared, if any."""
    if switch is None:
        return []
    words = [f"{switch['model']}: {switch['done']:,} of {text.count(switch['contents'], 'photo')}"]
    if switch["eta_s"]:
        words.append(f"~{text.span(switch['eta_s'])} left")
    if switch["waiting_for"]:
        words.append(f"waiting for {switch['waiting_for']}")
    return [_labelled("next", text.inert(" · ".join(words)))]


def _index(index: IndexReport) -> str:
    return f"{index['indexed']:,} of {text.count(index['photos'], 'photo')}  " + text.size(
        index["bytes"]
    )


def _queue(index: IndexReport) -> str:
    parts = [f"{index['pending']:,} waiting"]
    if index["pending"] and index["rate_per_s"]:
        parts.append(f"{index['rate_per_s']:.1f}/s")
    if index["pending"] and index["eta_s"] is not None:
        parts.append(f"~{text.span(index['eta_s'])} left")
    if index.get("paused"):
        parts.append(f"paused{text.until(index.get('paused_until'))}, resume with: photosd resume")
    elif index["waiting_for"] and (index["pending"] or index["waiting_for"] == "disk"):
        parts.append(f"waiting for {text.inert(index['waiting_for'])}")
    if index["failed"]:
        parts.append(f"{index['failed']:,} failed, see: photosd failures")
    return " · ".join(parts)


def _labelled(label: str, words: str) -> str:
    return f"{label:<{LABEL}}{words}"
