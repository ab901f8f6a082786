"""How good a model finds: recall at 1, 5 and 10 and the median rank, in both directions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def retrieval(
    images: NDArray[np.float32], texts: NDArray[np.float32], owner: NDArray[np.int64]
) -> dict[str, float]:
    """``images`` (n, d), ``texts`` (m, d), unit length; text j belongs to image ``owner[j]``.

    Percentages and ranks from 1; an image is found by the best placed of its texts.
    """
    scores = texts @ images.T
    own = scores[np.arange(len(texts)), owner]
    text_ranks = 1 + (scores > own[:, None]).sum(axis=1)
    image_ranks = np.full(len(images), len(texts) + 1)
    order = np.argsort(-scores.T, axis=1)
    for image, ranking in enumerate(order):
        image_ranks[image] = 1 + int(np.argmax(owner[ranking] == image))
    return {**_summary("text_to_image", text_ranks), **_summary("image_to_text", image_ranks)}


def _summary(name: str, ranks: NDArray[np.int64]) -> dict[str, float]:
    found = {f"{name}_r{k}": round(100 * float((ranks <= k).mean()), 2) for k in (1, 5, 10)}
    return {**found, f"{name}_median_rank": float(np.median(ranks))}
