"""Commands to run for a match, as argument lists without a shell."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from html import escape

import msgspec

from photosd.alerts.alert_store import Alert
from photosd.core.errors import BadRequest
from photosd.core.log import printable

PLACE = "{}"  # the argument that the path replaces
SHELL_WORDS = frozenset(("|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", "&>"))
COMMAND_SECONDS, NOTIFY_SECONDS = 600.0, 15.0
# Text is passed in `argv`, so that AppleScript does not parse it as a program.
OSASCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


class AlertMatch(msgspec.Struct, frozen=True):
    """One row of the outbox. ``matched_at`` and ``ended_at``: Unix seconds."""

    id: int
    standing: int
    content: str
    path: bytes
    score: float
    strength: str
    matched_at: float
    state: str
    claim: str | None
    outcome: str | None
    ended_at: float | None


def check_command(argv: Sequence[str]) -> None:
    """Raises BadRequest for shell syntax, or `{}` inside an argument."""
    if not argv or not argv[0]:
        raise BadRequest("the command is empty", remedy="photosd on receipt --exec 'cp {} /backup'")
    if any("\0" in argument for argument in argv):
        raise BadRequest("an argument cannot hold a NUL character", remedy="remove it")
    if found := SHELL_WORDS.intersection(argv):
        raise BadRequest(
            f"{min(found)!r} would be an argument: the command is run without a shell",
            remedy="put it into a script, and name the script",
        )
    if inside := [argument for argument in argv if PLACE in argument and argument != PLACE]:
        raise BadRequest(
            f"{PLACE} must be a separate argument, not part of {inside[0]!r}",
            remedy="put it into a script, which gets the path in $1 and $PHOTOSD_PATH",
        )


def notifier() -> str:
    """The program that shows notifications; raises BadRequest if there is none."""
    name = "osascript" if sys.platform == "darwin" else "notify-send"
    found = shutil.which(name)
    if found is None:
        raise BadRequest(
            f"{name} is not on the daemon's PATH; it is needed for notifications",
            remedy="add /usr/bin to PATH, then: photosd restart"
            if sys.platform == "darwin"
            else "install libnotify (on Debian and Ubuntu: sudo apt install libnotify-bin)",
        )
    return found


def command_for(alert: Alert, matches: Sequence[AlertMatch]) -> list[bytes]:
    """The arguments; an ``exec`` is for one match, a notification for one or several."""
    if alert.options.kind == "notify":
        return [os.fsencode(argument) for argument in _notification(alert, matches)]
    path = matches[0].path
    argv = [os.fsencode(argument) for argument in alert.options.argv]
    if PLACE in alert.options.argv:
        return [path if argument == PLACE.encode() else argument for argument in argv]
    return [*argv, path]


def seconds_for(alert: Alert) -> float:
    """Its time limit."""
    return NOTIFY_SECONDS if alert.options.kind == "notify" else COMMAND_SECONDS


def environment_for(alert: Alert, match: AlertMatch) -> dict[str, str]:
    """The daemon's environment, and the match."""
    return {
        **os.environ,
        "PHOTOSD_PATH": os.fsdecode(match.path),
        "PHOTOSD_QUERY": alert.options.text,
        "PHOTOSD_STANDING": str(alert.id),
        "PHOTOSD_MATCH": str(match.id),
        "PHOTOSD_CONTENT": match.content,
        "PHOTOSD_SCORE": f"{match.score:.4f}",
        "PHOTOSD_STRENGTH": match.strength,
    }


def _notification(alert: Alert, matches: Sequence[AlertMatch]) -> list[str]:
    title = f"photosd: {alert.options.text}"
    name = printable(matches[0].path.rpartition(b"/")[2])
    body = name if len(matches) == 1 else f"{len(matches)} new photos: {name}, …"
    if sys.platform == "darwin":
        lines = [part for line in OSASCRIPT for part in ("-e", line)]
        return [notifier(), *lines, title, body]
    # The body may contain markup; a file name must not.
    return [notifier(), "--app-name=photosd", "--", title, escape(body, quote=False)]
