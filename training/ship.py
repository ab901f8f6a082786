"""``python -m training.ship NAME VERSION``: make a kept model the starter that photosd ships."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photosd.models.spec import STARTER
from training.evaluate import held_out_vectors
from training.export import export
from training.train import kept

WEAK, FAIR, STRONG = 95, 99, 50  # percentiles; docs/starter-model.md says of what


def main() -> None:
    """Export by the arguments, with strengths measured on the test photos."""
    arguments = argparse.ArgumentParser(prog="python -m training.ship", description=__doc__)
    arguments.add_argument("name", help="what training.train said it kept, such as full-1")
    arguments.add_argument("version", type=int)
    arguments.add_argument("--directory", type=Path, default=STARTER)
    chosen = arguments.parse_args()
    trained = kept(chosen.name)
    strength = strengths(*held_out_vectors(trained, "test"))
    export(trained, strength, chosen.version, chosen.directory)


def strengths(
    images: NDArray[np.float32], texts: NDArray[np.float32], owner: NDArray[np.int64]
) -> dict[str, float]:
    """Cosines from which a photo is a weak, fair or strong match for a text.

    5 % of wrong pairs are nearer than *weak* and 1 % nearer than *fair*; for half of the texts no
    wrong photo is nearer than *strong*.
    """
    cosines = texts @ images.T
    wrong = np.ones(cosines.shape, bool)
    wrong[np.arange(len(texts)), owner] = False
    nearest = np.where(wrong, cosines, -1).max(axis=1)
    found = {
        "weak": np.percentile(cosines[wrong], WEAK),
        "fair": np.percentile(cosines[wrong], FAIR),
        "strong": np.percentile(nearest, STRONG),
    }
    return {name: round(float(cosine), 3) for name, cosine in found.items()}


if __name__ == "__main__":
    main()
