"""The work list of a model switch: contents that the next model has not encoded yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable

from photosd.index.database import Database, Reader
from photosd.index.photo import Photo, photos
from photosd.index.worklist import SILENT_SECONDS, WorkFailure
from photosd.watch.scanner import Entry

MAX_TRIES = 3  # times a photo may be postponed; after the switch the normal work list takes over


# One path of each content that is readable now and has no vector of the model. "+": SQLite must use
# the index by content, not by folder, since each batch continues after the last content.
LEFT = (
    "WHERE state = 'indexed' AND +folder IN"
    " (SELECT id FROM folders WHERE state IN ('ok', 'scan_only')) AND NOT EXISTS"
    " (SELECT 1 FROM embedded WHERE model = ? AND embedded.content = photos.content)"
)


class ReencodingList:
    """Replaces the `WorkList` during a switch; derived from the catalog, which it never changes.

    It records only postponed photos; they are retried after the switch, as pending photos.
    """

    def __init__(self, database: Database, model: str) -> None:
        self._model = model
        self._reader = Reader(database.file)  # so that long scans do not block others
        self._lock = threading.Lock()
        self._after = ""
        self._later: dict[str, tuple[float, int]] = {}  # content: not before (monotonic); times
        self.given_up: set[str] = set()
        self._in_progress: dict[bytes, str] = {}  # paths that the pipeline has, and their contents
        self._exhausted = False

    def left(self) -> int:
        """Contents still to encode; at a million photos this takes a second."""
        with self._reader.read() as db:
            row = db.execute(
                f"SELECT count(DISTINCT content) FROM photos {LEFT}", (self._model,)
            ).fetchone()
        return max(0, int(row[0]) - len(self.given_up))

    def exhausted(self) -> bool:
        """Whether the pipeline's last request found nothing left to do."""
        return self._exhausted

    def close(self) -> None:
        """Close the connection to the catalog."""
        self._reader.close()

    # -- interface of a work list -----------------------------------------------------------------

    def due(self, limit: int, without: Collection[int] = ()) -> list[Photo]:
        """The next photos in order of content; after the last one, again from the first."""
        from_the_first, begun = not self._after, time.monotonic()
        found = self._next(limit)
        if not (found or from_the_first or self._in_progress):  # once: a pass takes long
            begun = time.monotonic()
            found, from_the_first = self._next(limit), True
        if not found and from_the_first:
            self._forget_vanished(begun)
        self._exhausted = not (found or self._later or self._in_progress) and from_the_first
        with self._lock:
            self._in_progress.update((photo.path, photo.content or "") for photo in found)
        return found

    def _next(self, limit: int) -> list[Photo]:
        """The next contents after the last one; empty at the end, then restarts."""
        while found := self._from(self._after, limit):
            self._after = found[-1].content or ""
            now = time.monotonic()
            if ready := [photo for photo in found if self._may(photo.content or "", now)]:
                return ready
        self._after = ""
        return []

    def next_due(self) -> float | None:
        """When a postponed content is due, Unix seconds."""
        with self._lock:
            first = min((until for until, _ in self._later.values()), default=None)
        return None if first is None else time.time() + first - time.monotonic()

    def perhaps_known(self, _photo: Photo) -> bool:
        """Never: without a vector of this model every content must be decoded."""
        return False

    def done(self, finished: Iterable[tuple[Entry, str]]) -> None:
        """These have their vectors; the catalog knows from `Contents.record`. Contents that their
        files no longer have are left to the work list.
        """
        with self._lock:
            for entry, content in finished:
                expected = self._in_progress.pop(entry.path, content)
                self._later.pop(expected, None)
                if expected != content:  # the same size and time: else it comes up again and again
                    self.given_up.add(expected)

    def failed(self, photo: Photo, _failure: WorkFailure, *, deaths: int = 0) -> None:
        """Leave it to the work list, which retries and quarantines."""
        self._skip(photo)

    def postpone(self, photo: Photo, due: float, *, deaths: int | None = None) -> None:
        """Not before ``due``; dropped after a worker crashed on it, or after several times."""
        content = photo.content or ""
        with self._lock:
            times = self._later.get(content, (0.0, 0))[1] + 1
            self._later[content] = (time.monotonic() + due - time.time(), times)
            self._in_progress.pop(photo.path, None)
        if deaths or times >= MAX_TRIES:
            self._skip(photo)

    def away(self, photo: Photo) -> None:
        """The same, since the share that it is on may respond soon."""
        self.postpone(photo, time.time() + SILENT_SECONDS)

    def journal(self, paths: Iterable[bytes]) -> None:
        """Nothing: photos that may crash a worker are left to the work list, after the switch."""

    def release(self, paths: Iterable[bytes]) -> None:
        """The pipeline releases these; unfinished ones come up again."""
        with self._lock:
            for path in paths:
                self._in_progress.pop(path, None)

    def journaled(self) -> set[bytes]:
        """None: see `journal`."""
        return set()

    def _skip(self, photo: Photo) -> None:
        content = photo.content or ""
        with self._lock:
            self._later.pop(content, None)
            self._in_progress.pop(photo.path, None)
            self.given_up.add(content)

    def _forget_vanished(self, before: float) -> None:
        """Nothing is left that was due then (monotonic): their photos were deleted or changed, or
        their folder is offline. Waiting for them would never end.
        """
        with self._lock:
            self._later = {one: at for one, at in self._later.items() if at[0] > before}

    def _may(self, content: str, now: float) -> bool:
        with self._lock:
            return content not in self.given_up and self._later.get(content, (0.0, 0))[0] <= now

    def _from(self, after: str, limit: int) -> list[Photo]:
        clause = f"{LEFT} AND content > ? GROUP BY content ORDER BY content LIMIT ?"
        return list(photos(self._reader, clause, (self._model, after, limit)))
