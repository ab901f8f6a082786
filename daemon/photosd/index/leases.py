"""Leases: the photos in progress and their stages; the supply of the next ones.

A photo is on the work list, or has one lease in one stage. No other counter exists, so the state
stays correct after a failed step. From a slow folder one photo is read at a time: it occupies a
decoder for long, and the others read photos of other folders.
"""

from __future__ import annotations

import enum
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from photosd.decode.pool import Decoded
from photosd.index.photo import Photo
from photosd.index.worklist import Work

FETCH = 256


class Stage(enum.Enum):
    """The stage of a photo. In the first three another part must respond."""

    DECODING = "a decoder has it, or is about to"
    ENCODING = "the encoder has it"
    TESTING = "the encoder is tested with a plain picture"
    READY = "decoded; the encoder takes it with others"
    ALONE = "decoded; it may crash the encoder"
    TO_TEST = "the encoder failed on it alone, and must be tested"
    SHARING = "decoded; another photo with the same content is on its way"
    FINISHED = "the committer has it"


ELSEWHERE = (Stage.DECODING, Stage.ENCODING, Stage.TESTING)
LEADING = (Stage.READY, Stage.ALONE, Stage.ENCODING, Stage.TO_TEST, Stage.TESTING)
WAITING = (Stage.READY, Stage.ALONE, Stage.TO_TEST, Stage.SHARING)


@dataclass(eq=False)
class Lease:
    """One photo in progress; ``batch``: the encoder's batch."""

    photo: Photo
    stage: Stage = Stage.DECODING
    decoded: Decoded | None = None
    batch: int = 0
    reason: str = ""  # why the encoder failed on it
    kind: str = ""
    since: float = field(default_factory=time.monotonic)  # when it came to its stage

    @property
    def pixels(self) -> Decoded:
        """The decoded pixels; only for decoded photos."""
        if self.decoded is None:
            raise RuntimeError("not decoded yet")
        return self.decoded


@dataclass
class Leases:
    """All photos in progress. For one thread; others may read the counts."""

    _by_path: dict[bytes, Lease] = field(default_factory=dict)
    _stages: dict[Stage, dict[bytes, Lease]] = field(
        default_factory=lambda: {stage: {} for stage in Stage}
    )

    def __len__(self) -> int:
        return len(self._by_path)

    def __contains__(self, path: bytes) -> bool:
        return path in self._by_path

    def take(self, photo: Photo) -> Lease:
        """Start a lease for a photo, to be decoded."""
        lease = self._by_path[photo.path] = Lease(photo)
        self._stages[lease.stage][photo.path] = lease
        return lease

    def move(self, lease: Lease, stage: Stage, *, first: bool = False) -> None:
        """Move to another stage, after the others there or ``first`` of them."""
        if not self.holds(lease):
            return
        del self._stages[lease.stage][lease.photo.path]
        lease.stage, lease.since = stage, time.monotonic()
        place = self._stages[stage]
        others = dict(place) if first else {}
        if first:
            place.clear()
        place[lease.photo.path] = lease
        place.update(others)

    def end(self, lease: Lease) -> None:
        """End the lease."""
        if self.holds(lease):
            del self._by_path[lease.photo.path]
            del self._stages[lease.stage][lease.photo.path]

    def holds(self, lease: Lease) -> bool:
        """Whether this lease is still active: a later lease of the same photo is another one."""
        return self._by_path.get(lease.photo.path) is lease

    def of(self, *stages: Stage) -> list[Lease]:
        """Those at these stages, in order of arrival."""
        return [lease for stage in stages for lease in self._stages[stage].values()]

    def count(self, *stages: Stage) -> int:
        """Number of photos at these stages."""
        return sum(len(self._stages[stage]) for stage in stages)

    def waited(self, stage: Stage) -> float:
        """Seconds that the first at this stage has been there; 0: there is none."""
        first = next(iter(self._stages[stage].values()), None)
        return 0.0 if first is None else time.monotonic() - first.since

    def batches(self) -> int:
        """Number of batches at the encoder."""
        return len({lease.batch for lease in self.of(Stage.ENCODING, Stage.TESTING)})

    def tiles(self) -> int:
        """Number of images waiting to be encoded in batches."""
        return sum(len(lease.pixels.pixels) for lease in self.of(Stage.READY))

    def next_batch(self, most_tiles: int) -> list[Lease]:
        """The first ready photos, up to this many images, but at least one photo."""
        batch: list[Lease] = []
        for lease in self.of(Stage.READY):
            if batch and sum(len(one.pixels.pixels) for one in [*batch, lease]) > most_tiles:
                break
            batch.append(lease)
        return batch

    def with_sharers(self, lease: Lease) -> list[Lease]:
        """It and, once decoded, those that wait for the same content."""
        if lease.decoded is None or lease.stage not in LEADING:
            return [lease]
        return [lease, *self.of_content(lease.decoded.content_id, Stage.SHARING)]

    def of_content(self, content: str, *stages: Stage) -> list[Lease]:
        """Those at these stages with this content."""
        return [one for one in self.of(*stages) if one.pixels.content_id == content]


class Supply:
    """Photos fetched from a work list and not yet in progress. Not thread-safe."""

    def __init__(self, work: Work, leases: Leases, slow: Callable[[], Collection[int]]) -> None:
        """``slow`` returns the ids of the folders that are slow now."""
        self._work, self._leases, self._slow = work, leases, slow
        self._fetched: deque[Photo] = deque()

    def next(self) -> Photo | None:
        """A photo that is not in progress, or None."""
        crowded = self._crowded()
        photo = self._first(crowded)
        if photo is None:
            self._fetched.extend(self._work.due(FETCH + len(self._leases), crowded))
            photo = self._first(crowded)
        if photo is not None and photo.deaths and self._leases:
            # Its last try, when nothing else is in progress.
            self._work.release([photo.path])
            self.give_back()
            return None
        return photo

    def give_back(self) -> None:
        """Release all photos fetched; they are still on the work list."""
        self._work.release([photo.path for photo in self._fetched])
        self._fetched.clear()

    def _crowded(self) -> set[int]:
        """Slow folders with a photo at a decoder."""
        reading = {lease.photo.folder for lease in self._leases.of(Stage.DECODING)}
        return reading.intersection(self._slow()) if reading else reading

    def _first(self, crowded: Collection[int]) -> Photo | None:
        while self._fetched:
            photo = self._fetched.popleft()
            if photo.folder in crowded:
                self._work.release([photo.path])
            elif photo.path not in self._leases:
                return photo
        return None
