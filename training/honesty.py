"""``python -m training.honesty``: accuracy of photosd's ratings on photos not used in training.

Libraries are drawn from flickr8k, caltech101 and tiny-imagenet, a third of each if possible; photos
of some things are left out of each. Queries: the things of things.txt, present or not, and people's
descriptions of photos, present or (from flickr8k, in libraries without it) not. ``--part
validation`` is for tuning, with separate photos and things; ``--language he`` asks for those of
things_he.txt in Hebrew. docs/explanation/honest-scores.md has the table.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photosd.encoder.model import WarmModel, devices
from photosd.index.matrix import Matrix
from photosd.models.spec import STARTER, read_model
from photosd.search.calibration import SAMPLE, UNRELATED, scale_of
from photosd.search.judging import Scale
from training.asking import VAGUE, Flags, Thing, hebrew_names, read_things, shown, words_of
from training.data import Row, labelled_photos, photos_with_captions, pixels
from training.features import RUNS, some_labelled

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
SIZES = {50: 60, 300: 20, 1000: 12, 3000: 8, 10_000: 6}  # photos of a library: libraries drawn
SOURCES = {"flickr8k": (350, 650), "caltech101": (500, 1100), "tiny-imagenet": (2500, 10_500)}
PARTS = ("validation", "test")  # so many photos of each source
LEFT_OUT = 0.34  # of the things that few of flickr8k's photos may show
FEW = 0.01
LOOKED_AT = 20  # nearest photos: as a query shows
DESCRIPTIONS = 200  # asked of each library
NOTHING = 0.0  # the vector of a query that is not understood
BATCH = 32
COLUMNS = (
    "photos",
    "things there: flickr8k, caltech101",
    "things there: tiny-imagenet",
    "descriptions there",
    "kept",
    "things not there",
    "descriptions not there",
    "refused",
    "strong and wrong",
    "asked: there, not there",
)


@dataclass(frozen=True)
class Photos:
    """Those of one part: vectors, the number of each one's source, and what they show or may."""

    vectors: Floats
    source: Numbers
    shows: Flags
    may: Flags
    descriptions: Floats  # of flickr8k's photos, which come first
    strange: Flags  # descriptions without a word of a class


def main() -> None:
    """Print the table of docs/explanation/honest-scores.md."""
    arguments = argparse.ArgumentParser(prog="python -m training.honesty", description=__doc__)
    arguments.add_argument("--part", choices=PARTS, default="test")
    arguments.add_argument("--language", choices=("en", "he"), default="en")
    chosen = arguments.parse_args()
    part = chosen.part
    model = WarmModel(read_model(STARTER), STARTER, lambda _phase: None)
    model.move_to(devices()[0])
    things = read_things()
    photos = read_photos(part, model, things)
    listed = UNRELATED.read_text().splitlines()
    hebrew = hebrew_names() if chosen.language == "he" else {}
    questions = [hebrew.get(thing.name, thing.question) for thing in things]
    asked = model.encode_texts(questions)
    known = np.array([model.tokenizer.understood(question)[0] > 0 for question in questions])
    asked[~known] = NOTHING  # photosd rates no look by words that the model does not know
    unrelated = model.encode_texts(listed)
    mine = np.array([t.part == part and (not hebrew or t.name in hebrew) for t in things])
    fresh = mine & ~np.array([thing.is_of(listed) for thing in things])
    print("|", " | ".join(COLUMNS), "|")
    print("|", " | ".join("---" for _ in COLUMNS), "|")
    for size, draws in SIZES.items():
        if size <= len(photos.vectors):
            generator = np.random.default_rng(size)
            libraries = itertools.islice(_libraries(photos, mine, size, generator), draws)
            print(_row(size, photos, (asked, unrelated), (mine, fresh), list(libraries)))


def read_photos(part: str, model: WarmModel, things: list[Thing]) -> Photos:
    """The photos of this part, encoded once."""
    found: dict[str, list[Row]] = {}
    seen = {row.image for row in some_labelled()}
    for row in [*photos_with_captions()["test"], *labelled_photos()]:
        source = row.source.split("/")[0]
        if source in SOURCES and row.image not in seen:
            seen.add(row.image)
            found.setdefault(source, []).append(row)
    rows: list[Row] = []
    vectors, sources = list[Floats](), list[Numbers]()
    for number, (source, counts) in enumerate(SOURCES.items()):
        ordered = sorted(found[source], key=lambda row: _digest(row.image))
        chosen = ordered[: counts[0]] if part == PARTS[0] else ordered[counts[0] :][: counts[1]]
        rows += chosen
        vectors.append(encoded(model, chosen, f"{part}-{source}"))
        sources.append(np.full(len(chosen), number))
    described = [row.captions[0] for row in rows[: len(sources[0])]]
    labels = {word for row in rows[len(described) :] for c in row.captions for word in words_of(c)}
    strange = [not words_of(text) & (labels - VAGUE) for text in described]
    return Photos(
        np.concatenate(vectors),
        np.concatenate(sources),
        *shown(rows, things),
        model.encode_texts(described),
        np.array(strange),
    )


def encoded(model: WarmModel, rows: list[Row], name: str) -> Floats:
    """Their vectors, kept under training/runs/."""
    file = RUNS / f"honesty-{name}-{read_model(STARTER).fingerprint[:8]}.npz"
    keys = [_digest(row.image) for row in rows]
    known: dict[str, Floats] = {}
    if file.exists():
        kept = np.load(file)
        known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
    missing = [row for row, key in zip(rows, keys, strict=True) if key not in known]
    pictures = pixels(missing, 0, 0)
    for start in range(0, len(missing), BATCH):
        part = missing[start : start + BATCH]
        vectors = model.encode_images(np.stack([*itertools.islice(pictures, BATCH)]))
        known |= {_digest(row.image): vector for row, vector in zip(part, vectors, strict=True)}
    found = np.stack([known[key] for key in keys])
    if missing:
        RUNS.mkdir(parents=True, exist_ok=True)
        np.savez(file, vectors=found, keys=keys)
    return found


def _libraries(
    photos: Photos, mine: Flags, size: int, generator: np.random.Generator
) -> Iterator[Numbers]:
    """Photos of libraries of this size, without those of some of the things that are ``mine``."""
    rare = mine & (photos.may[photos.source == 0].mean(axis=0) < FEW)
    may = photos.may | photos.shows
    while True:
        allowed = np.ones(len(may), bool)
        for thing in np.flatnonzero(rare & (generator.random(len(rare)) < LEFT_OUT)):
            fewer = allowed & ~may[:, thing]
            if fewer.sum() >= size:
                allowed = fewer
        pools = [
            generator.permutation(np.flatnonzero(allowed & (photos.source == source)))
            for source in range(len(SOURCES))
        ]
        chosen, wanted = list[Numbers](), size
        for left, pool in zip(range(len(pools), 0, -1), sorted(pools, key=len), strict=True):
            chosen.append(pool[: wanted // left])
            wanted -= len(chosen[-1])
        yield np.concatenate(chosen)


def _row(
    size: int,
    photos: Photos,
    texts: tuple[Floats, Floats],
    which: tuple[Flags, Flags],
    libraries: list[Numbers],
) -> str:
    """A row of the table: the shares of all that is asked of these libraries."""
    (asked, unrelated), (mine, fresh) = texts, which
    told: dict[str, list[Numbers]] = {}
    there_ever, absent_ever = np.zeros(len(mine), bool), np.zeros(len(mine), bool)
    for library in libraries:
        judged = judge(photos.vectors[library], unrelated, asked)
        clear = photos.shows[library][photos.source[library] < 2].any(axis=0)
        there, absent = photos.shows[library].any(axis=0), ~photos.may[library].any(axis=0)
        own = library[photos.source[library] == 0][:DESCRIPTIONS]
        others = library[photos.source[library] != 0]
        there, absent = mine & there, fresh & absent & ~there
        there_ever |= there
        absent_ever |= absent
        for name, found in (
            ("clear", judged[there & clear]),
            ("small", judged[there & ~clear]),
            ("described", judge(photos.vectors[library], unrelated, photos.descriptions[own])),
            ("absent", judged[absent]),
            (
                "strange",
                judge(photos.vectors[others], unrelated, photos.descriptions[photos.strange]),
            ),
        ):
            told.setdefault(name, []).append(found)
    shares = {name: np.concatenate(found) for name, found in told.items()}
    things = np.concatenate([shares["clear"], shares["small"]])
    kept = [share(shares[name], 1) for name in ("clear", "small", "described")]
    refused = [1 - share(shares[name], 1) for name in ("absent", "strange")]
    kept.append((share(things, 1) + kept[2]) / 2)
    wrong = (share(shares["absent"], 2) + share(shares["strange"], 2)) / 2
    refused.append(sum(refused) / 2)
    counts = f"{there_ever.sum():,} + descriptions, {absent_ever.sum():,} + {photos.strange.sum()}"
    cells = [f"{size:,}", *(f"{100 * one:.0f} %" for one in kept + refused), f"{100 * wrong:.1f} %"]
    return f"| {' | '.join([*cells, counts])} |"


def judge(photos: Floats, unrelated: Floats, questions: Floats) -> Numbers:
    """What a library of these photos says of each question: 0 weak, 1 fair, 2 strong."""
    matrix = Matrix(photos.shape[1], len(photos))
    matrix.append([str(number) for number in range(len(photos))], photos)
    best = functools.partial(matrix.best, unrelated, set)
    scale, _ = scale_of(unrelated, photos[:: -(-len(photos) // SAMPLE)], best)
    return np.array([_judge(scale, photos, question) for question in questions])


def share(strengths: Numbers, least: int) -> float:
    """The share of these answers that are at least this strong."""
    return float(np.mean(strengths >= least))


def _digest(image: bytes) -> str:
    return hashlib.sha256(image).hexdigest()


def _judge(scale: Scale, photos: Floats, question: Floats) -> int:
    if not question.any():
        return 0
    nearest = photos[np.argsort(-(photos @ question))[:LOOKED_AT]]
    most = scale.beyond(question[None], nearest).max()
    return int(most >= scale.fair) + int(most >= scale.strong)


if __name__ == "__main__":
    main()
