"""Calibration: what scores mean is found out from the user's own photos."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photosd.core.clock import Deadline
from photosd.encoder.results import TextVectors
from photosd.index import vectors
from photosd.protocol.requests import QueryParams
from photosd.search import calibration
from photosd.search.calibration import UNRELATED, Calibration
from photosd.search.judging import Background, Judge, Scale
from photosd.search.parsing import Question, QuestionTerm
from photosd.search.query_cache import QueryEmbedding
from tests.search.library import SPEC, Library

TEXT = Question((QuestionTerm(1.0, "abc"),))


class QueryEmbedder:
    """Unrelated things lie anywhere."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def of_texts(
        self, texts: list[str], _deadline: Deadline
    ) -> tuple[dict[str, QueryEmbedding], bool]:
        self.asked.append(len(texts))
        found = {}
        for text in texts:
            seed = int.from_bytes(text.encode()[-6:], "big")
            vector = np.random.default_rng(seed).normal(size=4).astype(np.float32)
            found[text] = QueryEmbedding(vector / np.linalg.norm(vector), 1.0, [])
        return found, False


def calibrated(library: Library, embeddings: Any = None) -> Calibration:
    embeddings = embeddings or QueryEmbedder()
    found = Calibration(SPEC, library.store, library.contents, embeddings)
    found.begin()
    limit = time.monotonic() + 20
    while found.of(TEXT).background is None:
        assert time.monotonic() < limit
        time.sleep(0.01)
    return found


def unrelated() -> np.ndarray[Any, np.dtype[np.float32]]:
    """The vectors of the unrelated things."""
    texts = [text for text in UNRELATED.read_text().split("\n") if text]
    found, _ = QueryEmbedder().of_texts(texts, Deadline.after(60))
    return np.stack([found[text].vector for text in texts])


def strength(judge: Judge, embedding: QueryEmbedding, tiles: Any) -> str:
    (look,) = judge.looks("", embedding, [tiles])
    return judge.of_look(look)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path)
    with library.together():
        for number in range(40):
            library.add(f"/p/{number}.jpg", number % 4)
    return library


def test_there_are_enough_unrelated_things() -> None:
    """Each once, in plain words; a quantile of fewer would be a guess."""
    things = UNRELATED.read_text().split("\n")[:-1]
    assert len(things) == len(set(things)) > 150
    assert all(thing == thing.strip() and thing.isascii() for thing in things)


def test_until_the_encoder_is_ready_the_defaults_of_the_model_apply(library: Library) -> None:
    """Its own values hold, and nothing is encoded."""
    embeddings = QueryEmbedder()
    found = Calibration(SPEC, library.store, library.contents, embeddings)  # type: ignore[arg-type]
    scale = found.of(TEXT)
    assert (scale.fair, scale.strong) == (SPEC.strength.fair, SPEC.strength.strong)
    assert scale.background is None and embeddings.asked == []
    found.close()


@pytest.mark.parametrize("photos", [20, 100, 600])
def test_few_of_the_unrelated_things_convince(tmp_path: Path, photos: int) -> None:
    """As few as the constants say, wherever the cosines lie; few photos are judged strictly."""
    library = Library(tmp_path)
    with library.together():
        for number in range(photos):
            library.add(f"/p/{number}.jpg", number % 4, also=number % 3)
    found = calibrated(library)
    scale = found.of(TEXT)
    assert scale.background is not None
    best, rows = library.store.best(unrelated(), library.contents.alive, scale.beyond)
    assert rows == photos
    shares = calibration.shares_of(photos)
    for share, value in zip(shares, (scale.fair, scale.strong), strict=True):
        below = np.mean(best < value)
        assert below >= share - 0.01
        assert photos < calibration.FEW or below == pytest.approx(share, abs=0.01)
    found.close()


def test_many_photos_are_judged_by_a_lower_share() -> None:
    """Some of the unrelated things are there after all; never is a scale out of order."""
    ends = calibration.FAIR_FEW, calibration.FAIR_MANY
    assert [calibration.shares_of(photos)[0] for photos in (0, 10, 10**6)] == pytest.approx(
        [ends[0], *ends]
    )
    shares = [calibration.shares_of(photos) for photos in (0, 32, 100, 300, 500, 10_000)]
    fair, strong = zip(*shares, strict=True)
    assert sorted(fair, reverse=True) == list(fair)
    assert set(strong) == {calibration.STRONG} and max(fair) < calibration.STRONG


def unit(*numbers: float) -> Any:
    return np.array(numbers, np.float32) / np.float32(np.linalg.norm(numbers))


def test_what_a_photo_is_more_like_counts() -> None:
    """A photo near to everything, and one nearer to another thing, must come nearer."""
    others = np.stack([unit(1, 0.1, 0, 0), unit(1, 0, 0.1, 0), unit(0, 0, 1, 0.1)])
    judge = Judge(Scale(Background(others, 10.0), 0.2, 0.4))
    embedding = QueryEmbedding(unit(0.6, 0.8, 0, 0), 1.0, [])
    assert strength(judge, embedding, unit(1, 0, 0, 0)[None]) == "weak"  # another thing
    assert strength(judge, embedding, unit(1, 1, 1, 1)[None]) == "weak"  # near to all
    assert strength(judge, embedding, unit(0, 1, 0, 0)[None]) == "strong"


def test_what_was_asked_for_is_not_held_against_itself() -> None:
    """A question that means the same as an unrelated thing is judged by the others."""
    asked = unit(0, 0, 1, 0)
    others = np.stack([unit(1, 0.1, 0, 0), unit(0, 1, 0.1, 0), unit(0, 0.1, 1, 0)])
    photo = unit(0.1, 0, 1, 0)[None]
    with_it, without = Background(others, 10.0, same=0.9), Background(others[:2], 10.0)
    assert with_it.beyond(asked[None], photo) == pytest.approx(without.beyond(asked[None], photo))
    assert Background(others, 10.0).beyond(asked[None], photo) < 0.2
    only = Background(asked[None], 10.0, same=0.9)  # nothing is left to compare with
    assert np.isfinite(only.beyond(asked[None], photo)).all()


@pytest.mark.parametrize("dimension", [4, 256, 2048])
def test_a_background_fits_every_model(dimension: int) -> None:
    """Cosines that lie close together, or all at one place, overflow nowhere."""
    generator = np.random.default_rng(6)
    things, photos = generator.normal(size=(2, 50, dimension)).astype(np.float32)
    for middle in (0, 5, 1000):
        apart = [found + middle for found in (things, photos)]
        ours, theirs = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in apart)
        beyond = Background.of(ours, theirs).beyond(ours, theirs)
        assert beyond.shape == (50, 50) and np.isfinite(beyond).all()


@pytest.mark.parametrize("dimension", [4, 256, 2048])
def test_it_is_the_same_in_parts(dimension: int) -> None:
    """However many products are made at once."""
    generator = np.random.default_rng(7)
    found = generator.normal(size=(2, 50, dimension)).astype(np.float32)
    things, photos = found / np.linalg.norm(found, axis=2, keepdims=True)
    background = Background(things, 15.0, same=0.99)
    told = (things @ things.T < 0.99).astype(np.float32)  # none is held against itself
    others = told @ np.exp(15 * things @ photos.T) / told.sum(axis=1, keepdims=True)
    expected = things @ photos.T - np.log(others) / 15
    assert background.beyond(things, photos) == pytest.approx(expected, abs=1e-3)
    few = background.beyond(things[:1], photos[:1])
    assert few == pytest.approx(expected[:1, :1], abs=1e-3)


def test_flushed_photos_are_judged_like_recent_ones(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo has its verdict whatever the size of the library it is in."""
    found = calibrated(library)
    recent = found.of(TEXT)
    found.close()
    monkeypatch.setattr(vectors, "RAM_BYTES", 0)
    library.store.relabel({})
    assert library.store.wait_idle(60)
    again = calibrated(library)
    settled = again.of(TEXT)
    again.close()
    assert settled.background is not None
    assert (settled.fair, settled.strong) == pytest.approx((recent.fair, recent.strong), abs=1e-3)


def test_a_library_that_grows_is_calibrated_again(library: Library) -> None:
    """At once while it is small; not for each photo."""
    found = calibrated(library)
    before = found.of(TEXT)
    library.add("/p/one.jpg", 0)
    assert found.of(TEXT) is before
    with library.together():
        for number in range(20):
            library.add(f"/p/more {number}.jpg", 0)
    assert found.of(TEXT) is not before
    found.close()


def test_photos_that_were_removed_count_nowhere(tmp_path: Path) -> None:
    """Their vectors stay for 30 days; the scales are those of a library that never had them."""
    library, other = Library(tmp_path / "one"), Library(tmp_path / "other")
    others = np.random.default_rng(5).normal(size=(60, 4))
    with library.together(), other.together():
        for number in range(80):
            for one in (library, other):
                one.add(f"/p/{number}.jpg", number % 4, also=number % 3)
        for number, towards in enumerate(others):
            library.add_vector(f"/p/gone/{number}.jpg", towards)
    found, expected = calibrated(library), calibrated(other)
    assert found.of(TEXT).fair != pytest.approx(expected.of(TEXT).fair)
    library.catalog.forget(f"/p/gone/{number}.jpg".encode() for number in range(60))
    assert found.of(TEXT).fair == pytest.approx(expected.of(TEXT).fair)
    assert found.of(TEXT).strong == pytest.approx(expected.of(TEXT).strong)
    names = library.contents.some(SPEC.fingerprint, 1000)
    assert len(names) == 80 and not any("gone" in name for name in names)
    found.close()
    expected.close()


def test_sums_and_pictures_have_thresholds_of_their_own(tmp_path: Path) -> None:
    """Few pairs of pictures are alike; a shape is computed once, whatever its weights."""
    library = Library(tmp_path)
    others = np.random.default_rng(3).normal(size=(40, 4)) * 0.5 - (1, 0, 0, 0)
    with library.together():
        for number, towards in enumerate([(1, 0, 0, 0), *others, (1, 0.1, 0, 0)]):
            library.add_vector(f"/p/{number}.jpg", towards)
    found = calibrated(library)
    picture = Question((QuestionTerm(1.0, path=b"/p/0.jpg"),))
    both = Question((QuestionTerm(1.0, "abc"), QuestionTerm(-1.0, "dog")))
    double = Question((QuestionTerm(-2.0, "abc"), QuestionTerm(2.0, "dog")))
    vectors = library.store.vectors_of(["1-/p/0.jpg", "1-/p/1.jpg", "1-/p/41.jpg"])
    twin, other = vectors["1-/p/41.jpg"], vectors["1-/p/1.jpg"]
    embedding = QueryEmbedding(vectors["1-/p/0.jpg"][0], 1.0, [])
    judge = Judge(found.of(picture))
    assert strength(judge, embedding, twin) != "weak" == strength(judge, embedding, other)
    assert found.of(double) is found.of(both)
    assert found.of(both).fair != found.of(TEXT).fair
    found.close()


def test_a_query_waits_for_few_unrelated_things(library: Library) -> None:
    """They go to the encoder in small parts."""
    embeddings = QueryEmbedder()
    calibrated(library, embeddings).close()
    assert max(embeddings.asked) <= 8


def test_an_engine_calibrates_after_its_warm_up(library: Library) -> None:
    """Calibration starts only after the warm-up: no query waits for it."""

    class Encoder:
        asked = 0

        def encode_texts(self, texts: list[str], _deadline: Any) -> Any:
            future = library.encoder.encode_texts([texts[0]], _deadline)
            vectors = np.random.default_rng(0).normal(size=(len(texts), 4)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            done: Any = type(future)()
            done.set_result(
                TextVectors(vectors, [1.0] * len(texts), [[]] * len(texts), [None] * len(texts))
            )
            Encoder.asked += len(texts)
            return done

    engine = library.engine(encoder=Encoder())
    engine.query(QueryParams("abc"))
    assert Encoder.asked == 1
    assert engine.warm_up(5)
    limit = time.monotonic() + 60
    while Encoder.asked < 150:
        assert time.monotonic() < limit
        time.sleep(0.01)
    engine.close()


def test_slow_calibrations_run_before_the_first_query(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query never does it; the pipeline has it done when it has nothing else to do."""
    monkeypatch.setattr(calibration, "AT_ONCE", 0)
    monkeypatch.setattr(calibration, "REST_TIMES", 0)
    found = calibrated(library)
    before = found.of(TEXT)
    with library.together():
        for number in range(20):
            library.add(f"/p/more {number}.jpg", 0)
    asked = threading.get_ident()
    best, threads = library.store.best, []

    def noted(*given: Any) -> Any:
        threads.append(threading.get_ident())
        return best(*given)

    monkeypatch.setattr(library.store, "best", noted)
    found.follow_in_background()
    limit = time.monotonic() + 20
    while found.of(TEXT) is before:
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert threads and asked not in threads
    assert found.of(TEXT) is not before
    found.close()


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_the_same_picture_is_strong_however_much_of_the_library_it_is(
    tmp_path: Path, share: float
) -> None:
    """A quantile of pairs tells nothing where one scene is most of them; nor do removed photos
    change what alike is."""
    library, same = Library(tmp_path), int(80 * share)
    others = np.random.default_rng(4).normal(size=(80 - same, 4))
    with library.together():
        for number in range(same):
            library.add_vector(f"/p/same/{number}.jpg", (1, number * 1e-3, 0, 0))
        for number, towards in enumerate(others):
            library.add_vector(f"/p/{number}.jpg", towards)
    found = calibrated(library)
    vectors = library.store.vectors_of([f"1-/p/same/{number}.jpg" for number in (0, 1)])
    one, other = vectors.values()
    judge = Judge(found.of(Question((QuestionTerm(1.0, path=b"/p/same/0.jpg"),))))
    assert strength(judge, QueryEmbedding(one[0], 1.0, []), other) == "strong"
    assert strength(judge, QueryEmbedding(one[0], 1.0, []), -other) == "weak"
    found.close()
