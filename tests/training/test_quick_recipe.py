"""The quick recipe, trained again with its fixed seed, is as good as its documentation says."""

from __future__ import annotations

import pytest

from training.data import data_directory
from training.features import load
from training.quick import Recipe, evaluate, train_quick

# training/README.md: ``--recipe quick --seed 1 --steps 100``, R@10 on the validation photos.
DOCUMENTED, TOLERANCE = 32.9, 2.0


@pytest.mark.slow
@pytest.mark.timeout(3600)  # the first run computes every feature; later ones take minutes
def test_trained_again_it_lands_where_it_is_said_to() -> None:
    pytest.importorskip("ai_edge_litert", reason="only reading the backbone needs ai-edge-litert")
    if not any(data_directory().glob("flickr8k-*.parquet")):
        pytest.skip(f"no training data in {data_directory()} (set PHOTOSD_TRAINING_DATA)")
    parts = load()
    model, tokenizer = train_quick(parts, Recipe(seed=1, steps=100))
    found = evaluate(model, tokenizer, parts["validation"])["text_to_image_r10"]
    assert abs(found - DOCUMENTED) <= TOLERANCE
