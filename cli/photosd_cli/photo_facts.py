"""What is known of one photo, as names and values for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from photosd_cli import paths, text

if TYPE_CHECKING:
    from photosd.protocol.replies import ShowResult

ZEROS = re.compile(r"(\.\d+?)0+(?!\d)")  # at the end of a fraction of a second
VECTOR = {
    "full": "of the full picture",
    "preview": "of the preview in the file; later of the full picture",
    "only preview": "of the preview in the file",
}


def rows_of(photo: ShowResult) -> dict[str, Any]:
    """Names and values, None if unknown."""
    return {
        "path": paths.shown(photo["path"]),
        "state": photo["state"],
        "reason": photo["reason"],
        "remedy": photo["remedy"],
        "attempts": photo["attempts"] or None,
        "folder": photo["folder"] and paths.shown(photo["folder"]),
        "size": photo["size"] and text.size(photo["size"]),
        "modified": text.moment(photo["modified_at"]),
        "content": photo["content_id"],
        "vector": VECTOR.get(photo.get("vector_from", "")),
        "place": text.place(photo["place"]) if photo.get("place") else None,
        "sidecars": ", ".join(map(_name, photo.get("sidecars", ()))) or None,
        "pair": ", ".join(map(_name, photo.get("pair", ()))) or None,
        **_facts(photo["facts"]),
    }


def _name(beside: Mapping[str, Any]) -> str:
    """Its name; it is in the photo's folder."""
    return paths.shown(beside["path"]).rpartition("/")[2]


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Metadata of the photo; its date is local time at the place where it was taken."""
    rows = {name: value for name, value in facts.items() if not name.startswith("taken")}
    for name, value in facts.items():
        if isinstance(value, list):
            rows[name] = ", ".join(map(str, value)) or None
    if rows.get("rating") == -1:
        rows["rating"] = "rejected"
    if rows.pop("motion", False):
        rows["video"] = "in the file"
    if rows.get("orientation") == 1:
        del rows["orientation"]  # upright
    return {"taken": _taken(facts), **rows}


def _taken(facts: dict[str, Any]) -> str | None:
    """The date as precise as it is known, and where it comes from."""
    clock = facts.get("taken")
    length = text.PRECISION.get(facts.get("taken_precision") or "")
    shown = text.moment(facts.get("taken_at")) if clock is None else str(clock).replace("T", " ")
    shown = shown and ZEROS.sub(r"\1", shown)
    if shown is None or (source := facts.get("taken_from")) is None:
        return shown
    origin = "the file's time of modification" if source == "modified" else source
    return f"{shown[:length]} (from: {origin})"
