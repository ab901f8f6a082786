"""Copies: files with the same bytes, and the largest pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from photosd.index.database import Database
from photosd.index.photo import Photo, photos, range_below

PARAMETERS = 500  # of one statement


class Copies:
    """Queries the catalog for indexed photos by content; ``below``: only in that directory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def repeated(self, below: bytes | None) -> Iterator[list[Photo]]:
        """The photos of each content with several paths, largest files first."""
        where, values = _indexed(below)
        rows = photos(
            self._database,
            f"WHERE {where} AND content IN (SELECT content FROM photos WHERE {where}"
            " GROUP BY content HAVING count(*) > 1) ORDER BY size DESC, content, path",
            values * 2,
        )
        for _, group in itertools.groupby(rows, key=lambda photo: photo.content):
            yield list(group)

    def largest_first(self, below: bytes | None) -> list[str]:
        """All contents, by pixels and then by bytes."""
        where, values = _indexed(below)
        with self._database.read() as db:
            return [
                content
                for (content,) in db.execute(
                    f"SELECT content FROM photos JOIN contents USING(content) WHERE {where}"
                    " GROUP BY content ORDER BY json_extract(facts, '$.width')"
                    " * json_extract(facts, '$.height') DESC, size DESC, content",
                    values,
                )
            ]

    def holding(self, contents: Sequence[str], below: bytes | None) -> dict[str, list[Photo]]:
        """The photos of each of these contents, in order of path."""
        found: dict[str, list[Photo]] = {}
        where, values = _indexed(below)
        for start in range(0, len(contents), PARAMETERS):
            part = contents[start : start + PARAMETERS]
            marks = ",".join("?" * len(part))
            clause = f"WHERE {where} AND content IN ({marks}) ORDER BY path"
            for photo in photos(self._database, clause, (*values, *part)):
                found.setdefault(photo.content or "", []).append(photo)
        return found


def _indexed(below: bytes | None) -> tuple[str, tuple[bytes, ...]]:
    """The condition for indexed photos in a directory, and its values."""
    if below is None:
        return "state = 'indexed'", ()
    return "state = 'indexed' AND path > ? AND path < ?", range_below(below)
