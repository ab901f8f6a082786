"""The precision of a model is chosen by the work it takes, not by how busy the machine was."""

from __future__ import annotations

import time
from typing import cast

import numpy as np
import torch

from photosd.encoder.install import installing
from photosd.encoder.model import WarmModel


class Kept:
    """A model that is kept waiting for the processor while it encodes."""

    device = "cpu"

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        assert torch.get_num_threads() == 1
        time.sleep(0.05)
        return pixels


def test_waiting_for_the_processor_is_no_effort() -> None:
    effort = installing.effort_of(cast(WarmModel, Kept()), np.zeros((1, 4, 4, 3), np.uint8))
    assert effort < 0.02


def test_the_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    installing.effort_of(cast(WarmModel, Kept()), np.zeros((1, 4, 4, 3), np.uint8))
    assert torch.get_num_threads() == before
