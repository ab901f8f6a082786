"""Filters of a search, the traits of photos that they test, and the traits of rows in RAM.

A yes-or-no trait (folder, camera, format …) is a *label*, a number derived from its name, so that
one list of labels and one index serve all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core import wording
from photosd.core.formats import PICTURE_SUFFIXES, RAW_SUFFIXES, is_raw_name, suffix_of
from photosd.index.counting import ROOT, Counts
from photosd.index.labels import camera_key, label, values_of
from photosd.index.moments import moment_of

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Orientation = Literal["landscape", "portrait", "square"]

EARTH_KM = 6371.0088  # mean radius
DEGREE_KM = EARTH_KM * np.pi / 180  # of latitude
SQUARE = 0.97  # shorter side by longer side; above this a picture counts as square
BEST_RATING = 5
UNDATED = label("undated", b"")  # only the time of modification is known
LONG_SECONDS = 1e12  # more than between any two dates
FORMAT_NAMES = {
    "jpg": "jpeg", "jpe": "jpeg", "jfif": "jpeg", "tif": "tiff", "heic": "heif", "hif": "heif",
    "heics": "heif", "heifs": "heif", "avifs": "avif", "jp2": "jpeg2000", "j2k": "jpeg2000",
    "jpx": "jpeg2000", "dib": "bmp",
}  # fmt: skip


class Filter(msgspec.Struct, frozen=True):
    """Filters of a search; all given parts must match.

    ``below``: absolute real paths of directories; the photo must be in one of them. ``since`` and
    ``until`` in wall-clock seconds (core.wall_clock) of the place where it was taken: at or after,
    and before; a photo without a date uses its file's modification time on this machine's clock.
    ``dates``: any of these, each with a begin and an end as ``since`` and ``until``, or none.
    ``camera``: a part of the camera's name, ignoring case. ``near``: latitude, longitude and
    kilometres; a photo without a place never matches. ``formats``: any of these (``jpeg``,
    ``heic``, ``raw``, ``cr2`` …). ``rating``: at least this many stars; 0 without a rating, -1 for
    rejected photos. ``orientation``: of the upright picture. ``people`` and ``tags``: a photo needs
    all of these, ignoring case, accents, blanks and dashes, and one of each of ``any_people``.
    ``places``: any of these names of places, regions and countries, with the same spelling rule, or
    any of ``place_tags``, or all of any of ``within`` (Paris, Texas) or of ``within_tags``; the
    photo has none of ``without_people`` and ``without_places``. ``caption``: words of its title or
    caption; ``among``: the contents that have them, None for all.
    """

    below: tuple[bytes, ...] = ()
    since: float | None = None
    until: float | None = None
    dates: tuple[tuple[float | None, float | None], ...] = ()
    camera: str | None = None
    near: tuple[float, float, float] | None = None
    formats: tuple[str, ...] = ()
    rating: int | None = None
    orientation: Orientation | None = None
    people: tuple[str, ...] = ()
    any_people: tuple[tuple[str, ...], ...] = ()
    tags: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    place_tags: tuple[str, ...] = ()
    within: tuple[tuple[str, ...], ...] = ()
    within_tags: tuple[tuple[str, ...], ...] = ()
    without_people: tuple[str, ...] = ()
    without_places: tuple[str, ...] = ()
    caption: str | None = None
    among: frozenset[str] | None = None

    def holds_path(self) -> Callable[[bytes], bool]:
        """Whether a path matches; a content may also have other paths."""
        starts = tuple(directory.rstrip(b"/") + b"/" for directory in self.below) or (b"",)
        return lambda path: path.startswith(starts)

    @property
    def has_places(self) -> bool:
        """Whether it asks for places."""
        return bool(self.places or self.within)

    def by_labels(
        self, having: Callable[[Iterable[int]], Mask], cameras: Iterable[str]
    ) -> Iterator[Mask]:
        """Masks (n,) of rows, which all must be true.

        ``having``: the rows with any of some labels; ``cameras``: all known ones, case-folded.
        """
        yield from map(having, self._labels(cameras))
        places = [*_places(self.places), *_labels("tag", self.place_tags)]
        several = [[_places([name]) for name in names] for names in self.within]
        several += [[_labels("tag", [name]) for name in names] for names in self.within_tags]
        if places or several:
            every = [np.logical_and.reduce([*map(having, some)]) for some in several]
            yield np.logical_or.reduce([having(places), *every])

    def _labels(self, cameras: Iterable[str]) -> list[list[int]]:
        """Lists of labels; a photo needs one of each list, so an empty list matches none."""
        wanted: list[list[int]] = []
        if self.below:
            wanted.append([label("in", directory.rstrip(b"/")) for directory in self.below])
        if self.camera is not None:
            part = camera_key(self.camera) or ""
            wanted.append([label("camera", name) for name in cameras if part in name])
        if self.formats:
            wanted.append([label("format", format_name(name)) for name in self.formats])
        if self.rating is not None and self.rating > -1:
            wanted.append([label("rating", self.rating)])
        if self.orientation is not None:
            wanted.append([label("orientation", self.orientation)])
        wanted += [_labels("person", [name]) for name in self.people]
        wanted += [_labels("person", names) for names in self.any_people]
        wanted += [_labels("tag", [name]) for name in self.tags]
        return wanted

    def unwanted(self) -> list[int]:
        """Labels of which a photo may have none."""
        return [*_labels("person", self.without_people), *_places(self.without_places)]

    def during(self, moments: NDArray[np.float64]) -> Mask:
        """Whether these wall-clock seconds match: (n,)."""
        mask = _within(moments, self.since, self.until)
        if self.dates:
            mask &= np.logical_or.reduce([_within(moments, *ends) for ends in self.dates])
        return mask


def _within(moments: NDArray[np.float64], since: float | None, until: float | None) -> Mask:
    mask = np.ones(len(moments), np.bool_)
    if since is not None:
        mask &= moments >= since
    if until is not None:
        mask &= moments < until
    return mask


def _places(names: Sequence[str]) -> list[int]:
    return [*_labels("place", names), *_labels("country", names)]


def _labels(kind: str, names: Iterable[str]) -> list[int]:
    return [label(kind, wording.key(name)) for name in names]


class Traits(msgspec.Struct, frozen=True):
    """Filterable values of one content. ``moment``: when it was taken, in wall-clock seconds
    (core.wall_clock); ``camera``: case-folded.
    """

    labels: tuple[int, ...] = ()
    camera: str | None = None
    moment: float | None = None
    latitude: float | None = None
    longitude: float | None = None


def traits(
    facts: dict[str, Any],
    paths: Sequence[bytes],
    modified: float | None,
    place: dict[str, Any] | None = None,
) -> Traits:
    """Traits of a content with these facts (see decode.messages.Facts) at these real paths.

    ``modified``: modification time of its file, Unix seconds; ``place``: see index.placing.
    """
    camera = camera_key(facts.get("camera"))
    moment = moment_of(facts, paths, modified)
    stars = facts.get("rating") or 0
    orientation = _orientation(facts.get("width") or 0, facts.get("height") or 0)
    found = {label("in", folder) for path in paths for folder in _folders(path)}
    found |= {label("format", name) for name in _formats(facts.get("format"), paths)}
    found |= {label("rating", least) for least in range(min(stars, BEST_RATING) + 1)}
    found |= {value.label for value in values_of(facts, place)}
    if orientation is not None:
        found.add(label("orientation", orientation))
    if moment is None or moment.source == "modified":
        found.add(UNDATED)
    return Traits(
        tuple(sorted(found)),
        camera,
        None if moment is None else moment.wall,
        facts.get("latitude"),
        facts.get("longitude"),
    )


def distance_km(latitude: float, longitude: float, latitudes: Floats, longitudes: Floats) -> Floats:
    """Kilometres from one place to many, degrees, on the great circle (haversine)."""
    here, there = np.radians(latitude), np.radians(latitudes)
    across = np.sin((there - here) / 2) ** 2
    along = np.sin(np.radians(longitudes - longitude) / 2) ** 2
    share = across + np.cos(here) * np.cos(there) * along
    kilometres: Floats = 2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(1.0, share)))
    return kilometres


def _folders(path: bytes) -> Iterator[bytes]:
    """Every directory above ``path``, the root as an empty name."""
    while path:
        path = path.rpartition(b"/")[0]
        yield path


def _formats(kind: str | None, paths: Sequence[bytes]) -> set[str]:
    """Names of a content's format. A camera raw file is read through a preview of another format:
    its suffix decides.
    """
    raw = {suffix_of(path)[1:].decode() for path in paths if is_raw_name(path)}
    if raw:
        return {"raw", *raw}
    return set() if kind is None else {format_name(kind)}


def format_name(name: str) -> str:
    """Normalised name of a format: ``jpeg`` for ``JPG`` and ``.jpeg``."""
    folded = name.casefold().strip().removeprefix(".")
    return FORMAT_NAMES.get(folded, folded)


def _orientation(width: int, height: int) -> Orientation | None:
    if min(width, height) <= 0:
        return None
    if min(width, height) >= SQUARE * max(width, height):
        return "square"
    return "landscape" if width > height else "portrait"


def latest_first(
    rows: Rows,
    moments: Floats,
    undated: Mask,
    count: int,
    name: Callable[[int], str | None],
    *,
    oldest: bool,
) -> list[tuple[str, float]]:
    """The names of ``count`` of these rows, the latest first, or the ``oldest``, each once, with a
    number by which those of several tables can be ordered.

    ``moments``, ``undated``: of all rows; undated ones come last, then nan. None as a name skips a
    row.
    """
    when = np.nan_to_num(-moments[rows] if oldest else moments[rows], nan=-np.inf)
    when -= LONG_SECONDS * undated[rows]
    take = count
    while len(rows):
        take = min(len(rows), 2 * take)
        top = np.argpartition(-when, take - 1)[:take]
        top = top[np.lexsort((-rows[top], -when[top]))]
        found: dict[str, float] = {}
        for row, moment in zip(rows[top].tolist(), when[top].tolist(), strict=True):
            if (one := name(row)) is not None:
                found.setdefault(one, moment)
        if len(found) >= count or take == len(rows):
            return list(found.items())[:count]
    return []


FORMATS = frozenset({"raw", *(format_name(s.decode()) for s in PICTURE_SUFFIXES | RAW_SUFFIXES)})


class Columns:
    """One entry per row; never changed, only replaced, so that running searches can use the old
    one.
    """

    def __init__(self, rows: Sequence[Traits] = ()) -> None:
        self.cameras = {row.camera for row in rows if row.camera is not None}
        self._rows = len(rows)
        # When each was taken, wall-clock seconds; nan (also of a place): unknown, compares false.
        self.moments = np.array([row.moment for row in rows], np.float64)
        self._latitudes = np.array([row.latitude for row in rows], np.float64)
        self._longitudes = np.array([row.longitude for row in rows], np.float64)
        self._labels = np.array([one for row in rows for one in row.labels], np.int64)
        self._labelled = np.repeat(np.arange(len(rows)), [len(row.labels) for row in rows])

    def __len__(self) -> int:
        """Rows."""
        return self._rows

    def joined(self, rows: Sequence[Traits]) -> Columns:
        """With these rows appended."""
        more = Columns(rows)
        more.cameras |= self.cameras
        more.moments = np.concatenate([self.moments, more.moments])
        more._latitudes = np.concatenate([self._latitudes, more._latitudes])
        more._longitudes = np.concatenate([self._longitudes, more._longitudes])
        more._labels = np.concatenate([self._labels, more._labels])
        more._labelled = np.concatenate([self._labelled, more._labelled + self._rows])
        more._rows += self._rows
        return more

    def picked(self, rows: Rows) -> Columns:
        """Only these rows, each at most once, in this order."""
        fewer = Columns()
        fewer.cameras, fewer._rows = self.cameras, len(rows)
        fewer.moments, fewer._latitudes = self.moments[rows], self._latitudes[rows]
        fewer._longitudes = self._longitudes[rows]
        place = np.full(self._rows, -1, np.int64)
        place[rows] = np.arange(len(rows))
        labelled = place[self._labelled]
        fewer._labels, fewer._labelled = self._labels[labelled >= 0], labelled[labelled >= 0]
        return fewer

    def replaced(self, rows: Rows, others: Sequence[Traits]) -> Columns:
        """With these traits in these rows, in ascending order."""
        last = len(self)
        order = np.arange(last)
        order[rows] = np.arange(last, last + len(rows))
        return self.joined(others).picked(order)

    def counts(self, rows: Rows) -> Counts:
        """Counts of these rows, each of one photo, as far as they have a path."""
        mask = np.zeros(self._rows, np.bool_)
        mask[rows] = True
        there = np.zeros(self._rows, np.bool_)
        there[self._labelled[self._labels == ROOT]] = True
        mask &= there
        found = np.sort(self._labels[mask[self._labelled]])
        first = np.flatnonzero(np.append(True, found[1:] != found[:-1])[: len(found)])
        having = np.diff(first, append=len(found))
        return Counts.of(found[first], having, self.moments[mask])

    def passing(self, where: Filter) -> Rows:
        """The rows that pass, in ascending order."""
        mask = where.during(self.moments)
        for wanted in where.by_labels(self.having, self.cameras):
            mask &= wanted
        if unwanted := where.unwanted():
            mask &= ~self.having(unwanted)
        if where.near is not None:
            latitude, longitude, km = where.near
            mask &= distance_km(latitude, longitude, self._latitudes, self._longitudes) <= km
        return np.flatnonzero(mask)

    def having(self, labels: Iterable[int]) -> Mask:
        """Whether each row has any of these labels: (n,)."""
        having = np.zeros(self._rows, np.bool_)
        having[self._labelled[np.isin(self._labels, list(labels))]] = True
        return having
