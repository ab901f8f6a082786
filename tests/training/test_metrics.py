"""The figures of a toy matrix whose ranks can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import retrieval


def test_perfect_vectors_find_everything_first() -> None:
    images = np.eye(12, dtype=np.float32)
    owner = np.repeat(np.arange(12), 2)
    found = retrieval(images, images[owner], owner)
    assert [found[f"text_to_image_r{k}"] for k in (1, 5, 10)] == [100, 100, 100]
    assert [found[f"image_to_text_r{k}"] for k in (1, 5, 10)] == [100, 100, 100]
    assert found["text_to_image_median_rank"] == found["image_to_text_median_rank"] == 1


def test_ranks_are_counted_from_one() -> None:
    images = np.eye(3, dtype=np.float32)
    # Text 0 finds its image first, text 1 second, text 2 third.
    texts = np.array([[0.9, 0.1, 0.0], [0.8, 0.5, 0.1], [0.7, 0.6, 0.2]], np.float32)
    found = retrieval(images, texts, np.arange(3))
    assert found["text_to_image_r1"] == pytest.approx(33.33)
    assert found["text_to_image_r5"] == 100
    assert found["text_to_image_median_rank"] == 2


def test_an_image_counts_its_best_placed_text() -> None:
    images = np.eye(2, dtype=np.float32)
    texts = np.array([[0.1, 0.9], [0.9, 0.1], [0.0, 1.0]], np.float32)
    found = retrieval(images, texts, np.array([0, 0, 1]))
    assert found["image_to_text_r1"] == 100
    assert found["text_to_image_r1"] == pytest.approx(66.67)
