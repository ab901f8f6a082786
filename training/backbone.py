"""The ImageNet backbone: MobileNetV2 from the 8-bit TFLite file, as our tower's weights.

Batch norms are folded into the convolutions there; here each becomes the identity plus a bias.
The file's input is ``pixels / 127.5 - 1``, which is mean and std 0.5, so nothing needs folding.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from photosd.encoder.mobilenet import FEATURES, Trunk
from training.data import data_directory

FILE = "backbone/tf2_mobilenet_v2_1.0_224_ptq.tflite"
LABELS = "backbone/imagenet_labels.txt"
MEAN = STD = (0.5, 0.5, 0.5)


@dataclass
class Backbone:
    """The trunk, and the classifier's (1000, 1280) weights, (1000,) biases and class names."""

    trunk: Trunk
    class_weights: torch.Tensor
    class_biases: torch.Tensor
    class_names: list[str]


def load_backbone(directory: Path | None = None) -> Backbone:
    """Read and dequantise the file; raises ValueError when it is not the network we know."""
    directory = directory or data_directory()
    layers = _read_layers(directory / FILE)
    trunk = Trunk()
    pairs = _convolutions(trunk)
    if len(layers) != len(pairs) + 1:
        raise ValueError(f"{len(layers)} layers found, {len(pairs) + 1} expected")
    with torch.no_grad():
        for (convolution, norm), (weights, bias) in zip(pairs, layers, strict=False):
            depthwise = convolution.groups > 1
            order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
            convolution.weight.copy_(torch.from_numpy(weights.transpose(order).copy()))
            scale = (1 + norm.eps) ** 0.5
            norm.weight.fill_(scale)  # with running mean 0 and variance 1: the identity
            norm.bias.copy_(torch.from_numpy(bias))
    weights, bias = layers[-1]
    matrix = torch.from_numpy(weights.reshape(-1, FEATURES).copy())
    names = (directory / LABELS).read_text().splitlines()
    return Backbone(trunk.eval(), matrix[1:], torch.from_numpy(bias[1:].copy()), names[1:])


def _convolutions(trunk: Trunk) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Every convolution with the norm that follows it, in the order of the network."""
    modules = [m for m in trunk.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    norms = {id(m): m for m in modules}
    pairs = []
    convolutions = [m for m in modules if isinstance(m, nn.Conv2d)]
    batch_norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]
    for convolution, norm in zip(convolutions, batch_norms, strict=True):
        assert id(norm) in norms
        pairs.append((convolution, norm))
    return pairs


def _read_layers(file: Path) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """(weights, bias) of every convolution and the classifier, as float32, in order."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    layers = []
    for operation in interpreter._get_ops_details():
        if operation["op_name"] not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        _, weights, bias = (int(index) for index in operation["inputs"])
        layers.append(
            (
                _dequantise(interpreter.get_tensor(weights), details[weights]),
                _dequantise(interpreter.get_tensor(bias), details[bias]),
            )
        )
    return layers


def _dequantise(values: np.ndarray[Any, Any], detail: dict[str, Any]) -> np.ndarray[Any, Any]:
    quantisation = detail["quantization_parameters"]
    scales, zeros = quantisation["scales"], quantisation["zero_points"]
    if len(scales) == 0:
        return values.astype(np.float32)
    shape = [1] * values.ndim
    if len(scales) > 1:
        shape[quantisation["quantized_dimension"]] = len(scales)
    centred = values.astype(np.float32) - zeros.reshape(shape)
    return np.asarray(centred * scales.reshape(shape), np.float32)
