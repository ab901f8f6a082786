"""Turns a client's filter parameters into a filter; refuses invalid ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from photosd.core import wall_clock
from photosd.core.errors import BadRequest
from photosd.index.filters import FORMATS, Filter, format_name
from photosd.protocol.messages import Where
from photosd.protocol.paths import path_from

Real = Callable[[bytes], bytes]  # a path as stored in the library


def filter_of(where: Where | None, real: Real = lambda path: path) -> Filter | None:
    """The filter; None if it accepts everything. Raises BadRequest."""
    if where is None:
        return None
    since, until = _moment(where.since, "begin"), _moment(where.until, "end")
    if since is not None and until is not None and since >= until:
        raise BadRequest(
            f"--since {where.since} comes after --until {where.until}",
            remedy="swap them: the earlier date is --since",
        )
    found = Filter(
        below=tuple(real(path_from(path, None)) for path in where.below)
        + tuple(real(path_from(None, path)) for path in where.below_b64),
        since=since,
        until=until,
        camera=(where.camera or "").strip() or None,
        near=_near(where.near),
        formats=_formats(where.formats),
        rating=where.rating,
        orientation=where.orientation,
    )
    return None if found == Filter() else found


def _moment(date: str | float | None, side: Literal["begin", "end"]) -> float | None:
    """Wall-clock seconds of the start of a date, or of its end.

    A number is Unix seconds, converted by this machine's clock.
    """
    if date is None:
        return None
    try:
        if isinstance(date, (int, float)):
            return wall_clock.wall_seconds(wall_clock.shown_here(date))
    except OverflowError as error:
        raise BadRequest(f"{date:g} is too large for a date", remedy="give Unix seconds") from error
    from photosd.search import dates  # has words of ten languages: imported on first use

    return dates.since(date) if side == "begin" else dates.until(date)


def _near(near: Sequence[float] | None) -> tuple[float, float, float] | None:
    if near is None:
        return None
    latitude, longitude, km = near
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 < km <= 20_100):
        raise BadRequest(
            f"{latitude:g},{longitude:g},{km:g} is not a valid place and distance",
            remedy="latitude, longitude, kilometres: 32.08,34.78,5",
        )
    return latitude, longitude, km


def _formats(names: Sequence[str]) -> tuple[str, ...]:
    formats = tuple(format_name(name) for name in names)
    for name, shown in zip(formats, names, strict=True):
        if name not in FORMATS:
            raise BadRequest(
                f"{shown!r} is not a format that photosd reads",
                remedy="jpeg, heic, png, webp, tiff, gif, raw, or a suffix such as cr2",
            )
    return formats
