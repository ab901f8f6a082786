"""Checks of recent crashes and their stacks."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from photosd.core.log import printable
from photosd.doctor.context import CheckContext
from photosd.doctor.crash_reports import CrashReport, crash_reports
from photosd.doctor.finding import Finding, Findings, fault, ok

DAYS = 2
TAIL_BYTES = 4 << 20
STACK_LINES = 12
OFTEN = 3
# Log events that mean a crash or a loss, with a description.
EVENTS = {
    "encoder_died": "the encoder crashed",
    "decoder_died": "a decoder crashed",
    "library_failed": "the library could not be opened",
    "catalog_damaged": "the catalog was damaged",
    "index_damaged": "the index was damaged",
    "request_failed": "a request failed with an internal error",
    "supervisor_failed": "the supervisor of the encoder failed",
    "self_terminated": "the daemon exited by itself",
}


def crashes(context: CheckContext) -> Findings:
    """Crashes of the last days, from the log and from the stacks that crashes leave."""
    since = time.time() - DAYS * 86400
    findings = [
        *_logged(context, since),
        *_stacks(context.home.stacks, since),
        *_reported(reports_of_system(context)),
    ]
    yield from findings or [ok("crashes", f"none in {DAYS} days")]


def _logged(context: CheckContext, since: float) -> Findings:
    """Crashes in the log, one finding for each kind."""
    quarantined = _quarantined(context)
    events = [
        event
        for event in _events(context.home.log)
        if _moment(event) > since and _counts(event) and event.get("path") not in quarantined
    ]
    for name, times in Counter(str(event["event"]) for event in events).items():
        last = [event for event in events if event["event"] == name][-1]
        reason = last.get("reason") or last.get("cause") or "see the log"
        yield Finding(
            "crashes",
            "fault" if times >= OFTEN else "warning",
            f"{EVENTS[name]} {_times(times)} in {DAYS} days, last: {reason}",
            str(last.get("remedy") or "photosd logs -n 200"),
            details=_shortened(str(last.get("stack") or last.get("exception") or "")),
        )


def _stacks(stacks: Path, since: float) -> Findings:
    """The stacks that a crash of the daemon leaves."""
    if stacks.is_file() and stacks.stat().st_size > 0 and stacks.stat().st_mtime > since:
        text = stacks.read_text(errors="replace")
        last_one = text[text.rfind("Fatal Python error") :] if "Fatal" in text else text
        yield Finding(
            "crashes",
            "warning",
            f"the daemon crashed or hung recently; its stacks are in {stacks}",
            "photosd bugreport",
            details=_shortened(last_one),
        )


def _reported(reports: list[CrashReport]) -> Findings:
    """Reports of macOS: a crash in native code leaves nothing else."""
    if reports:
        many = "a crash report" if len(reports) == 1 else f"{len(reports)} crash reports"
        yield Finding(
            "crashes",
            "warning",
            f"macOS wrote {many} about photosd, last: {reports[-1].cause}; {reports[-1].file}",
            "photosd bugreport",
            details=_shortened(reports[-1].stack),
        )


def reports_of_system(context: CheckContext) -> list[CrashReport]:
    """What macOS reported about this home's daemons and their workers; the last is the latest."""
    since = time.time() - DAYS * 86400
    daemons = {event["pid"] for event in _events(context.home.log) if "pid" in event}
    return list(crash_reports(since, daemons))


def _quarantined(context: CheckContext) -> set[object]:
    """Whether photos were quarantined after crashing a decoder: the check of photos counts them."""
    rows = context.rows("SELECT path FROM photos WHERE state = 'failed' AND deaths > 0")
    return {printable(path) for (path,) in rows}


def log_file(context: CheckContext) -> Findings:
    """The log can be written."""
    log = context.home.log
    if log.exists() and not log.is_file():
        yield fault("log", f"{log} is not a file", f"rm -r '{log}'")


def _counts(event: dict[str, Any]) -> bool:
    """Recycling for memory is planned, not a crash."""
    planned = str(event.get("reason", "")).startswith(("recycled", "photosd is stopping"))
    return event.get("event") in EVENTS and not planned


def _events(log: Path) -> Iterator[dict[str, Any]]:
    """The log's last events, including those before the rotation."""
    for file in (log.with_name(f"{log.name}.1"), log):
        if not file.is_file():
            continue
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - TAIL_BYTES))
            for line in stream:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # the first may be partial; other programs' output may be mixed in
                if isinstance(event, dict):
                    yield event


def _moment(event: dict[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(event.get("timestamp"))).timestamp()
    except ValueError:
        return 0.0


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _shortened(stack: str) -> str | None:
    """The end of a stack, which shows the cause."""
    lines = stack.strip().splitlines()
    return "\n".join(lines[:STACK_LINES]) or None
