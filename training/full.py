"""The full recipe, first half: the upper image tower learns to meet the teacher's sentence vectors.

Texts are the frozen teacher's vectors behind a small head, so a step costs the image side alone.
"""

from __future__ import annotations

import copy
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from photosd.encoder.mobilenet import MobileNetV2Tower
from training.backbone import Backbone, load_backbone
from training.maps import MappedPictures, Upper
from training.metrics import retrieval
from training.model import DIMENSION
from training.teacher import DIMENSION as TEACHER

Vectors = NDArray[np.float16]


@dataclass(frozen=True)
class FullRecipe:
    """Every number of the recipe."""

    seed: int = 1
    warm_steps: int = 160  # of the two heads alone, on the frozen tower's cached features
    warm_photos: int = 768
    warm_rate: float = 1e-3
    steps: int = 100  # of everything above the maps
    photos: int = 112
    rate: float = 3e-4  # of the heads
    tower_rate: float = 3e-4
    labelled_share: float = 0.15  # of the photos, as many labelled pictures beside them
    captions: int = 5  # of each photo in a batch
    remembered: int = 7  # earlier batches whose vectors serve as negatives
    decay: float = 0.2
    drop: float = 0.2  # of pooled features
    text_drop: float = 0.1
    labelled_weight: float = 0.3
    class_weight: float = 0.3
    class_temperature: float = 2.0
    averaging: float = 0.96
    evaluate_every: int = 20


@dataclass(frozen=True)
class Texts:
    """The teacher's vectors of every caption of each row, and of the 1,000 class names."""

    train: list[Vectors]
    labelled: list[Vectors]
    test: list[Vectors]
    classes: Vectors


@dataclass(frozen=True)
class Pooled:
    """The untouched tower's features, (views, n, 1280), of the rows that have maps."""

    train: Vectors
    labelled: Vectors


class Meeting(nn.Module):
    """Image side (upper tower and projection) and text side (head over the teacher)."""

    def __init__(self, tower: MobileNetV2Tower, hidden: int = 768) -> None:
        super().__init__()
        self.upper, self.image_head = Upper(tower.trunk), tower.head
        self.text_head = nn.Sequential(
            nn.Linear(TEACHER, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, DIMENSION)
        )
        self.logit_scale = nn.Parameter(torch.tensor(2.5))

    def images(self, features: torch.Tensor) -> torch.Tensor:
        """Unit vectors of pooled features."""
        return functional.normalize(self.image_head(features), dim=-1)

    def texts(self, vectors: torch.Tensor) -> torch.Tensor:
        """Unit vectors of the teacher's vectors."""
        return functional.normalize(self.text_head(vectors), dim=-1)


def train_meeting(
    parts: dict[str, MappedPictures], pooled: Pooled, texts: Texts, recipe: FullRecipe
) -> tuple[Meeting, MobileNetV2Tower]:
    """The averaged model and its image tower, after a fixed number of steps."""
    torch.manual_seed(recipe.seed)
    backbone = load_backbone()
    tower = MobileNetV2Tower(DIMENSION)
    tower.trunk = backbone.trunk
    average_tower = copy.deepcopy(tower)
    model, average = Meeting(tower), Meeting(average_tower)
    average.load_state_dict(model.state_dict())
    run = _Run(model, average, backbone, parts, pooled, texts, recipe)
    heads = [*model.image_head.parameters(), *model.text_head.parameters(), model.logit_scale]
    run.train([{"params": heads, "lr": recipe.warm_rate}], recipe.warm_steps, warm=True)
    groups = [
        {"params": heads, "lr": recipe.rate},
        {"params": list(model.upper.parameters()), "lr": recipe.tower_rate},
    ]
    run.train(groups, recipe.steps, warm=False)
    return average.eval(), average_tower.eval()


class _Batch(NamedTuple):
    photos: NDArray[np.int64]
    labelled: NDArray[np.int64]
    vectors: torch.Tensor
    owners: torch.Tensor  # which image of the batch a text belongs to
    groups: torch.Tensor  # of the images: equal for pictures of one class


class _Run:
    """One training: its batches, losses and averages."""

    def __init__(
        self,
        model: Meeting,
        average: Meeting,
        backbone: Backbone,
        parts: dict[str, MappedPictures],
        pooled: Pooled,
        texts: Texts,
        recipe: FullRecipe,
    ) -> None:
        self.model, self.average = model, average
        self.parts, self.pooled, self.texts, self.recipe = parts, pooled, texts, recipe
        self.generator = np.random.default_rng(recipe.seed)
        self.classes = torch.from_numpy(texts.classes.astype(np.float32))
        self.known = {
            name: _probabilities(backbone, features[0], recipe.class_temperature)
            for name, features in (("train", pooled.train), ("labelled", pooled.labelled))
        }
        labels = [row.captions[-1] for row in parts["labelled"].rows]
        self.label_groups = 100_000 + np.unique(np.array(labels), return_inverse=True)[1]
        self.memory: deque[tuple[torch.Tensor, ...]] = deque(maxlen=recipe.remembered)

    def train(self, groups: list[dict[str, object]], steps: int, warm: bool) -> None:
        """``steps`` of the parameters in ``groups``; ``warm``: on cached pooled features."""
        recipe, started = self.recipe, time.monotonic()
        optimiser = torch.optim.AdamW(groups, weight_decay=recipe.decay)
        rates = [group["lr"] for group in groups]
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, rates, total_steps=steps, pct_start=0.15
        )
        every = recipe.evaluate_every * (4 if warm else 1)
        self.memory.clear()
        for step in range(1, steps + 1):
            batch = self._batch(recipe.warm_photos if warm else recipe.photos)
            loss = self._loss(batch, self._pooled(batch) if warm else self._climb(batch), not warm)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            self._average(min(recipe.averaging, step / (step + 5)) if warm else recipe.averaging)
            if (step % every == 0 or step == steps) and not warm or step == steps:
                found = evaluate_meeting(self.average, self.parts["test"], self.texts.test)
                took = time.monotonic() - started
                figures = [found[f"text_to_image_r{k}"] for k in (1, 5, 10)]
                print(f"step {step} {took:.0f}s loss {loss.item():.3f} {figures}", file=sys.stderr)

    def _average(self, share: float) -> None:
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
            for kept, new in pairs:
                kept.lerp_(new, 1 - share)

    def _batch(self, count: int) -> _Batch:
        beside = int(count * self.recipe.labelled_share)
        photos = self.generator.choice(len(self.texts.train), count, replace=False)
        labelled = self.generator.choice(len(self.texts.labelled), beside, replace=False)
        vectors, owners = [], []
        chosen = [self.texts.train[i] for i in photos] + [self.texts.labelled[i] for i in labelled]
        for number, captions in enumerate(chosen):
            own = self.generator.permutation(len(captions))[: self.recipe.captions]
            vectors.append(captions[own])
            owners += [number] * len(own)
        return _Batch(
            photos,
            labelled,
            torch.from_numpy(np.concatenate(vectors).astype(np.float32)),
            torch.tensor(owners),
            torch.from_numpy(np.concatenate([photos, self.label_groups[labelled]])),
        )

    def _pooled(self, batch: _Batch) -> torch.Tensor:
        features = []
        for values, chosen in ((self.pooled.train, batch.photos), (self.pooled.labelled, batch.labelled)):
            views = self.generator.integers(0, len(values), len(chosen))
            features.append(values[views, chosen])
        return torch.from_numpy(np.concatenate(features).astype(np.float32))

    def _climb(self, batch: _Batch) -> torch.Tensor:
        maps = []
        for name, chosen in (("train", batch.photos), ("labelled", batch.labelled)):
            part = self.parts[name].maps
            views = self.generator.integers(0, len(part), len(chosen))
            maps.append(part[views, chosen])
        x = torch.from_numpy(np.concatenate(maps).astype(np.float32))
        if self.generator.random() < 0.5:
            x = x.flip(3)  # nearly the map of the mirrored photo
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            features: torch.Tensor = self.model.upper(x)
        return features.float()

    def _loss(self, batch: _Batch, features: torch.Tensor, remember: bool) -> torch.Tensor:
        recipe, model = self.recipe, self.model
        images = model.images(functional.dropout(features, recipe.drop))
        texts = model.texts(functional.dropout(batch.vectors, recipe.text_drop))
        scale = model.logit_scale.exp().clamp(max=100)
        text_groups = batch.groups[batch.owners]
        weight = torch.ones(len(images))
        weight[len(batch.photos) :] = recipe.labelled_weight
        earlier = list(self.memory)
        if remember:
            self.memory.append((images.detach(), batch.groups, texts.detach(), text_groups))
        all_texts = torch.cat([texts, *(old[2] for old in earlier)])
        all_images = torch.cat([images, *(old[0] for old in earlier)])
        forward = _meet(
            scale * images @ all_texts.T,
            batch.groups,
            torch.cat([text_groups, *(old[3] for old in earlier)]),
            len(texts),
        )
        backward = _meet(
            scale * texts @ all_images.T,
            text_groups,
            torch.cat([batch.groups, *(old[1] for old in earlier)]),
            len(images),
        )
        contrast = (forward * weight).sum() / weight.sum()
        text_weight = weight[batch.owners]
        contrast = contrast + (backward * text_weight).sum() / text_weight.sum()
        known = torch.from_numpy(
            np.concatenate([self.known["train"][batch.photos], self.known["labelled"][batch.labelled]])
        )
        guesses = (scale * images @ model.texts(self.classes).T).log_softmax(1)
        return contrast / 2 - recipe.class_weight * (known.float() * guesses).sum(1).mean()


def _meet(
    logits: torch.Tensor, own: torch.Tensor, others: torch.Tensor, fresh: int
) -> torch.Tensor:
    """Cross entropy of each row with the first ``fresh`` columns of its group as targets;
    remembered columns of its group are neither targets nor negatives.
    """
    same = own[:, None] == others[None, :]
    stale = same.clone()
    stale[:, :fresh] = False
    target = (same & ~stale).float()
    logits = logits.masked_fill(stale, -1e4)
    return -(target / target.sum(1, keepdim=True) * logits.log_softmax(1)).sum(1)


def _probabilities(backbone: Backbone, features: Vectors, temperature: float) -> Vectors:
    """What the untouched classifier thinks, (n, 1000) float16."""
    with torch.inference_mode():
        logits = torch.from_numpy(features.astype(np.float32)) @ backbone.class_weights.T
        sure = ((logits + backbone.class_biases) / temperature).softmax(dim=1)
    return sure.numpy().astype(np.float16)


def image_vectors(model: Meeting, maps: NDArray[np.float16]) -> NDArray[np.float32]:
    """Unit vectors of maps."""
    model.eval()
    with torch.inference_mode():
        parts = [
            model.images(_half(model.upper, maps[i : i + 64]))
            for i in range(0, len(maps), 64)
        ]
    return torch.cat(parts).numpy()


def evaluate_meeting(
    model: Meeting, pictures: MappedPictures, texts: list[Vectors]
) -> dict[str, float]:
    """Retrieval by the teacher's vectors: what the text tower can at best reach."""
    owner = np.repeat(np.arange(len(texts)), [len(vectors) for vectors in texts])
    images = image_vectors(model, pictures.maps[0])
    with torch.inference_mode():
        vectors = model.texts(torch.from_numpy(np.concatenate(texts).astype(np.float32)))
    model.train()
    model.upper.eval()
    return retrieval(images, vectors.numpy(), owner)


def _half(upper: Upper, maps: NDArray[np.float16]) -> torch.Tensor:
    x = torch.from_numpy(maps.astype(np.float32)).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        features: torch.Tensor = upper(x)
    return features.float()
