"""Every statement on the ways of a query, a comparison and a fill finds its rows by an index.

On a catalog of 200,000 photos without statistics, as a user's is: plans are read, and the steps of
SQLite's machine counted, so that triggers and sub-selects count, too.
"""

from __future__ import annotations

import functools
import inspect
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.large import fill_catalog, rows_of
from photosd.core.clock import Deadline
from photosd.core.errors import EncoderUnavailable
from photosd.decode.decode_errors import DecodeFailed
from photosd.decode.messages import ReadFacts
from photosd.gemini.marked_photos import MarkedPhotos
from photosd.index import database as opening
from photosd.index.catalog import Catalog, Copies
from photosd.index.contents import Contents
from photosd.index.database import Database, Reader
from photosd.index.labels import label
from photosd.index.reencoding import ReencodingList
from photosd.index.rereading import Rereading
from photosd.index.table import Embedding
from photosd.index.vocabulary import Vocabulary
from photosd.index.worklist import WorkFailure, WorkList
from photosd.protocol.requests import FacetsParams, QueryParams, Term, Where
from photosd.search.parsing import question_of
from photosd.watch.scanner import Entry
from tests.search.library import SPEC, Library

pytestmark = pytest.mark.timeout(300)  # the first test fills the catalog

PHOTOS = 50_000
STEPS = 150_000  # of SQLite's machine for one statement; a scan of the photos takes half a million
EVERY = 1000  # steps
BIG = ("photos", "contents", "embedded", "named", "unfiled", "candidates", "matches", "links",
       "vocabulary")  # fmt: skip

# Statements that may look at everything: a part of each, and why.
ALLOWED = {
    "count(DISTINCT content)": "how much a switch has left, a connection of its own, every 5 s",
    "SET state = 'pending', due = ? WHERE state = 'indexed' AND NOT EXISTS": (
        "at the start and at the flip of a switch, which concern every photo"
    ),
    "SELECT content FROM embedded WHERE model = ?": "at the start, which compares every content",
    "WHERE model NOT IN": "at the start, when a model was removed",
    "SELECT count(*) FROM (SELECT 1 FROM names": "how frequent a word is; remembered of each word",
    "json_extract(facts, '$.width')": "the command duplicates looks at every photo",
    "count(*) FROM embedded": "how many previews are left, once a batch, at rest",
    "HAVING count(*) > 1": "the command duplicates looks at every photo",
    "FROM photos WHERE state = ? ORDER BY path": "the command list",
    "WHERE state <> 'gone' ORDER BY path": "the command list",
    "(SELECT content FROM photos WHERE state <> 'gone'": "the command reindex",
    "due = ?, content = NULL": "the command reindex",
    "min(photos.path) AS path": "what may be sent to the cloud, in pieces, while nobody waits",
    "strftime('%Y'": "the photos of a year, while the encoder is away",
    "INSERT INTO unfiled SELECT model": "at a start that found the index damaged",
    "UPDATE orphans SET since = 0": "the command purge",
    "FROM vocabulary WHERE kind = ? GROUP": "suggestions for an unknown name",
    "other.folder <> photos.folder": "a folder in which no known photo is found any more",
}


class Recorder(sqlite3.Connection):
    """Notes each statement, one of its values, and the most steps that it has taken."""

    seen: dict[str, tuple[Any, int]] | None = None  # until it is watched

    def watch(self, seen: dict[str, tuple[Any, int]]) -> None:
        self.seen, self._last = seen, ""
        self._steps = 0
        self.set_progress_handler(self._step, EVERY)

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        self._note(statement, values)
        return super().execute(statement, values)

    def executemany(self, statement: str, values: Any, /) -> sqlite3.Cursor:
        cursor: Any = None
        for one in values:
            cursor = self.execute(statement, one)
        return cursor or self.cursor()

    def _note(self, statement: str, values: Any) -> None:
        if self.seen is not None:
            self._last, self._steps = statement, 0
            self.seen.setdefault(statement, (values, 0))

    def _step(self) -> None:
        if self.seen is None:
            return
        self._steps += EVERY
        values, most = self.seen.get(self._last, ((), 0))
        self.seen[self._last] = values, max(most, self._steps)


class Big:
    """The catalog, and what was asked of it since it was filled."""

    def __init__(self, directory: Path, seen: dict[str, tuple[Any, int]]) -> None:
        self.library, self.seen = Library(directory), seen
        self.rows = list(rows_of(Path("/p"), PHOTOS))
        fill_catalog(self.library.database, 1, SPEC.fingerprint, self.rows)
        self.seen.clear()

    def check(self) -> None:
        """Every statement seen so far has a plan, and took the steps, of a look-up."""
        faults = []
        with self.library.database.read() as db:
            for statement, (values, steps) in list(self.seen.items()):
                if any(part in statement for part in ALLOWED) or not _is_query(statement):
                    continue
                plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
                faults += [f"{line}: {statement}" for line in plan if _is_bad(line, statement)]
                if steps > STEPS:
                    faults.append(f"{steps:,} steps: {statement} {plan}")
        assert not faults, "\n".join(faults)


def _is_query(statement: str) -> bool:
    return statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))


def _is_bad(line: str, statement: str) -> bool:
    """Whether it goes through a large table, or looks for contents among all of one state."""
    if any(index in line for index in ("photos_failed", "photos_raw", "contents_unreadable")):
        return False  # of few rows
    if re.match(rf"SCAN ({'|'.join(BIG)})\b", line):
        return True
    return "(state=?)" in line


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Big]:
    seen: dict[str, tuple[Any, int]] = {}

    connect = opening.connect

    def watched(file: Path) -> sqlite3.Connection:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", functools.partial(plain, factory=Recorder))
            found = connect(file)
        assert isinstance(found, Recorder)
        found.watch(seen)
        return found

    plain = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "connect", watched)
        yield Big(tmp_path_factory.mktemp("big"), seen)


def samples(big: Big) -> dict[str, Any]:
    """A value for each parameter that a method of the catalog has, by its name."""
    row = big.rows[1000]
    photo = big.library.catalog.get(row.path)
    entry = Entry(row.path, row.size, row.mtime_ns, row.inode, row.device)
    assert photo is not None
    return {
        "path": row.path,
        "paths": [row.path],
        "directory": row.path.rpartition(b"/")[0],
        "below": row.path.rpartition(b"/")[0],
        "entry": entry,
        "folder": 1,
        "due": time.time(),
        "content": row.content,
        "contents": [one.content for one in big.rows[1000:1400]],
        "state": "failed",
        "gone_before": 1.0,
        "model": SPEC.fingerprint,
        "limit": 256,
        "count": 10,
        "rows": [(row.content, {"width": 1})],
        "found": [(row.content, {"width": 1})],
        "written": {row.content: (row.path,)},
        "again": True,
        "photo": photo,
        "photos": [photo] * 400,
        "entries": [entry] * 400,
        "_photo": photo,
        "finished": [(entry, row.content)],
        "failure": WorkFailure("broken", "none"),
        "_failure": WorkFailure("broken", "none"),
        "deaths": 0,
        "done": set(),
        "reason": "refused",
        "after": row.content,
        # The value of any other name, by its type:
        "bytes": row.path,
        "bytes | None": row.path,
        "str": row.content,
        "str | None": row.content,
        "int": 1,
        "float": 1.0,
        "before": 1.0,
        "since": 0.0,
        "error": OverflowError("odd"),
        "kept": [SPEC.fingerprint],
        "keys": ["noa", "canoneos80d"],
        "labels": [label("camera", "canon eos 80d")],
        "kind": "person",
    }


@pytest.mark.parametrize(
    "kind", [Catalog, Contents, Copies, WorkList, ReencodingList, MarkedPhotos, Vocabulary]
)
def test_what_the_catalog_is_asked(big: Big, kind: type[Any]) -> None:
    """Each method of these, whatever is added to them; what is changed is undone."""
    database, values = big.library.database, samples(big)
    asked = kind(database, "next") if kind is ReencodingList else kind(database)
    for name, method in inspect.getmembers(asked, callable):
        if name.startswith("_") or name in ("close", "batch"):
            continue
        wanted = inspect.signature(method).parameters
        given = {
            one: values.get(one, values.get(str(parameter.annotation)))
            for one, parameter in wanted.items()
            if one in values or str(parameter.annotation) in values
        }
        missing = [o for o, p in wanted.items() if o not in given and p.default is p.empty]
        assert not missing, f"give samples() a value for {missing} of {kind.__name__}.{name}"
        _undone(database, method, given)
    if kind is ReencodingList:
        asked.close()
    big.check()


def _undone(database: Database, method: Callable[..., Any], given: dict[str, Any]) -> None:
    """Call it in a transaction that is rolled back."""
    parts = inspect.signature(method).parameters.values()
    plain = [given[p.name] for p in parts if p.kind is not p.KEYWORD_ONLY and p.name in given]
    named = {p.name: given[p.name] for p in parts if p.kind is p.KEYWORD_ONLY and p.name in given}

    class Undo(Exception):
        pass

    with pytest.raises(Undo), database.write():
        found = method(*plain, **named)
        if inspect.isgenerator(found) or isinstance(found, Iterator):
            for _ in zip(found, range(5000), strict=False):
                pass
        raise Undo


def test_every_way_of_a_query(big: Big) -> None:
    """Words, pictures, filters, pages, copies; names when the encoder is away."""
    library = big.library
    some = big.rows[:: PHOTOS // 100]
    for number, row in enumerate(some):
        vector = np.full(4, 0.1, np.float32)
        vector[number % 4] = 1
        unit = vector[None] / np.linalg.norm(vector)
        library.store.commit([Embedding(row.content, unit, {}, (row.path,))])
    engine = library.engine()
    folder = some[3].path.rpartition(b"/")[0].decode()
    first = engine.query(QueryParams("sunset beach 2014", 5))
    assert first["hits"] and first["cursor"]
    engine.query(QueryParams("", 5, cursor=first["cursor"]))
    engine.query(QueryParams("sunset", 5, where=Where(below=[folder], since="2005")))
    engine.query(QueryParams("abc", 5, all=True))
    engine.query(QueryParams("abc", 5, sort="date"))
    engine.query(QueryParams("", 5, where=Where(since="2005", caption="sunset")))
    engine.facets(FacetsParams())
    engine.facets(FacetsParams("abc", where=Where(below=[folder])))
    engine.query(QueryParams(terms=[Term(path=some[3].path.decode())], others=True))
    question = question_of(QueryParams("sunset"))
    engine.match(question, [row.content for row in some], Deadline.after(5))
    library.catalog.counts()
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    assert (
        engine.query(QueryParams("Eilat 2014 IMG", 5, literal=True))["answered_by"] == "text_match"
    )
    name = folder.split()[-1]
    engine.query(QueryParams(name, 5, where=Where(below=[folder.rpartition("/")[0]])))
    library.encoder.error = None
    engine.close()
    big.check()


def test_a_reencoding_continues_where_it_was(big: Big) -> None:
    """Each batch costs as much as the first one; contents are in order."""
    fill = ReencodingList(big.library.database, "next")
    contents: list[str] = []
    for _ in range(20):
        photos = fill.due(256)
        contents += [photo.content or "" for photo in photos]
        fill.done((_entry(photo.path), photo.content or "") for photo in photos)
    assert contents == sorted(contents) and len(set(contents)) == 20 * 256
    fill.close()
    big.check()


class Away:
    """Decoders that can read no file now."""

    def facts(self, path: bytes) -> Future[ReadFacts]:
        future: Future[ReadFacts] = Future()
        future.set_exception(DecodeFailed("share", "no answer", transient=True))
        return future


@pytest.mark.parametrize("few", [True, False], ids=["few", "all"])
def test_a_batch_of_facts_to_read_again(big: Big, few: bool) -> None:
    """Few are due, or those of all photos: a batch looks at no photo that is not in it."""
    database, rows = big.library.database, big.rows[-3:] if few else big.rows
    due = [(row.content,) for row in rows]
    with database.write() as db:
        db.executemany("INSERT OR IGNORE INTO facts_due VALUES(?)", due)
    big.seen.clear()
    rereading = Rereading(database, big.library.contents, Away(), int)
    assert [rereading.turn() for _ in range(2)] == [True, not few]
    big.check()
    with database.write() as db:
        db.execute("DELETE FROM facts_due")


def _entry(path: bytes) -> Entry:
    return Entry(path, 1, 1, 1, 1)


def test_pending_photos_come_in_batches_of_the_same_price(big: Big) -> None:
    """As after a switch, when all of them are due at the same moment."""
    database, worklist = big.library.database, WorkList(big.library.database)

    def batches() -> None:
        big.library.contents.mark_unembedded_pending("next")
        big.seen.clear()
        with database.write() as db:  # what is read is not committed: by the same connection
            found = db.execute(
                "SELECT path FROM photos WHERE state = 'pending' AND due <= ? AND deaths = 0 AND"
                " +folder IN (SELECT id FROM folders WHERE state IN ('ok', 'scan_only'))"
                " ORDER BY due DESC, path LIMIT ?",
                (time.time() + 1, 256),
            ).fetchall()
        assert [row[0] for row in found] == sorted(row.path for row in big.rows)[:256]

    _undone(database, batches, {})
    worklist.due(256)
    big.check()


def test_a_look_up_waits_for_no_writer(tmp_path: Path) -> None:
    """While some connections read at length there is another; all are told when it is closed."""
    reader = Reader(Database(tmp_path / "c.sqlite3").file, 2)
    with reader.read() as one, reader.read() as other:
        assert one is not other
    reader.close()
    with pytest.raises(sqlite3.ProgrammingError), reader.read() as db:
        db.execute("SELECT 1")


def test_rows_below_a_directory_are_read_in_pages(big: Big) -> None:
    """All of them, in order, and none twice."""
    found = [photo.path for photo in big.library.catalog.below(b"/p")]
    assert found == sorted(row.path for row in big.rows)
