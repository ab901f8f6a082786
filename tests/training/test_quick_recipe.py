"""The quick recipe, trained again with its fixed seed, is as good as its documentation says."""

from __future__ import annotations

import pytest

from training.backbone import PACKAGE as BACKBONE
from training.complete import QUICK, train
from training.data import data_directory
from training.evaluate import held_out
from training.teacher import PACKAGE as TEACHER

# training/README.md: ``--recipe quick --seed 1``, R@10 on the validation photos.
DOCUMENTED, TOLERANCE = 58.3, 2.0


@pytest.mark.slow
@pytest.mark.timeout(3600)  # the first run computes every feature; later ones take minutes
def test_trained_again_it_lands_where_it_is_said_to() -> None:
    for package in (BACKBONE, TEACHER):
        pytest.importorskip(package, reason="training/README.md says how to install it")
    if not any(data_directory().glob("flickr8k-*.parquet")):
        pytest.skip(f"no training data in {data_directory()} (set PHOTOSD_TRAINING_DATA)")
    found = held_out(train(QUICK, seed=1), "validation")["text_to_image_r10"]
    assert abs(found - DOCUMENTED) <= TOLERANCE
