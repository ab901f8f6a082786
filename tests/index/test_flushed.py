"""Above RAM_BYTES rows are searched by codes; results stay the same, and memory is limited."""

from __future__ import annotations

import datetime
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lancedb.index import IvfRq

from photosd.core.clock import Deadline
from photosd.index import vectors
from photosd.index.codes import Codes
from photosd.index.filters import Filter, traits
from photosd.index.flushed import FlushedTable
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from tests.index import tables

AT_ONCE = datetime.timedelta(milliseconds=1)
DIMENSION = 64
ROWS = 3000


@pytest.fixture
def photos() -> list[Embedding]:
    generator = np.random.default_rng(3)
    values = generator.normal(size=(ROWS, DIMENSION)).astype(np.float32)
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return [Embedding(f"{n}-x", values[n : n + 1], {}) for n in range(ROWS)]


def opened(directory: Path) -> VectorStore:
    store = VectorStore(directory, "test", DIMENSION)
    store.open()
    return store


def at_rest(store: VectorStore, directory: Path) -> VectorStore:
    """The store once its codes are made."""
    assert store.wait_idle(60)
    assert tables.current(directory)
    return store


def names(found: list[tuple[str, float]]) -> list[str]:
    return [content for content, _ in found]


def test_it_takes_over_and_finds_the_same(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recall@20 of exact search, cosines to the fourth digit; also after reopening."""
    small = opened(tmp_path)
    small.commit(photos)
    assert not tables.states(tmp_path)
    queries = [photo.vectors[0] for photo in photos[:50]]
    exact = [small.nearest(query, 20) for query in queries]
    monkeypatch.setattr(vectors, "RAM_BYTES", ROWS * DIMENSION * 2)
    for store in (at_rest(opened(tmp_path), tmp_path), opened(tmp_path)):
        assert not tables.recent(tmp_path)
        assert len(store) == ROWS and store.contents() == {photo.content for photo in photos}
        found = [store.nearest(query, 20) for query in queries]
        shared = [len({*names(a)} & {*names(b)}) for a, b in zip(exact, found, strict=True)]
        assert sum(shared) >= 0.99 * 20 * len(queries)
        assert abs(found[0][0][1] - exact[0][0][1]) < 1e-4


def test_what_comes_and_goes_later_is_seen_at_once(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows the index does not hold yet, tiles of a panorama, and removals."""
    monkeypatch.setattr(vectors, "RAM_BYTES", ROWS * DIMENSION * 2)
    store = opened(tmp_path)
    store.commit(photos[10:])
    at_rest(store, tmp_path)
    tiles = np.concatenate([photo.vectors for photo in photos[:3]])
    store.commit([Embedding("panorama", tiles, {}), *photos[3:10]])
    for tile in tiles:
        assert names(store.nearest(tile, 1)) == ["panorama"]
    assert len(store.nearest(tiles[0], 200)) == 200
    store.remove(["panorama"])
    assert "panorama" not in names(store.nearest(tiles[0], 50))
    assert len(store.nearest(tiles[0], ROWS * 2)) == ROWS - 3


def test_recent_rows_are_flushed_once_nothing_is_written(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade that changed labels: else each query would read them as float32."""
    monkeypatch.setattr(vectors, "RAM_BYTES", ROWS * DIMENSION * 2)
    store = opened(tmp_path)
    store.commit(photos)
    at_rest(store, tmp_path)
    some = photos[: ROWS // 10]
    store.relabel({one.content: traits({}, (b"/p/a.jpg",), 0.0) for one in some})
    store.tidy()
    assert store.wait_idle(60) and len(tables.recent(tmp_path)) == len(some)
    monkeypatch.setattr(vectors, "CALM_SECONDS", 0.0)
    store.tidy()
    assert store.wait_idle(60) and not tables.recent(tmp_path)
    assert len(store) == ROWS
    assert names(store.nearest(some[3].vectors[0], 1, Filter(below=(b"/p",)))) == ["3-x"]


def test_the_latest_are_found_among_flushed_and_recent_rows(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By date, each once, those without one last; removed and replaced rows do not count."""

    def dated(number: int, year: int | None) -> Embedding:
        facts = {} if year is None else {"taken": f"{year}-05-01T00:00:00"}
        tiles = np.concatenate([photos[number].vectors, photos[number + 1].vectors])
        return Embedding(f"{number}-x", tiles, facts)

    monkeypatch.setattr(vectors, "RAM_BYTES", ROWS * DIMENSION)
    store = opened(tmp_path)
    store.commit([dated(number, 1900 + number % 100) for number in range(0, ROWS - 1)])
    at_rest(store, tmp_path)
    store.commit([dated(7, 2005), dated(8, None), dated(0, 1950)])
    store.remove(["99-x"])
    every = Filter(since=-1e12)
    assert store.latest(2, every)[0] == "7-x"
    found = store.latest(ROWS, every)
    assert len(found) == len(set(found)) == ROWS - 3 and "99-x" not in found and "8-x" not in found
    moved = {"7-x": 2005, "0-x": 1950}
    years = [moved.get(one, 1900 + int(one[:-2]) % 100) for one in found]
    assert years == sorted(years, reverse=True)
    assert store.latest(ROWS, Filter())[-1] == "8-x"
    assert store.latest(5, Filter(people=("Noa",))) == []


def test_what_passes_is_told_by_recent_rows_before_flushed_ones(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contents that were replaced, removed or are not there, in one table or two."""
    where = Filter(people=("Noa",))
    dana, noa = ({"people": [name]} for name in ("Dana", "Noa"))
    store = opened(tmp_path)
    every = [Embedding(f"{n}-x", photos[n].vectors, noa if n % 2 else dana) for n in range(40)]
    store.commit(every)
    for flushed in (False, True):
        if flushed:
            monkeypatch.setattr(vectors, "RAM_BYTES", 0)
            store = at_rest(opened(tmp_path), tmp_path)
            monkeypatch.setattr(vectors, "RAM_BYTES", 1 << 30)
        new = Embedding("new-x", photos[2].vectors, noa)
        store.commit([Embedding("1-x", photos[1].vectors, dana), new])
        store.remove(["3-x"])
        passing = store.passing(where)
        assert set(passing.contents()) == {f"{n}-x" for n in range(5, 40, 2)} | {"new-x"}
        assert len(passing) >= 19
        contents = ["0-x", "1-x", "3-x", "5-x", "new-x", "a content that is not there"]
        passes, known = passing.verdicts(contents)
        assert passes.tolist() == [False, False, False, True, True, False]
        assert known.tolist() == [True, True, False, True, True, False]
        assert [found.tolist() for found in passing.verdicts([])] == [[], []]
        some = Filter(people=("Noa",), among=frozenset({"5-x", "0-x", "new-x"}))
        assert set(store.passing(some).contents()) == {"5-x", "new-x"}


def test_what_changes_during_a_flush_counts(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos that come, change, move and go between the copying and the letting go."""
    store, compact = opened(tmp_path), FlushedTable.compact
    other, moved = photos[50].vectors, traits({"camera": "Leica"}, [b"/new/1.jpg"], None)

    def compacting(place: FlushedTable) -> None:
        monkeypatch.setattr(FlushedTable, "compact", compact)
        store.commit([photos[0], Embedding("2-x", other, {})])
        store.relabel({"1-x": moved})
        store.remove(["3-x"])
        place.compact()

    monkeypatch.setattr(FlushedTable, "compact", compacting)
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store.commit(photos[1:40])
    at_rest(store, tmp_path)
    assert tables.recent(tmp_path) <= {"0-x", "1-x", "2-x"}
    for place in (store, opened(tmp_path)):
        everything = names(place.nearest(other[0], 100))
        assert sorted(everything) == sorted(f"{n}-x" for n in range(40) if n != 3)
        assert names(place.nearest(other[0], 1)) == ["2-x"]
        assert names(place.nearest(other[0], 9, Filter(below=(b"/new",)))) == ["1-x"]


def test_killed_during_a_flush(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its index exists, it has dropped nothing; the next daemon starts over."""

    def killed(_place: FlushedTable) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(vectors, "RAM_BYTES", 0)
        patch.setattr(FlushedTable, "compact", killed)
        store = opened(tmp_path)
        store.commit(photos[:30])
        assert store.wait_idle(30)
        assert len(store.nearest(photos[0].vectors[0], 50)) == 30
        assert len(tables.recent(tmp_path)) == 30
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    again = at_rest(opened(tmp_path), tmp_path)
    assert len(again) == 30 and len(again.nearest(photos[0].vectors[0], 50)) == 30


def test_a_flushed_photo_that_is_reindexed_or_moved_is_found_once(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fewer tiles than before; also once that was flushed, too."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store = opened(tmp_path)
    tiles = np.concatenate([photo.vectors for photo in photos[:3]])
    store.commit([Embedding("panorama", tiles, {}, (b"/old/p.jpg",)), *photos[3:30]])
    at_rest(store, tmp_path)
    monkeypatch.undo()
    store.relabel({"panorama": traits({}, [b"/new/p.jpg"], None)})
    assert names(store.nearest(tiles[2], 9, Filter(below=(b"/new",)))) == ["panorama"]
    assert names(store.nearest(tiles[2], 9, Filter(below=(b"/old",)))) == []
    store.commit([Embedding("panorama", photos[2999].vectors, {})])
    for _ in range(2):
        found = store.nearest(tiles[0], 100)
        assert sorted(names(found)) == sorted({"panorama", *(f"{n}-x" for n in range(3, 30))})
        assert dict(found)["panorama"] < 0.9
        monkeypatch.setattr(vectors, "RAM_BYTES", 0)
        store.commit([photos[3]])
        at_rest(store, tmp_path)


@pytest.mark.parametrize(("ram", "at_once"), [(1 << 30, 99), (0, 99), (0, 0)])
def test_a_place_that_a_sidecar_gives_is_filtered_at_once(
    tmp_path: Path,
    photos: list[Embedding],
    monkeypatch: pytest.MonkeyPatch,
    ram: int,
    at_once: int,
) -> None:
    """For recent rows, for flushed ones, and for very many of them."""
    monkeypatch.setattr(vectors, "RAM_BYTES", ram)
    monkeypatch.setattr(vectors, "MOVED_AT_ONCE", at_once)
    store = opened(tmp_path)
    store.commit(photos[:30])
    if ram == 0:
        at_rest(store, tmp_path)
    eilat = {"latitude": 29.55, "longitude": 34.95, "taken": "2019-08-03T10:00:00"}
    store.relabel({"7-x": traits(eilat, [b"/new/p.jpg"], None)})
    near = Filter(near=(29.5, 35.0, 20.0), since=1.5e9, until=1.6e9)
    assert names(store.nearest(photos[0].vectors[0], 9, near)) == ["7-x"]
    store.close(Deadline.after(60))  # its background work removes files that another one opens
    assert names(opened(tmp_path).nearest(photos[0].vectors[0], 9, near)) == ["7-x"]


def test_very_many_that_move_stay_where_they_are(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only their labels are written, also those of tiles, and compacted afterwards."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    monkeypatch.setattr(vectors, "MOVED_AT_ONCE", 5)
    store = opened(tmp_path)
    tiles = np.concatenate([photo.vectors for photo in photos[:3]])
    store.commit([Embedding("panorama", tiles, {}), *photos[3:30]])
    at_rest(store, tmp_path)
    monkeypatch.setattr(vectors, "KEEP_VERSIONS", AT_ONCE)
    moved = ["panorama", *(f"{n}-x" for n in range(3, 20))]
    store.relabel({content: traits({}, [b"/new/p.jpg"], None) for content in moved})
    for _ in range(2):
        assert sorted(names(store.nearest(tiles[2], 99, Filter(below=(b"/new",))))) == sorted(moved)
        assert not tables.recent(tmp_path)
        store.tidy()
        at_rest(store, tmp_path)


def test_the_one_table_of_version_0_1_0_is_still_searched(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had an index in the table itself, and none of what filters look up."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store = opened(tmp_path)
    store.commit(photos[:30])
    at_rest(store, tmp_path)
    old = tables.table(tmp_path, flushed=True)
    old.drop_columns(["labels", "moment", "format"])
    config = IvfRq(distance_type="dot", num_bits=5, num_partitions=1)
    old.create_index("vector", config=config)
    shutil.rmtree(next(tmp_path.glob("*/_codes")))
    recent, flushed = sorted(tmp_path.glob("*.lance"), key=lambda file: len(file.name))
    shutil.rmtree(recent)
    flushed.rename(recent)
    store = opened(tmp_path)
    assert len(store.nearest(photos[0].vectors[0], 50)) == 30
    assert tables.outdated(tmp_path)
    monkeypatch.setattr(vectors, "KEEP_VERSIONS", AT_ONCE)
    store.relabel({f"{n}-x": traits({}, [b"/p/%d.jpg" % n], None) for n in range(10)})
    assert len(store.nearest(photos[0].vectors[0], 50, Filter(below=(b"/p",)))) == 10
    store.tidy()
    at_rest(store, tmp_path)
    assert len(store.nearest(photos[0].vectors[0], 50, Filter(below=(b"/p",)))) == 10
    assert not tables.outdated(tmp_path)


# -- codes on the disk ------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch) -> VectorStore:
    """Forty photos that were flushed."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store = opened(tmp_path)
    store.commit(photos[:40])
    at_rest(store, tmp_path)
    monkeypatch.undo()
    return store


def made_again(directory: Path) -> tuple[VectorStore, bool]:
    """The store opened again, and whether codes were made: each time in a new directory."""
    (before,) = directory.glob("*/_codes/*")
    found = opened(directory)
    (after,) = directory.glob("*/_codes/*")
    return found, before != after


def once_written(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have this done when the next codes are on the disk and not yet in use."""
    write = Codes.write

    def writing(*given: Any) -> Codes:
        written = write(*given)
        monkeypatch.undo()
        act()
        return written

    monkeypatch.setattr(Codes, "write", staticmethod(writing))


def test_codes_are_loaded_as_long_as_they_are_of_the_table(
    store: VectorStore, tmp_path: Path, photos: list[Embedding]
) -> None:
    """Also after photos were removed, files merged, and what LanceDB takes for litter dropped."""
    for file in tmp_path.rglob("*"):
        os.utime(file, (0, 0))
    store.remove(["1-x"])
    store.compact()
    store.tidy()
    assert store.wait_idle(60)
    again, made = made_again(tmp_path)
    assert not made
    assert sorted(names(again.nearest(photos[1].vectors[0], 99))) == sorted(
        f"{n}-x" for n in range(40) if n != 1
    )


def test_codes_of_another_version_are_made_again(
    store: VectorStore, tmp_path: Path, photos: list[Embedding]
) -> None:
    """The daemon was killed between the table and its codes."""
    tables.table(tmp_path, flushed=True).delete("content = '1-x'")
    again, made = made_again(tmp_path)
    assert made and len(again) == 39
    assert "1-x" not in names(again.nearest(photos[1].vectors[0], 99))
    assert not made_again(tmp_path)[1]


def test_labels_that_were_written_last_count_after_a_kill(
    store: VectorStore, tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes have the labels of before."""
    monkeypatch.setattr(vectors, "MOVED_AT_ONCE", 0)
    store.relabel({"1-x": traits({}, [b"/new/1.jpg"], None)})
    store.remove(["2-x"])
    again, made = made_again(tmp_path)
    assert made
    assert names(again.nearest(photos[5].vectors[0], 9, Filter(below=(b"/new",)))) == ["1-x"]


@pytest.mark.parametrize("file", ["high.i8", "low.i8", "scales.f32", "traits.npz", "contents.npz",
                                  "gone.npy", "state.json"])  # fmt: skip
@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_damaged_codes_are_made_again(
    store: VectorStore, tmp_path: Path, file: str, damage: bytes | None
) -> None:
    """They are no more than what the table says."""
    del store
    (found,) = tmp_path.glob(f"*/_codes/*/{file}")
    found.unlink() if damage is None else found.write_bytes(damage)
    again, made = made_again(tmp_path)
    assert made and len(again) == 40


def test_removed_vectors_are_not_on_the_disk(
    store: VectorStore, tmp_path: Path, photos: list[Embedding]
) -> None:
    """Neither in the table, once it is compacted, nor in its codes."""
    (file,) = tmp_path.glob("*/_codes/*/contents.npz")
    with np.load(file) as arrays:
        row = arrays["contents"].tolist().index(b"7-x")
    store.remove(["7-x"])
    for name in ("high.i8", "low.i8"):
        (file,) = tmp_path.glob(f"*/_codes/*/{name}")
        assert not any(file.read_bytes()[row * DIMENSION : (row + 1) * DIMENSION])
    assert store.vectors_of(["7-x", "8-x"]).keys() == {"8-x"}
    assert len(store) == 39


def test_codes_with_many_gaps_are_made_again(
    store: VectorStore, tmp_path: Path, photos: list[Embedding]
) -> None:
    """A tenth of the rows, from which on they are memory for nothing."""

    def rows() -> int:
        (file,) = tmp_path.glob("*/_codes/*/high.i8")
        return file.stat().st_size // DIMENSION

    store.remove([f"{n}-x" for n in range(10)])
    assert rows() == 40
    store.compact()
    assert store.wait_idle(60)
    assert rows() == 30
    assert len(store.nearest(photos[0].vectors[0], 99)) == 30


def test_no_room_for_codes(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recent stays, and is flushed when there is room."""

    def full(*_given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = opened(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(vectors, "RAM_BYTES", 0)
        patch.setattr(Codes, "write", full)
        store.commit(photos[:40])
        assert store.wait_idle(60)
    assert len(tables.recent(tmp_path)) == len(store.nearest(photos[0].vectors[0], 99)) == 40
    assert not list(tmp_path.glob("*/_codes/*"))
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store = at_rest(opened(tmp_path), tmp_path)
    assert len(store.nearest(photos[0].vectors[0], 99)) == 40


def test_photos_removed_while_codes_are_made_are_gone(
    store: VectorStore, tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The codes were begun before."""
    once_written(monkeypatch, lambda: store.remove(["5-x"]))
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store.commit(photos[40:50])
    at_rest(store, tmp_path)
    assert "5-x" not in names(store.nearest(photos[5].vectors[0], 99))
    assert len(store.nearest(photos[5].vectors[0], 99)) == 49
