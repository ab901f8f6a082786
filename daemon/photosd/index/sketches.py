"""Sketches: each photo as 16 x 16 greys, to tell copies from photos that only look alike.

A model ignores orientation and layout: to it, a rotated copy is far from its original. Sketches are
made of the whole upright picture on first use, and stored in the catalog. Their means of 8 x 8 are
compared; windows of 16 x 16 greys show whether one picture is the other, cropped.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from photosd.core.errors import Busy
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.pool import Pool, Thumbnail
from photosd.index.catalog import Copies
from photosd.index.database import Database, listed
from photosd.index.folders import Folders
from photosd.index.photo import Photo

SIDE = 8  # means across and down that are compared; docs/adr/0015 compares it with 12 and 16
NUMBERS = SIDE * SIDE
FINE = 2 * SIDE  # greys across and down that are stored
# What a crop leaves of the width and height, and where it may begin.
WINDOW, PLACES = 0.95, (0.0, 0.0125, 0.025, 0.0375, 0.05)
READ_AT = 64  # pixels of the longer side, averaged into greys
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue: ITU-R BT.601
SMOOTH = 3  # every sky is bright above and dark below: remove such gradients
FLAT = 2.0  # greys of 255: a photo with less variation resembles everything
AT_ONCE = 16  # files requested from decoders together: few, so that progress is told
SECONDS = 120.0  # per file, if a decoder never answers; they give up sooner

Bytes = NDArray[np.uint8]
Greys = NDArray[np.float32]


def _details() -> Greys:
    """The matrix that removes brightness, slope and curvature from a sketch: (64, 64).

    These are the polynomials of two variables of a degree below SMOOTH.
    """
    places = (np.arange(SIDE) + 0.5) * 2 / SIDE - 1
    surfaces = [
        np.outer(places**down, places**across).ravel()
        for down in range(SMOOTH)
        for across in range(SMOOTH - down)
    ]
    unit, _ = np.linalg.qr(np.stack(surfaces, axis=1))
    details: Greys = (np.eye(NUMBERS) - unit @ unit.T).astype(np.float32)
    return details


def _cut(start: float, end: float, length: int, parts: int = SIDE) -> Greys:
    """The matrix that averages equal parts of the pixels from start to end: (parts, length)."""
    edges = np.linspace(start, end, parts + 1).astype(np.float32)
    pixels = np.arange(length, dtype=np.float32)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    means: Greys = covered.clip(0) * np.float32(parts / (end - start))
    return means


def _windows() -> Greys:
    """The matrices that take the details of windows of a sketch: (windows, 64, 256)."""
    cuts = [_cut(place * FINE, (place + WINDOW) * FINE, FINE) for place in PLACES]
    return np.stack([DETAILS @ np.kron(down, across) for down in cuts for across in cuts])


DETAILS = _details()
WHOLE = DETAILS @ np.kron(_cut(0, FINE, FINE), _cut(0, FINE, FINE))  # (64, 256)
WINDOWS = _windows()


class Sketches:
    """Sketches of the photos of a library. For one thread."""

    def __init__(self, database: Database, folders: Folders, pool: Pool) -> None:
        self._database, self._pool, self._copies = database, pool, Copies(database)
        self._away = {folder.id for folder in folders.all() if not folder.present}

    def of(self, contents: Sequence[str]) -> Greys:
        """The details of each: (n, 64) float32, unit length; all 0 without details, as for a clear
        sky: these resemble nothing. NaN if a photo cannot be read now.
        """
        known = self._kept(contents)
        missing = [content for content in contents if content not in known]
        for start in range(0, len(missing), AT_ONCE):
            known |= self._made(missing[start : start + AT_ONCE])
        return np.stack([_details_of(known.get(content)) for content in contents])

    def windows(self, content: str) -> Greys:
        """The details of parts of a picture, as crops by 5 % have them: (25, 64) float32, each of
        unit length or 0; all 0 if the sketch is unknown.
        """
        greys = self._kept([content]).get(content)
        if greys is None:
            return np.zeros((len(WINDOWS), NUMBERS), np.float32)
        return _normal(WINDOWS @ greys.astype(np.float32))

    def _kept(self, contents: Sequence[str]) -> dict[str, Bytes]:
        with self._database.read() as db:
            rows = db.execute(
                "SELECT content, greys FROM sketches"
                " WHERE content IN (SELECT value FROM json_each(?))",
                (listed(contents),),
            )
            sketches = {content: np.frombuffer(greys, np.uint8) for content, greys in rows}
        return {content: greys for content, greys in sketches.items() if greys.size == FINE * FINE}

    def _made(self, contents: Sequence[str]) -> dict[str, Bytes]:
        """Sketches of photos that can be read now; stored for later."""
        held = self._copies.holding(contents, None)
        asked = {content: self._asked(held.get(content, [])) for content in contents}
        made = {
            content: greys
            for content, future in asked.items()
            if future is not None and (greys := _greys(content, future)) is not None
        }
        with self._database.write(quiet=True) as db:
            rows = [(content, greys.tobytes()) for content, greys in made.items()]
            db.executemany("INSERT OR REPLACE INTO sketches VALUES(?, ?)", rows)
        return made

    def _asked(self, photos: Sequence[Photo]) -> concurrent.futures.Future[Thumbnail] | None:
        """A small picture of an available photo."""
        path = next((one.path for one in photos if one.folder not in self._away), None)
        if path is None:
            return None
        try:
            return self._pool.thumbnail(path, (READ_AT, READ_AT), form="rgb", background=True)
        except Busy:
            return None


def resemblance(sketches: NDArray[np.floating], others: NDArray[np.floating]) -> Greys:
    """The correlation of sketches (n, 64) with others (m, 64), maximised over rotations by 90°: (n,
    m), 1 for the same picture; NaN if either is unknown.
    """
    squares = sketches.reshape(-1, SIDE, SIDE).astype(np.float32)
    columns = others.T.astype(np.float32)
    found = np.full((len(sketches), len(others)), -1, np.float32)
    for quarters in range(4):
        turned = np.rot90(squares, quarters, axes=(1, 2)).reshape(sketches.shape)
        np.maximum(found, turned @ columns, out=found)
    return found


def _greys(content: str, future: concurrent.futures.Future[Thumbnail]) -> Bytes | None:
    """(256,) means of a small picture in grey; None without one, or if the file has changed."""
    try:
        small = future.result(SECONDS)
    except (DecodeFailed, concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
        return None
    if small.content_id != content:
        return None
    picture = np.frombuffer(small.data, np.uint8).reshape(small.height, small.width, 3) @ GREY
    down, across = (_cut(0, length, length, FINE) for length in (small.height, small.width))
    return np.round(down @ picture @ across.T).astype(np.uint8).ravel()


def _details_of(greys: Bytes | None) -> Greys:
    """(64,) of unit length, of a sketch (256,); see `Sketches.of`."""
    if greys is None:
        return np.full(NUMBERS, np.nan, np.float32)
    return _normal(WHOLE @ greys.astype(np.float32))


def _normal(details: Greys) -> Greys:
    """``details`` with unit length (…, 64); 0 if there is hardly any detail."""
    lengths = np.linalg.norm(details, axis=-1, keepdims=True)
    flat = details.std(axis=-1, keepdims=True) < FLAT
    normal: Greys = np.where(flat, 0, details / np.maximum(lengths, 1e-6)).astype(np.float32)
    return normal
