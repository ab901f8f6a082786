"""``python -m training.honesty``: how honest photosd's scores are, on photos nobody trained on.

Libraries are drawn from flickr8k's test photos; words are class names of the other data sets. A
word is there when four of five descriptions of a photo have it, and not there when none has.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from photosd.encoder.model import WarmModel
from photosd.models.spec import STARTER, read_model
from photosd.search.calibration import FAIR, UNRELATED
from training.data import labelled_photos, photos_with_captions, pixels

Floats = NDArray[np.float32]
SIZES = (40, 76, 300, 1000)
DRAWS = 12  # libraries of each size
MOST = 4  # of five descriptions
BATCH = 32
# Words of class names that are no things, or that every street photo has.
VAGUE = frozenset(
    """air back ball black blue body brown by close cold dark day eye face field front game green
    ground group hair hand head high hold hot house large light line little long low man many
    night old one open orange people person photo picture play red ride rock round run sea set
    several short side sitting small soft some square standing team the top two under walk wall
    water wear wearing white with woman yellow young""".split()  # noqa: SIM905 (readable)
)


def main() -> None:
    """Print the table of docs/explanation/honest-scores.md."""
    argparse.ArgumentParser(prog="python -m training.honesty", description=__doc__).parse_args()
    model = WarmModel(read_model(STARTER), STARTER, lambda _phase: None)
    rows = photos_with_captions()["test"]
    photos = _in_batches(model.encode_images, list(pixels(rows, 0, 0)))
    words = sorted({w for r in labelled_photos() for c in r.captions for w in _words(c)} - VAGUE)
    told = [[_words(caption) for caption in row.captions] for row in rows]
    counts = np.array([[sum(w in c for c in captions) for w in words] for captions in told])
    texts = [words, [row.captions[0] for row in rows], UNRELATED.read_text().splitlines()]
    asked, described, unrelated = (_in_batches(model.encode_texts, part) for part in texts)
    generator = np.random.default_rng(0)
    for size in SIZES:
        draws = [generator.permutation(len(rows))[:size] for _ in range(DRAWS)]
        shares = []
        for centre in (unrelated.mean(axis=0), np.zeros(unrelated.shape[1], np.float32)):
            found = []
            for draw in draws:
                beyond = [_best(v - centre, photos[draw]) for v in (asked, described[draw])]
                fair = np.quantile(_best(unrelated - centre, photos[draw]), FAIR)
                most = counts[draw].max(axis=0)
                there, absent = beyond[0][most >= MOST], beyond[0][most == 0]
                groups = (there >= fair, beyond[1] >= fair, absent < fair)
                found.append([group.mean() for group in groups])
            shares.append(np.mean(found, axis=0))
        ours, bare = ([f"{100 * share:.0f} %" for share in one] for one in shares)
        print(f"| {size:,} | {' | '.join(ours)} | {bare[0]} / {bare[2]} |")


def _best(vectors: Floats, photos: Floats) -> Floats:
    best: Floats = (vectors @ photos.T).max(axis=1)
    return best


def _words(text: str) -> set[str]:
    """Its words of three letters or more, without a plural's s."""
    found = re.findall(r"[a-z]{3,}", text.lower())
    return {word[:-1] if word.endswith("s") and word[-2:] != "ss" else word for word in found}


def _in_batches(encode: object, items: Sequence[object]) -> Floats:
    parts = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    arrays = (np.stack(part) if isinstance(part[0], np.ndarray) else part for part in parts)  # type: ignore[arg-type]
    return np.concatenate([encode(part) for part in arrays])  # type: ignore[operator]


if __name__ == "__main__":
    main()
