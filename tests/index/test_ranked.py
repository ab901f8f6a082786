"""Beyond what RAM should hold an index on disk answers, and nobody notices but the memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from photosd.index import vectors
from photosd.index.filters import Filter, traits
from photosd.index.ranked import Ranked
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore

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


def ranked(store: VectorStore) -> VectorStore:
    """The store once its index is built."""
    assert store.rest(60)
    assert store._settled is not None and store._settled.complete
    return store


def names(found: list[tuple[str, float]]) -> list[str]:
    return [content for content, _ in found]


def test_it_takes_over_and_finds_the_same(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recall@20 of exact search, cosines to the fourth digit; also after reopening."""
    small = opened(tmp_path)
    small.commit(photos)
    assert small._settled is None
    queries = [photo.vectors[0] for photo in photos[:50]]
    exact = [small.nearest(query, 20) for query in queries]
    monkeypatch.setattr(vectors, "RAM_BYTES", ROWS * DIMENSION * 2)
    for store in (ranked(opened(tmp_path)), opened(tmp_path)):
        assert store._settled is not None and not store._matrix.contents()
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
    ranked(store)
    tiles = np.concatenate([photo.vectors for photo in photos[:3]])
    store.commit([Embedding("panorama", tiles, {}), *photos[3:10]])
    for tile in tiles:
        assert names(store.nearest(tile, 1)) == ["panorama"]
    assert len(store.nearest(tiles[0], 200)) == 200
    store.remove(["panorama"])
    assert "panorama" not in names(store.nearest(tiles[0], 50))
    assert len(store.nearest(tiles[0], ROWS * 2)) == ROWS - 3


def test_what_changes_while_it_settles_is_what_counts(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos that come, change, move and go between the copying and the letting go."""
    store, fold = opened(tmp_path), Ranked.fold
    other, moved = photos[50].vectors, traits({"camera": "Leica"}, [b"/new/1.jpg"], None)

    def folding(place: Ranked) -> None:
        monkeypatch.setattr(Ranked, "fold", fold)
        store.commit([photos[0], Embedding("2-x", other, {})])
        store.relabel({"1-x": moved})
        store.remove(["3-x"])
        place.fold()

    monkeypatch.setattr(Ranked, "fold", folding)
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store.commit(photos[1:40])
    ranked(store)
    for place in (store, opened(tmp_path)):
        assert place._matrix.contents() <= {"0-x", "1-x", "2-x"}
        everything = names(place.nearest(other[0], 100))
        assert sorted(everything) == sorted(f"{n}-x" for n in range(40) if n != 3)
        assert names(place.nearest(other[0], 1)) == ["2-x"]
        assert names(place.nearest(other[0], 9, Filter(below=(b"/new",)))) == ["1-x"]


def test_killed_while_it_settles(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it has its index nothing has been let go of; the next daemon begins anew."""

    def killed(_place: Ranked) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(vectors, "RAM_BYTES", 0)
        patch.setattr(Ranked, "fold", killed)
        store = opened(tmp_path)
        store.commit(photos[:30])
        assert store.rest(30)
        assert len(store.nearest(photos[0].vectors[0], 50)) == 30
        assert store._settled is None
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    again = ranked(opened(tmp_path))
    assert len(again) == 30 and len(again.nearest(photos[0].vectors[0], 50)) == 30


def test_a_settled_photo_that_is_made_anew_or_moves_is_found_once(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With fewer tiles than before; also once that has settled, too."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store = opened(tmp_path)
    tiles = np.concatenate([photo.vectors for photo in photos[:3]])
    store.commit([Embedding("panorama", tiles, {}, (b"/old/p.jpg",)), *photos[3:30]])
    ranked(store)
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
        ranked(store)


def test_very_many_that_move_stay_where_they_are(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only their labels are written, also those of tiles, and folded afterwards."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    monkeypatch.setattr(vectors, "MOVED_AT_ONCE", 5)
    store = opened(tmp_path)
    tiles = np.concatenate([photo.vectors for photo in photos[:3]])
    store.commit([Embedding("panorama", tiles, {}), *photos[3:30]])
    ranked(store)
    moved = ["panorama", *(f"{n}-x" for n in range(3, 20))]
    store.relabel({content: traits({}, [b"/new/p.jpg"], None) for content in moved})
    for _ in range(2):
        assert sorted(names(store.nearest(tiles[2], 99, Filter(below=(b"/new",))))) == sorted(moved)
        assert not store._matrix.contents()
        store._fold_at = 0.0
        store.tidy()
        ranked(store)


def test_the_one_table_of_version_0_1_0_goes_on_being_served(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had an index in the table itself, and none of what filters look up."""
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    store = opened(tmp_path)
    store.commit(photos[:30])
    old = ranked(store)._settled
    assert old is not None
    old.table.drop_columns(["labels", "moment", "format"])
    recent, settled = (tmp_path / f"{name}.lance" for name in store._names())
    shutil.rmtree(recent)
    settled.rename(recent)
    store = opened(tmp_path)
    assert len(store.nearest(photos[0].vectors[0], 50)) == 30
    store.relabel({f"{n}-x": traits({}, [b"/p/%d.jpg" % n], None) for n in range(10)})
    assert len(store.nearest(photos[0].vectors[0], 50, Filter(below=(b"/p",)))) == 10
    store._fold_at = 0.0
    store.tidy()
    assert len(ranked(store).nearest(photos[0].vectors[0], 50, Filter(below=(b"/p",)))) == 10
