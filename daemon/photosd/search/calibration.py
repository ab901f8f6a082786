"""Calibrates scores: what a cosine means in this library, measured with unrelated queries.

About two hundred things that few people photograph (unrelated.txt) are searched in the background.
A photo scores by how much nearer it is to the query than to the nearest of these things. A score
above that of most unrelated things is *fair*, one above that of nearly all is *strong*: so a
strength means the same for every model and library size. If vectors are on disk, the
cosine itself is calibrated, which is less accurate. Figures are in
docs/explanation/honest-scores.md.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from photosd.core.clock import Deadline
from photosd.core.errors import PhotosdError
from photosd.index.contents import Contents
from photosd.index.matrix import Measure, Vectors
from photosd.index.vectors import VectorStore
from photosd.models.spec import ModelSpec
from photosd.search.embedding import QueryEmbedder
from photosd.search.judging import Background, Scale
from photosd.search.likeness import ALIKE, APART, BURST, ends_of
from photosd.search.parsing import Question

log = structlog.get_logger()

UNRELATED = Path(__file__).with_name("unrelated.txt")
# The share of unrelated things whose best score is below the threshold. A large library contains
# some of these things, so its share for fair is lower.
FAIR_FEW, FAIR_MANY, STRONG = 0.85, 0.74, 0.97
FEW, MANY = 32, 500  # photos; smaller libraries use the threshold for FEW, as they vary too little
FAIR_PAIR, STRONG_PAIR = 0.98, 0.997  # the share of pairs of photos that are below the threshold
GROWTH = 0.2  # of the library; a larger change triggers a new calibration
REST_SECONDS = 30.0  # minimum, between two calibrations; after a failure
REST_TIMES = 20  # times the duration of the last one
AT_ONCE = 1 << 15  # numbers in RAM; up to this size a query calibrates itself: 2 ms
SAMPLE = 1024  # photos
SHAPES = 100  # queries whose scales are cached

Best = Callable[[Measure], tuple[Vectors, int]]  # the best score of each unrelated thing; photos
Shape = tuple[tuple[float, bool], ...]  # of each term: its weight, and whether it is a picture
ONE_TEXT: Shape = ((1.0, False),)
ONE_PICTURE: Shape = ((1.0, True),)


class Calibration:
    """Calibration of one model and its vectors. Any thread may use it."""

    def __init__(
        self, spec: ModelSpec, store: VectorStore, contents: Contents, embedder: QueryEmbedder
    ) -> None:
        self._spec, self._store, self._contents, self._embedder = spec, store, contents, embedder
        default = spec.strength
        self._default = Scale(None, default.fair, default.strong)
        self._unrelated: Vectors | None = None
        self._photos, self._rest_until = 0, 0.0
        self._scales: dict[Shape, Scale] = {}
        self._sampled: Vectors | None = None
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "calibrate")
        self._running: Future[None] | None = None
        self._begun = self._closed = False

    def begin(self) -> None:
        """Start calibrating; call it once the encoder is ready."""
        self._begun = True
        self.follow()

    def of(self, question: Question) -> Scale:
        """The scale for this query; the model's default until there is a calibrated one."""
        self.follow()
        scales = self._scales
        if self._unrelated is None or ONE_TEXT not in scales:
            return self._default
        shape = _shape(question)
        found = scales.get(shape)
        if found is None and len(scales) >= SHAPES:
            return scales[ONE_TEXT]
        if found is None:
            found = scales[shape] = self._of_shape(shape, self._unrelated, scales[ONE_TEXT])
        return found

    def follow(self) -> None:
        """Calibrate again if the library has changed enough: now if that is quick."""
        if not self._outdated():
            return
        if self._unrelated is None or len(self._store) * self._spec.dimension > AT_ONCE:
            self.follow_in_background()
        else:
            self._calibrate(self._unrelated)

    def follow_in_background(self) -> None:
        """`follow` in the background, so that the next query finds a matching scale."""
        busy = self._running is not None and not self._running.done()
        if self._begun and not busy and time.monotonic() >= self._rest_until and self._outdated():
            with contextlib.suppress(RuntimeError):  # closed meanwhile
                self._running = self._worker.submit(self._run)

    def _outdated(self) -> bool:
        photos = self._contents.indexed()
        grown = abs(photos - self._photos) > GROWTH * self._photos
        return self._unrelated is None or grown

    def close(self, deadline: Deadline | None = None) -> None:
        """Stop; a running calibration ends after its current text, or is abandoned at
        the deadline.
        """
        self._closed = True
        self._worker.shutdown(wait=False, cancel_futures=True)
        if self._running is not None:
            wait([self._running], (deadline or Deadline.to_stop()).remaining)

    def _run(self) -> None:
        self._rest_until = time.monotonic() + REST_SECONDS
        try:
            if self._unrelated is None:
                self._unrelated = self._encode(UNRELATED.read_text().split("\n"))
            if self._unrelated is not None:
                started = time.monotonic()
                self._calibrate(self._unrelated)
                took = time.monotonic() - started
                self._rest_until = started + min(REST_SECONDS, REST_TIMES * took)
        except PhotosdError as error:
            log.info("not_calibrated", cause=str(error), remedy="no action needed: it is retried")
        except Exception:
            log.exception(
                "not_calibrated",
                remedy="photosd bugreport   (the model's default thresholds apply)",
            )

    def _encode(self, texts: Sequence[str]) -> Vectors | None:
        texts = [text for text in texts if text]
        found: list[Vectors] = []
        for text in texts:  # one by one: a query waits for one at most
            if self._closed:
                return None
            embeddings, _ = self._embedder.of_texts([text], None)
            found.append(embeddings[text].vector)
        return np.stack(found)

    def _calibrate(self, unrelated: Vectors) -> None:
        with self._lock:
            self._photos, self._sampled = self._contents.indexed(), None
            sample = self._sample()
            if not len(sample):
                self._scales = {}
                return
            best = functools.partial(self._store.best, unrelated, self._contents.alive)
            scale, rows = scale_of(unrelated, sample, best)
            self._scales = {ONE_TEXT: scale}
        log.debug("calibrated", rows=rows, fair=round(scale.fair, 3), strong=round(scale.strong, 3))

    # -- sums and pictures -----------------------------------------------------------------------

    def _of_shape(self, shape: Shape, unrelated: Vectors, one_text: Scale) -> Scale:
        """Scores of sums of unrelated things, built like the query."""
        sample = self._sample()
        if len(sample) < 2:
            return one_text
        sums, used = _sums(shape, unrelated, sample)
        background = None
        if one_text.background is not None:
            # Other pictures are not unrelated things: subtract only the mean of all photos.
            middle = Background(sums.mean(axis=0, keepdims=True), 1.0)
            background = middle if used.any() else Background.of(sums, sample)
        beyond = Scale(background, 0, 0).beyond(sums, sample)
        if used.any():
            fair, strong = np.quantile(beyond[~used], (FAIR_PAIR, STRONG_PAIR))
            if shape != ONE_PICTURE:
                return Scale(background, float(fair), float(strong))
            # If one scene is most of the library, no quantile separates its photos.
            ends = ends_of(sample)
            apart = ends.cosine(APART) if ends.measured else -1.0
            limits = (ends.cosine(ALIKE), ends.cosine(BURST), apart)
            return Scale(background, float(fair), float(strong), *limits)
        # The whole library scores higher than a sample of it; by the same amount as for one text.
        single, shares = one_text.beyond(unrelated, sample).max(axis=1), shares_of(self._photos)
        more = np.quantile(beyond.max(axis=1), shares) - np.quantile(single, shares)
        return Scale(background, one_text.fair + float(more[0]), one_text.strong + float(more[1]))

    def _sample(self) -> Vectors:
        """Vectors of some photos, one of each: (n, d)."""
        sampled = self._sampled
        if sampled is None:
            names = self._contents.some(self._spec.fingerprint, SAMPLE)
            found = [tiles[0] for tiles in self._store.vectors_of(names).values()]
            nothing = np.empty((0, self._spec.dimension), np.float32)
            sampled = self._sampled = np.stack(found) if found else nothing
        return sampled


def scale_of(unrelated: Vectors, sample: Vectors, best: Best) -> tuple[Scale, int]:
    """The scale for one text, and the number of photos; ``sample`` (m, d) are some of them."""
    background = Background.of(unrelated, sample)
    measure = Scale(background, 0, 0).beyond
    nearest, rows = best(measure)
    shares = shares_of(rows)
    if rows < FEW:
        nearest, shares = measure(unrelated, sample), shares ** (1 / FEW)
    fair, strong = np.quantile(nearest, shares)
    return Scale(background, float(fair), float(strong)), rows


def shares_of(photos: int) -> NDArray[np.float64]:
    """The shares of unrelated things below fair, and below strong, for this number of photos."""
    place, ends = np.log(max(photos, 1)), np.log((FEW, MANY))
    return np.array([np.interp(place, ends, (FAIR_FEW, FAIR_MANY)), STRONG])


def _shape(question: Question) -> Shape:
    """A query's terms: weights relative to the largest, and kinds."""
    heaviest = max(abs(term.weight) for term in question.terms)
    terms = ((round(t.weight / heaviest, 1), t.path is not None) for t in question.terms)
    return tuple(sorted(terms, reverse=True))


def _sums(shape: Shape, unrelated: Vectors, sample: Vectors) -> tuple[Vectors, NDArray[np.bool_]]:
    """Sums of this shape, of unit length (n, d), and which photos (n, m) each consists of."""
    number = len(unrelated)
    total = np.zeros((number, sample.shape[1]), np.float32)
    used = np.zeros((number, len(sample)), np.bool_)
    rows = np.arange(number)
    for place, (weight, is_picture) in enumerate(shape):
        kind = sample if is_picture else unrelated
        chosen = (rows + 7 * place) % len(kind)  # none is added to itself
        total += np.float32(weight) * kind[chosen]
        if is_picture:
            used[rows, chosen] = True
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-6), used
