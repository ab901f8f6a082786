"""Beyond what RAM should hold an index on disk answers, and nobody notices but the memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photosd.index import vectors
from photosd.index.matrix import Matrix
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
    assert store._ranking is not None
    store._ranking.join(60)
    assert isinstance(store._search, Ranked)
    return store


def names(found: list[tuple[str, float]]) -> list[str]:
    return [content for content, _ in found]


def test_it_takes_over_and_finds_the_same(
    tmp_path: Path, photos: list[Embedding], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recall@20 of exact search, cosines to the fourth digit; also after reopening."""
    small = opened(tmp_path)
    small.commit(photos)
    assert isinstance(small._search, Matrix)
    queries = [photo.vectors[0] for photo in photos[:50]]
    exact = [small.nearest(query, 20) for query in queries]
    monkeypatch.setattr(vectors, "RAM_BYTES", ROWS * DIMENSION * 2)
    for store in (ranked(opened(tmp_path)), opened(tmp_path)):
        assert isinstance(store._search, Ranked)
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
