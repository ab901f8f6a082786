"""What the interactive mode tells about one photo, and about the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from photosd_cli import photo_facts, text

if TYPE_CHECKING:
    from photosd.protocol.replies import ShowResult
    from photosd.protocol.reports import StatusResult


def facts(photo: ShowResult, *, detailed: bool) -> list[str]:
    """Lines about one photo: a few, or all that `photosd show` prints."""
    if detailed:
        return [
            f"{name.replace('_', ' ')}: {text.inert(str(value))}"
            for name, value in photo_facts.rows_of(photo).items()
            if value is not None
        ]
    known = photo["facts"]
    size = f"{known['width']} × {known['height']}" if known.get("width") else ""
    lines = [
        text.inert(photo["path"]).rpartition("/")[2],
        " · ".join(
            filter(None, (text.recent_day(known), size, text.inert(str(known.get("camera") or ""))))
        ),
        text.inert(text.place(photo["place"])) if photo.get("place") else "",
        text.inert(known.get("caption") or known.get("title") or ""),
        ", ".join(map(text.inert, (*(known.get("people") or ()), *(known.get("tags") or ())))),
    ]
    return [line for line in lines if line]


def state(status: StatusResult) -> str:
    """The daemon's state in a few words."""
    index = status["index"]
    paused = " (paused)" if index.get("paused") else ""
    if status["state"] != "ready":
        return text.encoder(status["encoder"])
    if index["pending"]:
        return f"{index['indexed']:,} of {text.count(index['photos'], 'photo')} indexed{paused}"
    return text.count(index["indexed"], "photo") + paused
