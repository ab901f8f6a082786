"""Text and numbers for people: escaped file names, counts, dates, time spans, sizes."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import photosd

# Characters that move the cursor, change colours, hide or reorder text (Trojan Source), or that
# cannot be encoded: C0 and C1 controls, line separators, bidirectional overrides, surrogates.
HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
READ_ORDER = ("rest", "place", "date", "person")
PRECISION = {"day": 10, "month": 7, "year": 4}  # characters of an ISO date
MAX_RECENT_DAYS = 6
SPANS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def inert(text: str) -> str:
    """``text`` on one line, with every harmful character spelled out (``\\x1b``)."""
    return HARMFUL.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8 (PEP 383)
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 photo``, ``12,408 photos``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def value(value: object) -> str:
    """The value of a setting: ``yes`` and ``no``, numbers and text as they are."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def span(seconds: float) -> str:
    """A length of time in its two largest units: ``3 d 2 h``, ``5 min``, ``12 s``."""
    left, parts = round(seconds), []
    for length, name in SPANS:
        if left >= length:
            parts.append(f"{left // length} {name}")
            left %= length
    return " ".join(parts[:2]) or "0 s"


def until(moment: float | None) -> str:
    """`` until 23:52``, with the day if not today; empty without an end."""
    if moment is None:
        return ""
    there, now = time.localtime(moment), time.localtime()
    today = there[:3] == now[:3]
    return " until " + time.strftime("%H:%M" if today else "%A, %Y-%m-%d %H:%M", there)


def size(number: float) -> str:
    """Bytes in readable units: ``41 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            decimals = 1 if number < 10 and unit != "bytes" else 0
            return f"{number:.{decimals}f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def why(hit: Mapping[str, Any]) -> str:
    """Where the words of a match are, as ``name`` or ``tag``; empty for a match of the look."""
    other = [source for source in hit["sources"] if source != "clip"]
    return str(other[-1]) if other else ""


def moment(seconds: object) -> str | None:
    """Local date and time of Unix seconds; None if invalid."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(str(seconds))))
    except (ValueError, OverflowError, OSError):
        return None


def place(report: Mapping[str, Any]) -> str:
    """Where a photo was taken: ``Eilat (אילת), Israel; 0.9 km from its centre``."""
    city, shown = report.get("city"), []
    if city:
        others = dict.fromkeys(filter(None, (report.get("hebrew"), report.get("local"))))
        named = ", ".join(name for name in others if name != city)
        part = report.get("part")
        shown = [*([part] if part else []), f"{city} ({named})" if named else city]
    shown += filter(None, (report.get("region"), report.get("country")))
    away = "" if report.get("km") is None else f"; {report['km']:g} km from its centre"
    return ", ".join(map(str, shown)) + away


def taken(photo: Mapping[str, Any]) -> time.struct_time | None:
    """When a hit, or the photo of these facts, was taken: local time there; None without a date.

    A daemon of photosd 0.1, or a photo that it has read, has only ``taken_at``: Unix seconds.
    """
    clock, unix = photo.get("taken"), photo.get("taken_at")
    try:
        if clock is not None:
            return time.strptime(clock[:19], "%Y-%m-%dT%H:%M:%S")
        return None if unix is None else time.localtime(unix)
    except (OverflowError, OSError, ValueError):  # a date out of range for this machine
        return None


def day(photo: Mapping[str, Any]) -> str:
    """The date of a photo, as precise as it is known; empty if unknown."""
    if photo.get("taken") is not None:  # without strptime, which is slow to import
        return str(photo["taken"])[: min(10, PRECISION.get(photo.get("taken_precision") or "", 10))]
    clock = taken(photo)
    return "" if clock is None else time.strftime("%Y-%m-%d", clock)


def recent_day(photo: Mapping[str, Any]) -> str:
    """`day`, as ``today``, ``yesterday`` or ``3 days ago`` in the last week."""
    shown = day(photo)
    if len(shown) != PRECISION["day"]:
        return shown
    try:
        year, month, date = (int(part) for part in shown.split("-"))
        noon = time.mktime((year, month, date, 12, 0, 0, 0, 0, -1))
    except (ValueError, OverflowError):
        return shown
    today = time.mktime((*time.localtime()[:3], 12, 0, 0, 0, 0, -1))
    days = round((today - noon) / 86400)
    if not 0 <= days <= MAX_RECENT_DAYS:
        return shown
    return ("today", "yesterday")[days] if days < 2 else f"{days} days ago"


def version_skew(daemon_version: str | None) -> str | None:
    """What to do if the running daemon has another version than this command.

    None: the answer has no version, as before 0.2.
    """
    if daemon_version == photosd.__version__:
        return None
    theirs = f"version {daemon_version}" if daemon_version else "an older version"
    return f"the daemon is {theirs}, this command line is {photosd.__version__}: photosd restart"


def encoder(report: Mapping[str, Any]) -> str:
    """The model and its state in a few words."""
    words = [report["model"], report["state"]]
    if report["state"] == "loading" and report["phase"]:
        words.append(f"({report['phase']})")
    if report["state"] != "ready" and report["eta_s"] is not None:
        words.append(f"about {span(max(1, report['eta_s']))} to go")
    return inert(" ".join(words))


def read_as(result: Mapping[str, Any]) -> str:
    """``read as: beach · Eilat · Jun–Aug 2023 · Noa``; empty if nothing was read."""
    parts = result.get("read_as") or []
    order = {kind: place for place, kind in enumerate(READ_ORDER)}
    parts = sorted(parts, key=lambda part: order.get(part["kind"], len(order)))
    return "read as: " + " · ".join(inert(part["value"]) for part in parts) if parts else ""


def warnings_of(result: Mapping[str, Any]) -> list[str]:
    """The daemon's warnings about an answer, then the words that the model does not know; inert."""
    found = [inert(warning) for warning in result["warnings"]]
    if unknown := result["unknown"]:
        found.append("not understood: " + ", ".join(map(inert, unknown)))
    return found
