"""``python -m benchmarks.names``: do the names of files disturb queries that name nothing?

The test photos of flickr8k are indexed twice by a daemon with the starter: under numbers, and
under names of random words. The first caption of each is a query. R@10 is the share of queries
whose photo is among the first ten; names that happen to share a word with a query must not lower
it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.bench import running
from training.data import Row, photos_with_captions

PHOTOS = 1000
FIRST = 10
WORDS_OF_A_NAME = 3


def main() -> None:
    """Print R@10 with both kinds of names, and how many queries differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.names", description=__doc__)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rows = photos_with_captions()["test"][: args.photos]
    numbered = measure(rows, [f"{number:05}" for number in range(len(rows))])
    named = measure(rows, list(random_names(rows, args.seed)))
    gained = sum(a > b for a, b in zip(named, numbered, strict=True))
    lost = sum(a < b for a, b in zip(named, numbered, strict=True))
    print(f"photos {len(rows)}, queries {len(numbered)}")
    print(f"R@10 with numbers as names      {np.mean(numbered):.3f}")
    print(f"R@10 with random words as names {np.mean(named):.3f}")
    print(f"queries that gained their photo {gained}, lost it {lost}")


def measure(rows: Sequence[Row], names: Sequence[str]) -> list[bool]:
    """For each query, whether its photo is among the first ten."""
    with running() as daemon:
        daemon.wait_ready()
        folder = daemon.home / "photos"
        folder.mkdir()
        for row, name in zip(rows, names, strict=True):
            (folder / f"{name}.jpg").write_bytes(row.image)
        daemon.index(folder)
        daemon.wait_calm()
        found = []
        with daemon.client() as client:
            for row, name in zip(rows, names, strict=True):
                asked = {"text": row.captions[0], "limit": FIRST, "deadline_ms": 30_000}
                hits = client.call("query", asked)["hits"]
                found.append(any(Path(hit["path"]).stem == name for hit in hits))
        return found


def random_names(rows: Sequence[Row], seed: int) -> Iterator[str]:
    """For each photo, words from the captions of all photos and a number that makes it unique."""
    words = sorted({word for row in rows for caption in row.captions for word in caption.split()})
    words = [word for word in words if word.isalpha() and len(word) > 2]
    generator = np.random.default_rng(seed)
    for number in range(len(rows)):
        yield " ".join([*generator.choice(words, WORDS_OF_A_NAME), str(number)])


if __name__ == "__main__":
    main()
