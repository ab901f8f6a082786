"""``python -m training.train``: train the starter and write it to its place."""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch

from training.backbone import load_backbone
from training.export import export
from training.features import RUNS, Pictures, load
from training.model import Starter, tokenize
from training.quick import Recipe, evaluate, train_quick
from training.vocabulary import known_words


def main() -> None:
    """Train by the arguments, report on the held-out photos, export when asked to."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--steps", type=int, default=Recipe.steps)
    arguments.add_argument(
        "--export", type=int, metavar="VERSION", help="write the model directory"
    )
    chosen = arguments.parse_args()
    parts = load()
    model, tokenizer = train_quick(parts, Recipe(seed=chosen.seed, steps=chosen.steps))
    torch.save(model.state_dict(), RUNS / f"quick-{chosen.seed}.pt")
    tokenizer.save(str(RUNS / f"quick-{chosen.seed}.json"))
    for name in ("validation", "test"):
        print(name, evaluate(model, tokenizer, parts[name]))
    if chosen.export is not None:
        captions = [c for r in parts["train"].rows + parts["labelled"].rows for c in r.captions]
        words = known_words(captions, load_backbone().class_names)
        export(
            model,
            tokenizer,
            words,
            thresholds(model, tokenizer, parts["validation"]),
            chosen.export,
        )


def thresholds(model: Starter, tokenizer: object, pictures: Pictures) -> dict[str, float]:
    """Cosines of a caption with the right photo (strong: its middle) and with the best wrong one.

    ``fair`` is where a hit is as likely as not the best of 1,000 wrong photos.
    """
    captions = [row.captions[0] for row in pictures.rows]
    with torch.inference_mode():
        images = model.images(torch.from_numpy(pictures.features[0].astype(np.float32)))
        texts = model.texts(tokenize(tokenizer, captions))  # type: ignore[arg-type]
    scores = (texts @ images.T).numpy()
    own = np.diag(scores).copy()
    np.fill_diagonal(scores, -1)
    best_wrong = scores.max(axis=1)
    fair = float(np.median(best_wrong))
    strong = float(max(np.median(own), np.percentile(best_wrong, 90)))
    print(
        "own",
        np.percentile(own, [10, 50, 90]),
        "best wrong",
        np.percentile(best_wrong, [10, 50, 90]),
        file=sys.stderr,
    )
    return {"weak": round(fair - 0.1, 3), "fair": round(fair, 3), "strong": round(strong, 3)}


if __name__ == "__main__":
    main()
