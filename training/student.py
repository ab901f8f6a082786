"""The second half: training the small text tower to match the joint space's text side.

It starts as a bag of words, each at its place in the joint space. It is trained on captions, parts
of captions, class names and single words towards the place of each; captions also towards their
photos.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

from training.contrast import blend
from training.model import Starter, tokenize
from training.vocabulary import END, SPECIAL, word_pieces

COMMON = 12_000  # of the teacher's 30,522 pieces, which are ordered by frequency
TEMPLATES = ("{}", "a photo of a {}", "{} in a photo")


@dataclass(frozen=True)
class StudentRecipe:
    """Every number of the recipe."""

    seed: int = 1
    steps: int = 480
    captions: int = 256
    phrases: int = 160
    photos: int = 1200  # other texts to compare with
    longest_phrase: int = 10  # tokens
    rate: float = 2e-3
    decay: float = 0.1
    near_weight: float = 1.5  # distance to the teacher's place
    rank_weight: float = 0.7  # ranking the photos as the teacher's place would
    own_weight: float = 0.15  # a caption's own photo first
    averaging: float = 0.97
    report_every: int = 40


def pruned_tokenizer(teacher: Tokenizer, texts: list[str]) -> Tokenizer:
    """A tokenizer of the teacher's pieces of ``texts``, single letters and common words."""
    pieces = {index: piece for piece, index in teacher.get_vocab().items()}
    used = {index for encoding in teacher.encode_batch(texts) for index in encoding.ids}
    return word_pieces(
        piece
        for index, piece in sorted(pieces.items())
        if not piece.startswith("[")
        and piece.isascii()
        and (index in used or len(piece.removeprefix("##")) == 1 or _common(index, piece))
    )


def phrases(captions: list[str], names: list[str], teacher: Tokenizer, seed: int) -> list[str]:
    """What people type rather than write under photos: names, single words, parts of captions."""
    generator = np.random.default_rng(seed)
    found = [template.format(name) for name in names for template in TEMPLATES]
    found += [piece for piece, i in teacher.get_vocab().items() if _common(i, piece)]
    for caption in generator.permutation(captions)[:9000]:
        words = str(caption).lower().replace(" .", "").split()
        length = int(generator.integers(1, 6))
        start = int(generator.integers(0, max(1, len(words) - length + 1)))
        found.append(" ".join(words[start : start + length]))
    return list(dict.fromkeys(found))


def _common(index: int, piece: str) -> bool:
    return index < COMMON and piece.isascii() and piece.isalpha() and len(piece) > 2


@dataclass(frozen=True)
class Lessons:
    """Texts with the places they belong to, (n, d); five captions of each photo, in order."""

    captions: list[str]
    caption_places: torch.Tensor
    phrases: list[str]
    phrase_places: torch.Tensor
    images: torch.Tensor


def train_student(
    model: Starter,
    tokenizer: Tokenizer,
    places: torch.Tensor,
    lessons: Lessons,
    recipe: StudentRecipe,
) -> None:
    """Train ``model.text`` in place, from the ``places`` of its pieces (n, d), those after SPECIAL;
    its weights are averaged over the last steps.
    """
    torch.manual_seed(recipe.seed)
    text = model.text
    _begin_as_bag(text, places)
    average = copy.deepcopy(text)
    school = _School(tokenizer, lessons, recipe, model.logit_scale.exp().detach())
    groups: list[dict[str, Any]] = [
        {"params": [p for p in text.parameters() if p.ndim > 1]},
        {"params": [p for p in text.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, recipe.rate, betas=(0.9, 0.98), weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.steps, pct_start=0.1
    )
    for step in range(1, recipe.steps + 1):
        loss = school.loss(text)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(text.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        blend(average, text, min(recipe.averaging, step / (step + 10)))
        if step % recipe.report_every == 0:
            print(f"student {step}: loss {loss.item():.3f}", file=sys.stderr, flush=True)
    text.load_state_dict(average.state_dict())


class _School:
    """Draws batches of texts and weighs the student's answers."""

    def __init__(
        self, tokenizer: Tokenizer, lessons: Lessons, recipe: StudentRecipe, scale: torch.Tensor
    ) -> None:
        self.lessons, self.recipe, self.scale = lessons, recipe, scale
        self.generator = np.random.default_rng(recipe.seed)
        self.caption_ids = tokenize(tokenizer, lessons.captions)
        self.phrase_ids = tokenize(tokenizer, lessons.phrases)
        length = (self.phrase_ids != 0).sum(dim=1)
        self.short = torch.nonzero(length <= recipe.longest_phrase)[:, 0].numpy()
        self.batches: list[NDArray[np.int64]] = []

    def loss(self, text: nn.Module) -> torch.Tensor:
        """Distance to the places, ranking of other texts, and of the text's own photo."""
        recipe, lessons, count = self.recipe, self.lessons, self.recipe.captions
        captions = torch.from_numpy(self._captions())
        phrases = torch.from_numpy(self.generator.choice(self.short, recipe.phrases, replace=False))
        with torch.autocast("cpu", torch.bfloat16):
            said = encode_trimmed(text, self.caption_ids[captions])
            typed = encode_trimmed(text, self.phrase_ids[phrases])
        found = functional.normalize(torch.cat([said, typed]).float(), dim=-1)
        places = torch.cat([lessons.caption_places[captions], lessons.phrase_places[phrases]])
        apart = 1 - (found * places).sum(dim=1)
        near = apart[:count].mean() + apart[count:].mean()
        drawn = self.generator.choice(len(lessons.images), recipe.photos, replace=False)
        others = torch.from_numpy(drawn)
        ranks = (self.scale * found @ lessons.images[others].T).log_softmax(dim=1)
        wanted = (self.scale * places @ lessons.images[others].T).log_softmax(dim=1)
        rank = functional.kl_div(ranks, wanted, log_target=True, reduction="batchmean")
        own = self._own(found[:count], captions // 5, others)
        return recipe.near_weight * near + recipe.rank_weight * rank + recipe.own_weight * own

    def _own(self, found: torch.Tensor, photos: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        among = torch.cat([photos, others])
        logits = self.scale * found @ self.lessons.images[among].T
        same = among[None, :] == photos[:, None]
        same.fill_diagonal_(False)  # another copy of the own photo is no negative
        return functional.cross_entropy(logits.masked_fill(same, -1e4), torch.arange(len(found)))

    def _captions(self) -> NDArray[np.int64]:
        """Captions of about one length, so that little is padding; each once an epoch."""
        if not self.batches:
            order = self.generator.permutation(len(self.caption_ids))
            length = (self.caption_ids != 0).sum(dim=1).numpy()[order]
            order = order[np.argsort(length + self.generator.uniform(0, 3, len(order)))]
            whole = len(order) // self.recipe.captions * self.recipe.captions
            self.batches = list(
                self.generator.permutation(order[:whole].reshape(-1, self.recipe.captions))
            )
        return self.batches.pop()


def encode_trimmed(text: Any, tokens: torch.Tensor) -> torch.Tensor:
    """What ``text(tokens)`` gives, without the work on columns that are padding everywhere."""
    length = int((tokens != 0).sum(dim=1).max())
    tokens = tokens[:, :length]
    x = text.token_embedding(tokens) + text.positional_embedding[:length]
    x = text.ln_final(text.transformer(x, attn_mask=text.attn_mask[:length, :length]))
    ends = (tokens == END).int().argmax(dim=1)
    pooled: torch.Tensor = x[torch.arange(len(x)), ends] @ text.text_projection
    return pooled


def _begin_as_bag(text: Any, places: torch.Tensor) -> None:
    """Every text begins at the mean of its pieces' places: the first block attends to all alike."""
    width = text.width
    with torch.no_grad():
        text.token_embedding.weight[len(SPECIAL) :] = places
        attention = text.transformer.resblocks[0].attn
        attention.in_proj_weight[: 2 * width] *= 0.3  # queries and keys: nearly even attention
        attention.in_proj_weight[2 * width :] = torch.eye(width)
        attention.out_proj.weight.copy_(torch.eye(width))
        text.text_projection.copy_(torch.eye(width))
