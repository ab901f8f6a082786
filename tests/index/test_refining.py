"""Vectors of previews are replaced by those of the full pictures, while nothing else is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from photosd.core.errors import EncoderUnavailable
from photosd.decode.decode_errors import DecodeFailed, DecoderDied
from photosd.decode.messages import Facts
from photosd.decode.pool import Decoded, Pixels, Shape
from photosd.decode.reading import identify
from photosd.encoder.encoder_errors import EncoderDied
from photosd.index import refining
from photosd.index.matrix import Vectors
from photosd.index.refining import BATCH, Refining, ServedModel
from photosd.index.table import Embedding
from tests.index.shelf import MODEL, Shelf

SHAPE = Shape(4)


class Workers:
    """Decoders, encoder and table in one; ``failures``: by path."""

    def __init__(self) -> None:
        self.decoded: list[str] = []
        self.committed: list[Embedding] = []
        self.failures: dict[bytes, Exception] = {}
        self.encoder: Exception | None = None

    def decode(self, path: bytes, shape: Shape, *, full: bool) -> Future[Decoded]:
        assert full
        future: Future[Decoded] = Future()
        self.decoded.append(path.rpartition(b"/")[2].decode())
        if path in self.failures:
            future.set_exception(self.failures[path])
            return future
        found = identify(path)
        future.set_result(
            Decoded(
                content_id=found.content_id,
                size=found.size,
                mtime_ns=found.mtime_ns,
                inode=found.inode,
                device=found.device,
                pixels=np.zeros((2, shape.size, shape.size, 3), np.uint8),
                facts=Facts(width=1, height=1, format="HEIF"),
            )
        )
        return future

    def encode_images(self, pixels: Pixels) -> Future[Vectors]:
        future: Future[Vectors] = Future()
        if self.encoder is None:
            future.set_result(np.full((len(pixels), 4), 0.5, np.float32))
        else:
            future.set_exception(self.encoder)
        return future

    def commit(self, embeddings: Sequence[Embedding]) -> None:
        self.committed += embeddings


class Previewed(Shelf):
    """A catalog whose vectors come from previews."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        for number in range(3):
            self.write(f"{number:03}.heic", b"%d" % number)
        self.preview()
        self.workers, self.told = Workers(), 0
        self.is_busy = False
        self.refining = self.fresh()

    def preview(self) -> None:
        """Index what is new, by previews."""
        self.settle()
        found = [photo.content or "" for photo in self.catalog.in_state("indexed")]
        self.contents.record(
            MODEL, [(one, {"width": 3}) for one in found], dict.fromkeys(found, "preview")
        )
        self.contents.serve(MODEL)

    def fresh(self) -> Refining:
        """The thread after another start; it is not started."""
        serving = ServedModel(MODEL, SHAPE, self.workers, self.workers)
        return Refining(
            self.database,
            self.contents,
            self.workers,
            lambda: serving,
            self._tell,
            busy=lambda: self.is_busy,
        )

    def _tell(self) -> None:
        self.told += 1

    def round(self) -> None:
        """Until no more can be done."""
        while self.refining.turn():
            pass

    def path(self, name: str) -> bytes:
        return bytes(self.root / name)

    def sources(self) -> list[str | None]:
        """In order of names."""
        return [self.contents.source(self.content(name) or "") for name in sorted(self.states())]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Previewed]:
    shelf = Previewed(tmp_path)
    yield shelf
    shelf.database.close()


def test_each_vector_is_replaced_once(shelf: Previewed) -> None:
    """With the labels that it had: facts and paths of its content."""
    shelf.round()
    shelf.round()
    assert sorted(shelf.workers.decoded) == ["000.heic", "001.heic", "002.heic"]
    assert shelf.sources() == ["full"] * 3
    assert shelf.refining.left == 0
    assert {one.paths for one in shelf.workers.committed} == {
        (shelf.path(name),) for name in shelf.states()
    }
    assert all(one.facts == {"width": 3} for one in shelf.workers.committed)
    assert all(len(one.vectors) == 2 for one in shelf.workers.committed)
    assert shelf.told == 1 and not shelf.contents.labels_due(MODEL, 9)


def test_what_changes_meanwhile_is_labelled_again(shelf: Previewed) -> None:
    """Facts that a sidecar adds while the vector is written must not be lost in the table."""
    content = shelf.content("000.heic") or ""

    def commit(embeddings: Sequence[Embedding]) -> None:
        shelf.contents.record(MODEL, [(content, {"width": 3, "rating": 5})], {content: "preview"})

    shelf.workers.commit = commit  # type: ignore[method-assign]
    shelf.round()
    assert [held.content for held in shelf.contents.labels_due(MODEL, 9)] == [content]


def test_it_continues_after_a_restart(shelf: Previewed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog says what is left."""
    monkeypatch.setattr(refining, "BATCH", 1)
    assert shelf.refining.turn() and shelf.sources().count("full") == 1
    shelf.refining = shelf.fresh()
    shelf.round()
    assert shelf.sources() == ["full"] * 3 and len(shelf.workers.decoded) == 3


def test_more_than_one_batch(shelf: Previewed) -> None:
    """All are done in one round."""
    for number in range(3, BATCH + 5):
        shelf.write(f"{number:03}.heic", b"%d" % number)
    shelf.preview()
    shelf.round()
    assert set(shelf.sources()) == {"full"}


@pytest.mark.parametrize(
    ("error", "source"),
    [
        (DecodeFailed("too_large", "odd"), "only preview"),
        (DecoderDied("killed by SIGSEGV", ""), "only preview"),
        (DecoderDied("killed by SIGKILL", "", by_others=True), "preview"),
        (DecodeFailed("permission", "odd", transient=True), "preview"),
    ],
)
def test_a_picture_that_cannot_be_decoded_keeps_its_preview(
    shelf: Previewed, error: Exception, source: str
) -> None:
    """Permanently, if another attempt would fail as well; the others are refined."""
    shelf.workers.failures[shelf.path("001.heic")] = error
    shelf.round()
    assert shelf.sources() == ["full", source, "full"]
    shelf.round()
    assert shelf.workers.decoded.count("001.heic") == (1 if source == "only preview" else 2)


def test_a_file_that_has_changed_is_left_to_the_comparison(shelf: Previewed) -> None:
    """Its new content is another one."""
    shelf.write("001.heic", b"another")
    shelf.round()
    assert shelf.sources() == ["full", "preview", "full"]
    assert len(shelf.workers.committed) == 2


@pytest.mark.parametrize(
    "error", [EncoderUnavailable("away", remedy="wait"), EncoderDied("killed", "")]
)
def test_without_an_encoder_nothing_changes(shelf: Previewed, error: Exception) -> None:
    """The next round tries again."""
    shelf.workers.encoder = error
    shelf.round()
    assert shelf.sources() == ["preview"] * 3 and shelf.refining.left == 3
    shelf.workers.encoder = None
    shelf.round()
    assert shelf.sources() == ["full"] * 3


def test_new_photos_come_first(shelf: Previewed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits while photos are indexed, and stops within a batch when some arrive."""
    monkeypatch.setattr(refining, "AT_ONCE", 1)
    monkeypatch.setattr(refining, "BUSY_SECONDS", 0.0)
    looks = iter([True, False, True])
    shelf.refining = Refining(
        shelf.database,
        shelf.contents,
        shelf.workers,
        lambda: ServedModel(MODEL, SHAPE, shelf.workers, shelf.workers),
        int,
        busy=lambda: next(looks),
    )
    shelf.refining.turn()
    assert shelf.sources().count("full") == 1


def test_what_is_left_is_counted_while_it_waits(
    shelf: Previewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos that were indexed meanwhile count, too."""
    monkeypatch.setattr(refining, "BUSY_SECONDS", 0.0)
    looks = iter([True, False])

    def busy() -> bool:
        if is_busy := next(looks, False):
            shelf.write("003.heic", b"3")
            shelf.preview()
        return is_busy

    shelf.refining = Refining(
        shelf.database,
        shelf.contents,
        shelf.workers,
        lambda: ServedModel(MODEL, SHAPE, shelf.workers, shelf.workers),
        int,
        busy=busy,
    )
    shelf.refining.turn()
    assert shelf.sources() == ["full"] * 4 and shelf.refining.left == 4


def test_offline_folders_wait(shelf: Previewed) -> None:
    """Their photos cannot be read now."""
    with shelf.database.write() as db:
        db.execute("UPDATE folders SET state = 'offline'")
    shelf.round()
    assert not shelf.workers.decoded and shelf.refining.left == 3
