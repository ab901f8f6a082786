"""The starter's image tower: MobileNetV2 1.0 (Sandler et al., arXiv 1801.04381) in plain torch.

Its parameters carry the names that timm's ``mobilenetv2_100`` and open_clip's ``TimmModel`` give
them, so that one weights file loads here and in stock open_clip, which needs timm for it.
"""

from __future__ import annotations

import torch
from torch import nn

# Table 2 of the paper: expansion, channels, repeats, stride of the first.
STAGES = (
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, FIRST, FEATURES = 32, 16, 1280


class DepthwiseSeparable(nn.Module):
    """The first block: depthwise 3 x 3, then a linear 1 x 1."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(incoming, incoming, 3, 1, 1, groups=incoming, bias=False)
        self.bn1 = nn.BatchNorm2d(incoming)
        self.conv_pw = nn.Conv2d(incoming, outgoing, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outgoing)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.relu6(self.bn1(self.conv_dw(x)))
        y: torch.Tensor = self.bn2(self.conv_pw(x))
        return y


class InvertedResidual(nn.Module):
    """Expand, depthwise 3 x 3, project; with a short cut where shapes allow."""

    def __init__(self, incoming: int, outgoing: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = incoming * expansion
        self.short_cut = stride == 1 and incoming == outgoing
        self.conv_pw = nn.Conv2d(incoming, middle, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv_dw = nn.Conv2d(middle, middle, 3, stride, 1, groups=middle, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv_pwl = nn.Conv2d(middle, outgoing, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outgoing)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = nn.functional.relu6(self.bn1(self.conv_pw(x)))
        y = nn.functional.relu6(self.bn2(self.conv_dw(y)))
        projected: torch.Tensor = self.bn3(self.conv_pwl(y))
        return x + projected if self.short_cut else projected


class Trunk(nn.Module):
    """Pixels (n, 3, S, S) to pooled features (n, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(3, STEM, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        stages: list[nn.Module] = [nn.Sequential(DepthwiseSeparable(STEM, FIRST))]
        incoming = FIRST
        for expansion, outgoing, repeats, stride in STAGES:
            blocks = []
            for number in range(repeats):
                step = stride if number == 0 else 1
                blocks.append(InvertedResidual(incoming, outgoing, step, expansion))
                incoming = outgoing
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = nn.Conv2d(incoming, FEATURES, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(FEATURES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.relu6(self.bn1(self.conv_stem(x)))
        x = self.blocks(x)
        x = nn.functional.relu6(self.bn2(self.conv_head(x)))
        pooled: torch.Tensor = x.mean(dim=(2, 3))
        return pooled


class MobileNetV2Tower(nn.Module):
    """Pixels (n, 3, S, S), scaled by the model's mean and std, to (n, embed_dim)."""

    def __init__(self, embed_dim: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.head = nn.Sequential()
        self.head.add_module("proj", nn.Linear(FEATURES, embed_dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.head(self.trunk(x))
        return features
