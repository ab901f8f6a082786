"""Canonical correlations: the directions in which two sides of the same things agree best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

OVERSAMPLED, ITERATIONS = 40, 6  # of the randomised singular value decomposition


@dataclass(frozen=True)
class Pairs:
    """Features (n, p), the mean text of each (n, q), all their texts (m, q), and a weight."""

    features: torch.Tensor
    means: torch.Tensor
    texts: torch.Tensor
    weight: float


@dataclass(frozen=True)
class Projection:
    """``(values - mean) @ matrix``."""

    mean: torch.Tensor
    matrix: torch.Tensor


def correlate(pairs: Sequence[Pairs], dimension: int) -> tuple[Projection, Projection]:
    """Ridge-regularised canonical correlations of both sides; columns times the correlations."""
    total = sum(part.weight * len(part.features) for part in pairs)
    x_mean = sum((p.weight * p.features.sum(dim=0) for p in pairs), torch.zeros(())) / total
    y_mean = sum((p.weight * p.means.sum(dim=0) for p in pairs), torch.zeros(())) / total
    xx, xy, yy = torch.zeros(()), torch.zeros(()), torch.zeros(())
    for part in pairs:
        x, y, texts = part.features - x_mean, part.means - y_mean, part.texts - y_mean
        xx = xx + part.weight * x.T @ x / total
        xy = xy + part.weight * x.T @ y / total
        yy = yy + part.weight * len(x) / len(texts) * texts.T @ texts / total
    x_root, y_root = (torch.linalg.cholesky(_ridged(matrix)) for matrix in (xx, yy))
    whitened = torch.linalg.solve_triangular(x_root, xy, upper=False)
    whitened = torch.linalg.solve_triangular(y_root, whitened.T, upper=False).T
    left, found, right = torch.svd_lowrank(whitened, dimension + OVERSAMPLED, niter=ITERATIONS)
    matrices = (
        torch.linalg.solve_triangular(root.T, side[:, :dimension], upper=True) * found[:dimension]
        for root, side in ((x_root, left), (y_root, right))
    )
    return Projection(x_mean, next(matrices)), Projection(y_mean, next(matrices))


def _ridged(covariance: torch.Tensor) -> torch.Tensor:
    return covariance + covariance.diagonal().mean() * torch.eye(len(covariance))
