"""The starter's image tower: EfficientNet-Lite2 (Tan and Le, arXiv 1905.11946) in plain torch.

Parameters have the names of timm's ``tf_efficientnet_lite2`` and open_clip's ``TimmModel``, so that
one weights file loads here and in stock open_clip, which needs timm for it.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Kernel, expansion, channels, repeats, stride of the first.
STAGES = (
    (3, 6, 24, 3, 2),
    (5, 6, 48, 3, 2),
    (3, 6, 88, 4, 2),
    (5, 6, 120, 4, 1),
    (5, 6, 208, 5, 2),
    (3, 6, 352, 1, 1),
)
STEM, FIRST, FEATURES = 32, 16, 1280
EPSILON = 1e-3  # of the norms, as in TensorFlow


class SameConv2d(nn.Conv2d):
    """A convolution padded as in TensorFlow: an odd pixel of padding goes to the end."""

    def __init__(self, incoming: int, outgoing: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__(incoming, outgoing, kernel, stride, groups=groups, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1:
            return functional.conv2d(
                x, self.weight, self.bias, padding=kernel // 2, groups=self.groups
            )
        height, width = (max(kernel - 1 - (size - 1) % stride, 0) for size in x.shape[2:])
        x = functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return functional.conv2d(x, self.weight, self.bias, stride=stride, groups=self.groups)


class DepthwiseSeparable(nn.Module):
    """The first block: depthwise 3 x 3, then a linear 1 x 1."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.conv_dw = SameConv2d(incoming, incoming, 3, 1, incoming)
        self.bn1 = _norm(incoming)
        self.conv_pw = nn.Conv2d(incoming, outgoing, 1, bias=False)
        self.bn2 = _norm(outgoing)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self.bn1(self.conv_dw(x)))
        y: torch.Tensor = self.bn2(self.conv_pw(x))
        return y


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; with a skip connection if shapes allow."""

    def __init__(
        self, kernel: int, expansion: int, incoming: int, outgoing: int, stride: int
    ) -> None:
        super().__init__()
        middle = incoming * expansion
        self.short_cut = stride == 1 and incoming == outgoing
        self.conv_pw = nn.Conv2d(incoming, middle, 1, bias=False)
        self.bn1 = _norm(middle)
        self.conv_dw = SameConv2d(middle, middle, kernel, stride, middle)
        self.bn2 = _norm(middle)
        self.conv_pwl = nn.Conv2d(middle, outgoing, 1, bias=False)
        self.bn3 = _norm(outgoing)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu6(self.bn1(self.conv_pw(x)))
        y = functional.relu6(self.bn2(self.conv_dw(y)))
        projected: torch.Tensor = self.bn3(self.conv_pwl(y))
        return x + projected if self.short_cut else projected


class Trunk(nn.Module):
    """Pixels (n, 3, S, S) to pooled features (n, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = SameConv2d(3, STEM, 3, 2, 1)
        self.bn1 = _norm(STEM)
        stages: list[nn.Module] = [nn.Sequential(DepthwiseSeparable(STEM, FIRST))]
        incoming = FIRST
        for kernel, expansion, outgoing, repeats, stride in STAGES:
            blocks = []
            for number in range(repeats):
                step = stride if number == 0 else 1
                blocks.append(InvertedResidual(kernel, expansion, incoming, outgoing, step))
                incoming = outgoing
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = nn.Conv2d(incoming, FEATURES, 1, bias=False)
        self.bn2 = _norm(FEATURES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self.bn1(self.conv_stem(x)))
        x = self.blocks(x)
        x = functional.relu6(self.bn2(self.conv_head(x)))
        pooled: torch.Tensor = x.mean(dim=(2, 3))
        return pooled


class EfficientNetTower(nn.Module):
    """Pixels (n, 3, S, S), scaled by the model's mean and std, to (n, embed_dim)."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = nn.Sequential()
        self.head.add_module("proj", nn.Linear(FEATURES, embed_dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.head(self.trunk(x))
        return features


def fold_norms(tower: nn.Module) -> None:
    """Fold every norm into the convolution before it: same results in two thirds of the time.

    For a tower in evaluation mode that is no longer trained.
    """
    for module in list(tower.modules()):
        for (name, convolution), (norm_name, norm) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, norm))
                setattr(module, norm_name, nn.Identity())


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON)
