"""The quick recipe: frozen image tower, cached features, text tower and projections in minutes."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from training.backbone import load_backbone
from training.features import Pictures
from training.metrics import retrieval
from training.model import Starter, tokenize
from training.vocabulary import train_tokenizer


@dataclass(frozen=True)
class Recipe:
    """Every number of the recipe; the seed makes a run repeatable on one machine."""

    seed: int = 1
    steps: int = 500
    photos: int = 512  # of flickr8k in a batch, each with one of its captions
    labelled: int = 192
    rate: float = 8e-4
    decay: float = 0.2
    feature_noise: float = 0.15  # of the features' deviation
    feature_drop: float = 0.2
    word_drop: float = 0.15
    smoothing: float = 0.05
    averaging: float = 0.98  # of the weights that are kept
    evaluate_every: int = 50


def train_quick(parts: dict[str, Pictures], recipe: Recipe) -> tuple[Starter, Tokenizer]:
    """The model whose averaged weights did best on the validation photos."""
    torch.manual_seed(recipe.seed)
    generator = np.random.default_rng(recipe.seed)
    rows = parts["train"].rows + parts["labelled"].rows
    tokenizer = train_tokenizer(caption for row in rows for caption in row.captions)
    model = Starter(tokenizer.get_vocab_size())
    model.visual.trunk = load_backbone().trunk.requires_grad_(False)
    whiten(model, parts["train"].features[0])
    average = copy.deepcopy(model).eval()
    towers = [*model.text.parameters(), *model.visual.head.parameters(), model.logit_scale]
    optimiser = torch.optim.AdamW(towers, lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.steps, pct_start=0.15
    )
    best, best_weights = 0.0, copy.deepcopy(average.state_dict())
    for step in range(1, recipe.steps + 1):
        model.train()
        loss = _step(model, parts, tokenizer, recipe, generator)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(towers, 1.0)
        optimiser.step()
        schedule.step()
        _average(average, model, min(recipe.averaging, step / (step + 10)))
        if step % recipe.evaluate_every == 0:
            found = evaluate(average, tokenizer, parts["validation"])
            print(f"step {step} loss {loss.item():.3f} {found}", file=sys.stderr, flush=True)
            if found["text_to_image_r10"] > best:
                best = found["text_to_image_r10"]
                best_weights = copy.deepcopy(average.state_dict())
    average.load_state_dict(best_weights)
    return average, tokenizer


def whiten(model: Starter, features: NDArray[np.float16]) -> None:
    """Begin with the projection on the features' principal components, equalised."""
    values = torch.from_numpy(features.astype(np.float32))
    mean = values.mean(dim=0)
    _, deviations, directions = torch.linalg.svd(values - mean, full_matrices=False)
    projection_layer: nn.Linear = model.visual.head.get_submodule("proj")  # type: ignore[assignment]
    dimension = projection_layer.out_features
    scale = (len(values) ** 0.5) / (deviations[:dimension] + deviations[dimension])
    projection = directions[:dimension] * scale[:, None]
    with torch.no_grad():
        projection_layer.weight.copy_(projection)
        projection_layer.bias.copy_(-projection @ mean)


def evaluate(model: Starter, tokenizer: Tokenizer, pictures: Pictures) -> dict[str, float]:
    """Retrieval figures of plain pictures by every caption."""
    captions = [caption for row in pictures.rows for caption in row.captions]
    owner = np.repeat(np.arange(len(pictures.rows)), [len(r.captions) for r in pictures.rows])
    model.eval()
    with torch.inference_mode():
        images = model.images(torch.from_numpy(pictures.features[0].astype(np.float32)))
        tokens = torch.split(tokenize(tokenizer, captions), 500)
        texts = torch.cat([model.texts(part) for part in tokens])
    return retrieval(images.numpy(), texts.numpy(), owner)


def _step(
    model: Starter,
    parts: dict[str, Pictures],
    tokenizer: Tokenizer,
    recipe: Recipe,
    generator: np.random.Generator,
) -> torch.Tensor:
    features, captions, groups = [], [], []
    for name, count in (("train", recipe.photos), ("labelled", recipe.labelled)):
        pictures = parts[name]
        chosen = generator.choice(len(pictures.rows), count, replace=False)
        views = generator.integers(0, len(pictures.features), count)
        features.append(pictures.features[views, chosen].astype(np.float32))
        for number in chosen:
            row = pictures.rows[number]
            caption = row.captions[int(generator.integers(len(row.captions)))]
            captions.append(caption)
            # Pictures of one class say the same; none of them is a negative of another.
            groups.append(row.captions[-1] if name == "labelled" else f"{name} {number}")
    values = _perturb(torch.from_numpy(np.concatenate(features)), recipe)
    tokens = tokenize(tokenizer, captions, generator, recipe.word_drop)
    images, texts = model.images(values), model.texts(tokens)
    logits = model.logit_scale.exp().clamp(max=100) * images @ texts.T
    _, index = np.unique(np.array(groups), return_inverse=True)
    return _multi_positive(logits, torch.from_numpy(index), recipe)


def _perturb(features: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    noise = torch.randn_like(features) * features.std(dim=0) * recipe.feature_noise
    return nn.functional.dropout(features + noise, recipe.feature_drop)


def _multi_positive(logits: torch.Tensor, groups: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Soft-max cross entropy in both directions; the targets are all members of the own group."""
    same = (groups[:, None] == groups[None, :]).float()
    target = same / same.sum(dim=1, keepdim=True)
    target = (1 - recipe.smoothing) * target + recipe.smoothing / len(groups)
    forward = -(target * logits.log_softmax(dim=1)).sum(dim=1)
    backward = -(target * logits.T.log_softmax(dim=1)).sum(dim=1)
    return (forward.mean() + backward.mean()) / 2


def _average(average: nn.Module, model: nn.Module, share: float) -> None:
    with torch.no_grad():
        for kept, new in zip(average.parameters(), model.parameters(), strict=True):
            kept.lerp_(new, 1 - share)
