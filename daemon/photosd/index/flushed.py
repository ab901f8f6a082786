"""The table on disk: rows of a LanceDB table, searched by 16-bit codes (see codes.py).

The codes are in the table's directory, so that they move with it. They record the version of the
table; for another version they are rebuilt, which takes a second for 100,000 rows.
"""

from __future__ import annotations

import datetime
import functools
import itertools
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from photosd.core.typed import from_json
from photosd.index import filter_columns
from photosd.index.codes import Codes, Mask, Rows
from photosd.index.counting import NOTHING, Counts
from photosd.index.filter_columns import FilterColumns
from photosd.index.filters import UNDATED, Filter, latest_first
from photosd.index.matrix import AT_ONCE, Alive, Measure, Vectors
from photosd.index.passing import PassingRows, nowhere
from photosd.index.table import IN_ONE_LIST, has_index, open_table, quoted, sound

log = structlog.get_logger()

TILES_SPARE = 8  # rows in addition to the requested ones, since a panorama has three
SPARSE = 0.1  # of the rows are deleted: rebuild the codes
BATCH = 8192  # rows read at once
KEEP_VERSIONS = datetime.timedelta(seconds=15)  # for searches that began before a commit
CONTENT = "content"  # the one column that writers look up
CODES, STATE, CONTENTS, GONE = "_codes", "state.json", "contents.npz", "gone.npy"


class State(msgspec.Struct, frozen=True):
    """The table version of the codes; ``layout``: of these files."""

    version: int
    layout: int = 1


class Snapshot(NamedTuple):
    """Data of a search: codes and traits of rows, the content of each, ascii, the order of the
    contents, and the deleted rows.
    """

    directory: Path
    codes: Codes
    traits: FilterColumns
    contents: NDArray[np.bytes_]
    order: Rows
    gone: Mask
    first: Mask  # the first row of each content

    @classmethod
    def load(cls, directory: Path, dimension: int) -> Self:
        """Raises OSError, ValueError or KeyError if the files are incomplete."""
        codes, traits = Codes(directory, dimension), FilterColumns.load(directory)
        with np.load(directory / CONTENTS) as arrays:
            contents, order = arrays["contents"], arrays["order"]
        gone = np.zeros(len(contents), np.bool_)
        gone[np.load(directory / GONE)] = True
        if not len(codes) == len(traits) == len(contents) == len(order):
            raise ValueError(f"the files in {directory} have different numbers of rows")
        ordered = contents[order]
        first = np.zeros(len(contents), np.bool_)
        first[order] = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
        return cls(directory, codes, traits, contents, order, gone, first)

    def rows_of(self, contents: Sequence[str], *, gone: bool = False) -> dict[str, Rows]:
        """Rows of those of these contents that have any; with ``gone`` ones on request."""
        asked, first, end = self._ranges(contents)
        found = {}
        for content, start, stop in zip(asked, first.tolist(), end.tolist(), strict=True):
            rows = self.order[start:stop]
            if stop > start and (gone or not self.gone[rows[0]]):
                found[content] = rows
        return found

    def _ranges(self, contents: Collection[str]) -> tuple[list[str], Rows, Rows]:
        """Contents that may have rows, and where these begin and end in ``order``."""
        kind = self.contents.dtype
        asked = [content for content in contents if len(content) <= kind.itemsize]
        sought = np.array([content.encode() for content in asked], kind)
        first = np.searchsorted(self.contents, sought, sorter=self.order)
        end = first.copy()
        same = np.arange(len(end))  # those of which one more row may follow
        while len(same := same[end[same] < len(self.order)]):
            same = same[self.contents[self.order[end[same]]] == sought[same]]
            end[same] += 1
        return asked, first, end

    def first_rows(self, contents: Sequence[str]) -> Rows:
        """A row of each of these contents (n,); -1 for those without one."""
        sought = np.array([content.encode() for content in contents], np.bytes_)
        if not len(sought) or not len(self.order):
            return np.full(len(sought), -1, np.int64)
        places = np.searchsorted(self.contents, sought, sorter=self.order)
        rows = self.order[np.minimum(places, len(self.order) - 1)]
        there = (self.contents[rows] == sought) & ~self.gone[rows]
        found: Rows = np.where(there, rows, -1)
        return found

    def having(self, contents: Collection[str] | None) -> Mask:
        """The rows of these contents; all for None."""
        mask = np.full(len(self.contents), contents is None)
        _, first, end = self._ranges(sorted(contents or ()))
        lengths = end - first
        before = np.cumsum(lengths) - lengths  # rows of the contents before each
        mask[self.order[np.arange(lengths.sum()) + np.repeat(first - before, lengths)]] = True
        return mask

    def passing(self, where: Filter) -> Mask:
        """The rows that pass a filter."""
        found = self.traits.passing(where)
        return found if where.among is None else found & self.having(where.among)

    def without(self, contents: Sequence[str]) -> Snapshot:
        """Without the rows of these contents, also on disk. Raises OSError, and may be called
        again.
        """
        found = list(self.rows_of(contents, gone=True).values())
        if found:
            rows = np.concatenate(found)
            self.gone[rows] = True
            self.codes.wipe(rows)
        return self

    def relabelled(self, changes: Any) -> Snapshot:
        """With other traits: an Arrow table, see `table.traits_table`."""
        contents = changes.column(CONTENT).to_pylist()
        found = self.rows_of(contents)
        if not found:
            return self
        each = [len(found.get(content, ())) for content in contents]
        taken = changes.take(np.repeat(np.arange(len(contents)), each))
        rows = np.concatenate([found[content] for content in contents if content in found])
        return self._replace(traits=self.traits.relabelled(rows, taken))


Change = Callable[[Snapshot], Snapshot]


class FlushedTable:
    """Same interface as Matrix, for a table. Any thread may use it."""

    def __init__(self, directory: Path, name: str, dimension: int) -> None:
        self.table = open_table(directory, name, dimension)
        self._place, self._dimension = directory / f"{name}.lance" / CODES, dimension
        self._lock = threading.Lock()  # of the codes
        self._now: Snapshot | None = None
        self._missed: list[Change] | None = None  # for codes that are being built
        self.complete = False

    @property
    def ready(self) -> bool:
        """Whether it has codes, or a table's index from photosd 0.1."""
        return any(self._place.glob(f"*/{STATE}")) or has_index(self.table)

    @property
    def outdated(self) -> bool:
        """Whether the table has search indexes from photosd 0.1."""
        return any(index.columns != [CONTENT] for index in self.table.list_indices())

    def open(self) -> None:
        """Load the codes, or build them if they are for another version of the table.

        Raises LanceDB's errors if a file of the table is missing or truncated.
        """
        for _ in self.table.search().select(["tile", "moment"]).to_batches(BATCH):
            pass  # codes do not need the table, until photos move
        for directory in self._directories():
            if (found := self._loaded(directory)) is not None:
                self._now, self.complete = found, True
                self._sweep(directory)
                return
        self._rebuild()

    def _loaded(self, directory: Path) -> Snapshot | None:
        """The codes there, if complete and for the current table."""
        try:
            state = from_json((directory / STATE).read_bytes(), State)
            if state == State(self.table.version):
                return Snapshot.load(directory, self._dimension)
        except Exception as error:
            log.debug("codes_not_loaded", directory=str(directory), cause=str(error)[:300])
        return None

    def _directories(self) -> list[Path]:
        """Directories of codes, latest first."""
        found = self._place.glob("*")
        return sorted((one for one in found if one.name.isdecimal()), reverse=True)

    def _sweep(self, kept: Path) -> None:
        """Delete all codes except these: later deletions are wiped from these only."""
        for directory in self._directories():
            if directory != kept:
                shutil.rmtree(directory, ignore_errors=True)

    def __len__(self) -> int:
        """Rows: one a tile."""
        now = self._now
        return 0 if now is None else int(np.count_nonzero(~now.gone))

    def contents(self) -> set[str]:
        """Every content id with a vector."""
        if self._now is None:
            batches = self.table.search().select(["content"]).to_batches(BATCH)
            return {one for batch in batches for one in batch.column("content").to_pylist()}
        return {content.decode() for content in self._now.contents[~self._now.gone].tolist()}

    # -- writing: one thread at a time, and one that rebuilds ---------------------------------

    def append(self, rows: Any) -> None:
        """Append a batch of rows of another table; searches find them after the next rebuild.

        The caller has deleted this table's rows of the same contents; it is not done here, because
        one content's tiles may come in two batches. Vectors damaged on disk are left out, and
        re-created after the next start.
        """
        import pyarrow as pa

        self.complete = False
        found = pa.Table.from_batches([rows]).select(self.table.schema.names)
        self.table.add(found, on_bad_vectors="drop")

    def remove(self, contents: Sequence[str]) -> None:
        """Delete the rows of these contents, also from the codes on disk."""
        for start in range(0, len(contents), IN_ONE_LIST):
            part = contents[start : start + IN_ONE_LIST]
            (listed,) = quoted(part)
            with self._lock:  # released in between: another writer may wait
                if self.table.count_rows(f"content IN ({listed})"):
                    self.table.delete(f"content IN ({listed})")
                self._change(functools.partial(Snapshot.without, contents=part))

    def full_rows(self, contents: Sequence[str]) -> Any:
        """The full rows of these contents, as an Arrow table; they stay until removed."""
        import pyarrow as pa

        found = [
            self.table.search().where(f"content IN ({p})").to_arrow() for p in quoted(contents)
        ]
        return pa.concat_tables(found)

    def relabel(self, changes: Any) -> None:
        """Set columns of many contents: an Arrow table, see `table.traits_table`."""
        with self._lock:
            self.complete = False
            self.table.merge_insert("content").when_matched_update_all().execute(changes)
            self._change(functools.partial(Snapshot.relabelled, changes=changes))

    def _change(self, change: Change) -> None:
        """Apply the table's change to the codes, and record it for codes being built."""
        if self._missed is not None:
            self._missed.append(change)
        if self._now is not None:
            self._now = change(self._now)
            self._save()

    def compact(self) -> None:
        """Rebuild the codes: a second for 100,000 rows.

        Searches and writes are not blocked.
        """
        self._index_contents()
        if not self.complete or self._sparse():
            self._rebuild()
        self.tidy()

    def tidy(self) -> None:
        """Merge fragments and delete versions unused for a while."""
        self.table.optimize(cleanup_older_than=KEEP_VERSIONS)
        with self._lock:
            self._save()

    def _sparse(self) -> bool:
        now = self._now
        return now is not None and bool(np.count_nonzero(now.gone) > SPARSE * len(now.gone))

    def _index_contents(self) -> None:
        """Index the columns for writers; drop the search indexes of photosd 0.1."""
        from lancedb.index import BTree

        there = {index.name: index.columns for index in self.table.list_indices()}
        for name, columns in there.items():
            if columns != [CONTENT]:
                self.table.drop_index(name)
        if [CONTENT] not in there.values():
            self.table.create_index(CONTENT, config=BTree())

    def _rebuild(self) -> None:
        """Build codes of the table and use them; the old ones serve until then."""
        with self._lock:
            missed: list[Change] = []
            self._missed = missed
        old = self._directories()
        directory = self._place / f"{int(old[0].name) + 1 if old else 1:08}"
        try:
            directory.mkdir(parents=True)
            damaged = self._write(directory)
            with self._lock:
                made = now = Snapshot.load(directory, self._dimension).without(damaged)
                for change in missed:
                    now = change(now)
                complete = now.traits is made.traits  # else labels on disk are older
                if complete:
                    self._write_state(now)
                self._now, self.complete, self._missed = now, complete, None
        except BaseException:
            self._missed = None
            shutil.rmtree(directory, ignore_errors=True)
            raise
        self._sweep(directory)
        if damaged:
            remedy = "no action needed: they are re-created when photosd starts"
            log.error("vectors_damaged", contents=len(damaged), remedy=remedy)

    def _write(self, directory: Path) -> list[str]:
        """Write the codes of the table; returns contents with damaged vectors."""
        damaged: set[str] = set()
        traits: list[Any] = []
        names: list[NDArray[np.bytes_]] = [np.empty(0, "S1")]

        def parts() -> Iterator[Vectors]:
            columns = ["content", "vector", *filter_columns.COLUMNS]
            for batch in self.table.search().select(columns).to_batches(BATCH):
                traits.append(batch.select(filter_columns.COLUMNS))
                names.append(np.array(batch.column("content").to_pylist(), np.bytes_))
                flat = batch.column("vector").flatten().to_numpy(zero_copy_only=False)
                found = flat.reshape(-1, self._dimension)
                if not (fit := sound(found)).all():
                    damaged.update(name.decode() for name in names[-1][~fit].tolist())
                    found = np.where(fit[:, None], found, np.float32(0))
                yield found

        Codes.write(directory, self._dimension, parts())
        FilterColumns.of(traits).save(directory)
        contents = np.concatenate(names)
        order = np.argsort(contents, kind="stable")
        np.savez(directory / CONTENTS, contents=contents, order=order)
        np.save(directory / GONE, np.empty(0, np.int64))
        return sorted(damaged)

    def _save(self) -> None:
        """Record that the codes match the current table, if they do."""
        if self._now is None or not self.complete:
            return
        try:
            self._write_state(self._now)
        except FileNotFoundError:  # they were deleted: the next rebuild re-creates them
            self.complete = False

    def _write_state(self, now: Snapshot) -> None:
        np.save(now.directory / GONE, np.flatnonzero(now.gone))
        fresh = now.directory / f"{STATE}.new"
        fresh.write_bytes(msgspec.json.encode(State(self.table.version)))
        fresh.replace(now.directory / STATE)

    # -- reading ------------------------------------------------------------------------------

    def vectors_of(self, contents: Sequence[str]) -> dict[str, Vectors]:
        """The vectors (tiles, d) of those of these contents that have any."""
        now = self._now
        if now is None or not (found := now.rows_of(contents)):
            return {}
        every = now.codes.vectors(np.concatenate(list(found.values())))
        ends = itertools.accumulate(map(len, found.values()), initial=0)
        parts = (every[start:end] for start, end in itertools.pairwise(ends))
        return dict(zip(found, parts, strict=True))

    def counts(
        self, where: Filter | None, contents: Collection[str] | None, hidden: Sequence[str]
    ) -> Counts:
        """Counts of the photos that have a path and pass ``where``, of those in ``contents`` if not
        None, without the ``hidden`` ones.
        """
        now = self._now
        if now is None:
            return NOTHING
        mask = now.first & ~now.gone
        mask &= now.having(contents)
        if where is not None:
            mask &= now.passing(where)
        if hidden:
            mask &= ~now.having(hidden)
        return now.traits.counts(mask)

    def nearest(
        self,
        query: Vectors,
        count: int,
        where: Filter | None = None,
        hidden: Callable[[str], bool] = lambda _content: False,
    ) -> list[tuple[str, float]]:
        """The ``count`` nearest contents and their cosine, best first; the best tile counts.

        ``query``: (d,) float32 of unit length. Only contents that pass ``where`` and are not
        ``hidden``.
        """
        now = self._now
        if now is None:
            return []
        passing = None if where is None else now.passing(where)
        if now.gone.any():
            passing = ~now.gone if passing is None else passing & ~now.gone
        take = count + TILES_SPARE
        while True:
            rows, cosines = now.codes.nearest(query, take, passing)
            found: dict[str, float] = {}
            for name, cosine in zip(now.contents[rows].tolist(), cosines.tolist(), strict=True):
                content = name.decode()
                if content not in found and not hidden(content):
                    found[content] = cosine
            if len(found) >= count or len(rows) < take:
                return list(found.items())[:count]
            take *= 2

    def passing(self, where: Filter) -> PassingRows:
        """The rows that pass ``where``."""
        now = self._now
        if now is None:
            return PassingRows(np.zeros(0, np.bool_), nowhere, lambda _rows: [])

        def contents(rows: Rows) -> list[str]:
            return [name.decode() for name in now.contents[rows].tolist()]

        return PassingRows(now.passing(where) & ~now.gone, now.first_rows, contents)

    def latest(
        self,
        count: int,
        where: Filter,
        among: Collection[str] | None,
        hidden: Callable[[str], bool],
        *,
        oldest: bool,
    ) -> list[tuple[str, float]]:
        """The ``count`` contents taken last, or first, of those that pass ``where``, are in
        ``among`` if not None, and are not ``hidden``; and when, as `filters.latest_first` gives it.
        """
        now = self._now
        if now is None:
            return []

        def name(row: int) -> str | None:
            content: str = now.contents[row].decode()
            return None if hidden(content) else content

        mask = now.passing(where) & ~now.gone & now.having(among)
        rows = np.flatnonzero(mask)
        undated = now.traits.having([UNDATED])
        return latest_first(rows, now.traits.moments, undated, count, name, oldest=oldest)

    def best(self, queries: Vectors, alive: Alive, measure: Measure) -> tuple[Vectors, int]:
        """The best score of each query (n, d) with any row of a content that has a path, -1 without
        any: (n,) float32; and the number of those rows.
        """
        found, total, now = np.full(len(queries), -1, np.float32), 0, self._now
        if now is None:
            return found, total
        for start in range(0, len(now.contents), AT_ONCE):
            rows = start + np.flatnonzero(~now.gone[start : start + AT_ONCE])
            names = [name.decode() for name in now.contents[rows].tolist()]
            living = alive(names)
            rows = rows[[name in living for name in names]]
            if len(rows):
                part = now.codes.vectors(rows)
                found = np.maximum(found, measure(queries, part).max(axis=1))
                total += len(rows)
        return found, total
