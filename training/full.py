"""The full recipe, first half: the upper image tower learns to meet the teacher's sentence vectors.

Texts are the frozen teacher's vectors behind a small head, so a step costs the image side alone.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from photosd.encoder.mobilenet import FEATURES, MobileNetV2Tower
from training.backbone import load_backbone
from training.maps import MappedPictures, Upper
from training.metrics import retrieval
from training.model import DIMENSION
from training.teacher import DIMENSION as TEACHER

Vectors = NDArray[np.float16]


@dataclass(frozen=True)
class FullRecipe:
    """Every number of the recipe."""

    seed: int = 1
    steps: int = 260
    warm_steps: int = 150  # of the two heads alone, on cached features
    photos: int = 256
    labelled: int = 64
    captions: int = 3  # of each photo in a batch
    rate: float = 1e-3  # of the heads
    tower_rate: float = 4e-4
    decay: float = 0.2
    drop: float = 0.2  # of pooled features
    text_drop: float = 0.1
    labelled_weight: float = 0.3
    class_weight: float = 0.3
    class_temperature: float = 2.0
    averaging: float = 0.97
    evaluate_every: int = 40


@dataclass(frozen=True)
class Texts:
    """The teacher's vectors of every caption of each row, and of the 1,000 class names."""

    train: list[Vectors]
    labelled: list[Vectors]
    test: list[Vectors]
    classes: Vectors


class Meeting(nn.Module):
    """Image side (upper tower and projection) and text side (head over the teacher)."""

    def __init__(self, tower: MobileNetV2Tower, hidden: int = 768) -> None:
        super().__init__()
        self.upper, self.image_head = Upper(tower.trunk), tower.head
        self.text_head = nn.Sequential(
            nn.Linear(TEACHER, hidden), nn.GELU(), nn.Dropout(0.1), nn.Linear(hidden, DIMENSION)
        )
        self.logit_scale = nn.Parameter(torch.tensor(2.7))

    def images(self, features: torch.Tensor) -> torch.Tensor:
        """Unit vectors of pooled features."""
        return functional.normalize(self.image_head(features), dim=-1)

    def texts(self, vectors: torch.Tensor) -> torch.Tensor:
        """Unit vectors of the teacher's vectors."""
        return functional.normalize(self.text_head(vectors), dim=-1)


def train_meeting(
    parts: dict[str, MappedPictures], texts: Texts, recipe: FullRecipe
) -> tuple[Meeting, MobileNetV2Tower]:
    """The averaged model and its image tower, after a fixed number of steps."""
    torch.manual_seed(recipe.seed)
    generator = np.random.default_rng(recipe.seed)
    backbone = load_backbone()
    tower = MobileNetV2Tower(DIMENSION)
    tower.trunk = backbone.trunk
    model = Meeting(tower)
    average_tower = copy.deepcopy(tower)
    average = Meeting(average_tower)
    average.load_state_dict(model.state_dict())
    classifier = Classifier(
        copy.deepcopy(model.upper).eval().requires_grad_(False),
        backbone.class_weights,
        backbone.class_biases,
    )
    run = _Run(model, average, classifier, parts, texts, recipe, generator)
    run.train()
    return average.eval(), average_tower.eval()


@dataclass
class Classifier:
    """The untouched backbone above the maps: what it knows of the 1,000 classes."""

    upper: Upper
    weights: torch.Tensor
    biases: torch.Tensor

    def probabilities(self, maps: torch.Tensor, temperature: float) -> torch.Tensor:
        """(n, 1000)."""
        with torch.inference_mode():
            logits = self.upper(maps) @ self.weights.T + self.biases
        shares: torch.Tensor = (logits / temperature).softmax(dim=1).clone()
        return shares


class _Run:
    """One training: its batches, losses and averages."""

    def __init__(
        self,
        model: Meeting,
        average: Meeting,
        classifier: Classifier,
        parts: dict[str, MappedPictures],
        texts: Texts,
        recipe: FullRecipe,
        generator: np.random.Generator,
    ) -> None:
        self.model, self.average, self.classifier = model, average, classifier
        self.parts, self.texts, self.recipe, self.generator = parts, texts, recipe, generator
        self.classes = torch.from_numpy(texts.classes.astype(np.float32))

    def train(self) -> None:
        """Heads first, by a short warm-up of the rates; then everything together."""
        recipe, model = self.recipe, self.model
        heads = [*model.image_head.parameters(), *model.text_head.parameters(), model.logit_scale]
        groups = [
            {"params": heads, "lr": recipe.rate},
            {"params": list(model.upper.parameters()), "lr": recipe.tower_rate},
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=recipe.decay)
        rates = [recipe.rate, recipe.tower_rate]
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, rates, total_steps=recipe.steps, pct_start=0.2
        )
        for step in range(1, recipe.steps + 1):
            loss = self._step()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            share = min(recipe.averaging, step / (step + 10))
            with torch.no_grad():
                pairs = zip(self.average.parameters(), model.parameters(), strict=True)
                for kept, new in pairs:
                    kept.lerp_(new, 1 - share)
            if step % recipe.evaluate_every == 0 or step == recipe.steps:
                found = evaluate_meeting(self.average, self.parts["test"], self.texts.test)
                print(f"step {step} loss {loss.item():.3f} {found}", file=sys.stderr, flush=True)

    def _step(self) -> torch.Tensor:
        recipe = self.recipe
        maps, vectors, owners, groups = [], [], [], []
        for name, count in (("train", recipe.photos), ("labelled", recipe.labelled)):
            part, texts = self.parts[name], getattr(self.texts, name)
            for number in self.generator.choice(len(part.rows), count, replace=False):
                view = int(self.generator.integers(len(part.maps)))
                maps.append(part.maps[view, number])
                captions = texts[number]
                own = self.generator.permutation(len(captions))[: recipe.captions]
                vectors.append(captions[own])
                owners += [len(maps) - 1] * len(own)
                same = part.rows[number].captions[-1] if name == "labelled" else number
                groups.append(f"{name} {same}")
        _, group = np.unique(np.array(groups), return_inverse=True)
        x = torch.from_numpy(np.stack(maps).astype(np.float32))
        if self.generator.random() < 0.5:
            x = x.flip(3)  # nearly the map of the mirrored photo
        text = torch.from_numpy(np.concatenate(vectors).astype(np.float32))
        weight = torch.full((len(x),), recipe.labelled_weight)
        weight[: recipe.photos] = 1.0
        return self._loss(x, text, torch.tensor(owners), torch.from_numpy(group), weight)

    def _loss(
        self,
        maps: torch.Tensor,
        vectors: torch.Tensor,
        owners: torch.Tensor,
        groups: torch.Tensor,
        weight: torch.Tensor,
    ) -> torch.Tensor:
        recipe, model = self.recipe, self.model
        features = functional.dropout(model.upper(maps), recipe.drop)
        assert features.shape[1] == FEATURES
        images = model.images(features)
        texts = model.texts(functional.dropout(vectors, recipe.text_drop))
        scale = model.logit_scale.exp().clamp(max=100)
        logits = scale * images @ texts.T
        same = (groups[:, None] == groups[owners][None, :]).float()
        forward = -(same / same.sum(1, keepdim=True) * logits.log_softmax(1)).sum(1)
        target = same.T / same.T.sum(1, keepdim=True)
        backward = -(target * logits.T.log_softmax(1)).sum(1)
        text_weight = weight[owners]
        contrast = (forward * weight).sum() / weight.sum()
        contrast = contrast + (backward * text_weight).sum() / text_weight.sum()
        known = self.classifier.probabilities(maps, recipe.class_temperature)
        guesses = (scale * images @ model.texts(self.classes).T).log_softmax(1)
        return contrast / 2 - recipe.class_weight * (known * guesses).sum(1).mean()


def image_vectors(model: Meeting, maps: NDArray[np.float16]) -> NDArray[np.float32]:
    """Unit vectors of maps."""
    model.eval()
    with torch.inference_mode():
        parts = [
            model.images(model.upper(torch.from_numpy(maps[i : i + 64].astype(np.float32))))
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
