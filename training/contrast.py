"""Trains the meeting of photos and texts on the frozen tower's cached features.

From the canonical correlations on, by contrast in large batches, against much noise: seven thousand
photos are few.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from training.backbone import Backbone
from training.correlation import Pairs
from training.data import Row
from training.meeting import Meeting, Sayings, Words


@dataclass(frozen=True)
class MeetingRecipe:
    """Every number of this half."""

    seed: int = 1
    steps: int = 250
    photos: int = 1024
    captions: int = 2  # of each photo in a batch
    labelled: int = 128
    rate: float = 1e-3
    decay: float = 0.3
    feature_drop: float = 0.4
    text_drop: float = 0.25
    labelled_weight: float = 0.3
    class_weight: float = 0.25
    class_temperature: float = 1.0
    averaging: float = 0.97
    report_every: int = 40


@dataclass(frozen=True)
class Photos:
    """Rows with features, (views, n, 1280) float32, and where their captions begin."""

    rows: list[Row]
    features: torch.Tensor


@dataclass(frozen=True)
class Material:
    """What is learnt from; ``captions`` are those of ``photos`` in order, five of each."""

    photos: Photos
    labelled: Photos
    captions: Sayings
    labels: Sayings
    classes: Sayings
    words: Words
    backbone: Backbone


def train_meeting(material: Material, recipe: MeetingRecipe) -> Meeting:
    """The averaged weights after a fixed number of steps: nothing is chosen on any photos."""
    torch.manual_seed(recipe.seed)
    model = Meeting(material.words)
    model.begin(_pairs(material, recipe))
    average = copy.deepcopy(model)
    run = _Batches(material, recipe)
    maps = [p for name, p in model.named_parameters() if name != "logit_scale"]
    groups: list[dict[str, Any]] = [
        {"params": maps},
        {"params": [model.logit_scale], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.steps, pct_start=0.1
    )
    for step in range(1, recipe.steps + 1):
        loss = run.loss(model)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        blend(average, model, min(recipe.averaging, step / (step + 10)))
        if step % recipe.report_every == 0:
            print(f"meeting {step}: loss {loss.item():.3f}", file=sys.stderr, flush=True)
    return average.eval()


def _pairs(material: Material, recipe: MeetingRecipe) -> list[Pairs]:
    """Photos in every view with the mean of their captions, pictures with their first label."""
    captions, labels = material.captions.matrix(), material.labels.matrix()
    views, count, width = material.photos.features.shape
    means = captions.view(count, -1, captions.shape[1]).mean(dim=1)
    numbers = {text: number for number, text in enumerate(material.labels.texts)}
    named = labels[torch.tensor([numbers[row.captions[0]] for row in material.labelled.rows])]
    photos = material.photos.features.reshape(views * count, width)
    return [
        Pairs(photos, means.repeat(views, 1), captions, 1.0),
        Pairs(material.labelled.features[0], named, named, recipe.labelled_weight),
    ]


def blend(average: nn.Module, model: nn.Module, kept: float) -> None:
    """Move ``average`` towards ``model``, keeping the share ``kept`` of itself."""
    with torch.no_grad():
        for old, new in zip(average.parameters(), model.parameters(), strict=True):
            old.lerp_(new, 1 - kept)


class _Batches:
    """Draws batches and weighs what the model makes of them."""

    def __init__(self, material: Material, recipe: MeetingRecipe) -> None:
        self.material, self.recipe = material, recipe
        self.generator = np.random.default_rng(recipe.seed)
        rows = material.labelled.rows
        self.label_numbers = {text: number for number, text in enumerate(material.labels.texts)}
        classes = np.unique([row.captions[-1] for row in rows], return_inverse=True)[1]
        self.classes = classes + len(material.photos.rows)  # groups beyond those of the photos

    def loss(self, model: Meeting) -> torch.Tensor:
        """Contrast in both directions, and what the backbone knows of its 1,000 classes."""
        recipe, material = self.recipe, self.material
        photos = self.generator.choice(len(material.photos.rows), recipe.photos, replace=False)
        labelled = self.generator.choice(
            len(material.labelled.rows), recipe.labelled, replace=False
        )
        features = torch.cat(
            [self._views(material.photos, photos), self._views(material.labelled, labelled)]
        )
        images = model.images(functional.dropout(features, recipe.feature_drop))
        said, texts = self._captions(photos), self._labels(labelled)
        vectors = torch.cat([material.captions.vectors[said], material.labels.vectors[texts]])
        words = torch.cat([material.captions.words[said], material.labels.words[texts]])
        logits = model.logit_scale.exp() * images @ model.texts(vectors, words, recipe.text_drop).T
        own = torch.from_numpy(np.concatenate([photos, self.classes[labelled]]))
        repeated = np.repeat(photos, recipe.captions)
        others = torch.from_numpy(np.concatenate([repeated, self.classes[labelled]]))
        contrast = self._meet(logits, own, others, len(photos))
        contrast = contrast + self._meet(logits.T, others, own, len(repeated))
        return contrast / 2 + recipe.class_weight * self._classes(model, features, images)

    def _meet(
        self, logits: torch.Tensor, own: torch.Tensor, others: torch.Tensor, photos: int
    ) -> torch.Tensor:
        """Cross entropy with all of the own group as targets: none of it is a negative."""
        same = (own[:, None] == others[None, :]).float()
        losses = -(same / same.sum(dim=1, keepdim=True) * logits.log_softmax(dim=1)).sum(dim=1)
        weight = torch.ones(len(losses))
        weight[photos:] = self.recipe.labelled_weight
        return (losses * weight).sum() / weight.sum()

    def _classes(
        self, model: Meeting, features: torch.Tensor, images: torch.Tensor
    ) -> torch.Tensor:
        """Photos keep near the names that the untouched classifier gives them."""
        backbone, classes = self.material.backbone, self.material.classes
        with torch.no_grad():
            logits = features @ backbone.class_weights.T + backbone.class_biases
            sure = (logits / self.recipe.class_temperature).softmax(dim=1)
        names = model.texts(classes.vectors, classes.words, drop=0.1)
        guesses = (model.logit_scale.exp() * images @ names.T).log_softmax(dim=1)
        return -(sure * guesses).sum(dim=1).mean()

    def _views(self, photos: Photos, chosen: NDArray[np.int64]) -> torch.Tensor:
        views = self.generator.integers(0, len(photos.features), len(chosen))
        return photos.features[torch.from_numpy(views), torch.from_numpy(chosen)]

    def _captions(self, photos: NDArray[np.int64]) -> torch.Tensor:
        each = [self.generator.permutation(5)[: self.recipe.captions] for _ in photos]
        return torch.from_numpy((photos[:, None] * 5 + np.stack(each)).reshape(-1))

    def _labels(self, chosen: NDArray[np.int64]) -> torch.Tensor:
        captions = [self.material.labelled.rows[number].captions for number in chosen]
        said = [texts[int(self.generator.integers(len(texts)))] for texts in captions]
        return torch.tensor([self.label_numbers[text] for text in said])
