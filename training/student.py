"""The full recipe, second half: the small text tower learns to answer as the teacher would.

It sees captions, pieces of captions, class names and single words, and is drawn to the place that
the text head gives the teacher's vector of each; captions also meet their photos.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import nn
from torch.nn import functional

from training.model import Starter, tokenize
from training.teacher import Teacher
from training.vocabulary import END, SPECIAL

COMMON = 12_000  # of the teacher's 30,522 pieces, which are ordered by frequency
TEMPLATES = ("{}", "a photo of a {}", "{} in a photo")


@dataclass(frozen=True)
class StudentRecipe:
    """Every number of the recipe."""

    seed: int = 1
    steps: int = 400
    captions: int = 320
    phrases: int = 256
    rate: float = 2e-3
    decay: float = 0.05
    contrast_weight: float = 0.1
    averaging: float = 0.97
    report_every: int = 50


def pruned_tokenizer(teacher: Tokenizer, texts: list[str]) -> tuple[Tokenizer, list[int]]:
    """A tokenizer of the pieces of ``texts``, single letters and common words; and the rows of
    the teacher's table that those pieces come from (0 for our special pieces).
    """
    pieces = {index: piece for piece, index in teacher.get_vocab().items()}
    used = {index for encoding in teacher.encode_batch(texts) for index in encoding.ids}
    kept = [
        index
        for index, piece in sorted(pieces.items())
        if not piece.startswith("[")
        and piece.isascii()
        and (index in used or len(piece.removeprefix("##")) == 1 or _common(index, piece))
    ]
    vocabulary = {piece: number for number, piece in enumerate(SPECIAL)}
    vocabulary.update({pieces[i]: number for number, i in enumerate(kept, start=len(SPECIAL))})
    tokenizer = Tokenizer(
        models.WordPiece(vocab=vocabulary, unk_token="[UNK]", max_input_chars_per_word=60)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer, [0] * len(SPECIAL) + kept


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
    """Texts with where they belong, (n, d) unit vectors; captions also with their photos."""

    captions: list[str]
    caption_targets: NDArray[np.float32]
    caption_owners: NDArray[np.int64]
    images: NDArray[np.float32]
    phrases: list[str]
    phrase_targets: NDArray[np.float32]


def train_student(
    model: Starter,
    tokenizer: Tokenizer,
    teacher: Teacher,
    rows: list[int],
    lessons: Lessons,
    recipe: StudentRecipe,
) -> None:
    """Train ``model.text`` in place; its weights are averaged over the last steps."""
    torch.manual_seed(recipe.seed)
    generator = np.random.default_rng(recipe.seed)
    text = model.text
    _begin_with_teacher_table(text, teacher, rows)
    average = copy.deepcopy(text)
    caption_ids, phrase_ids = (
        tokenize(tokenizer, lessons.captions),
        tokenize(tokenizer, lessons.phrases),
    )
    optimiser = torch.optim.AdamW(text.parameters(), recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.rate, total_steps=recipe.steps, pct_start=0.1
    )
    for step in range(1, recipe.steps + 1):
        chosen = generator.choice(len(lessons.captions), recipe.captions, replace=False)
        short = generator.choice(len(lessons.phrases), recipe.phrases, replace=False)
        own, lost = lessons.caption_targets[chosen], lessons.phrase_targets[short]
        said = functional.normalize(encode_trimmed(text, caption_ids[chosen]), dim=-1)
        typed = functional.normalize(encode_trimmed(text, phrase_ids[short]), dim=-1)
        near = _distance(said, own) + _distance(typed, lost)
        loss = near + recipe.contrast_weight * _contrast(
            said, lessons.images, lessons.caption_owners[chosen]
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(text.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            share = min(recipe.averaging, step / (step + 10))
            for kept, new in zip(average.parameters(), text.parameters(), strict=True):
                kept.lerp_(new, 1 - share)
        if step % recipe.report_every == 0:
            print(
                f"student step {step}: distance {near.item() / 2:.3f}", file=sys.stderr, flush=True
            )
    text.load_state_dict(average.state_dict())


def encode_trimmed(text: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """What ``text(tokens)`` gives, without the work on columns that are padding everywhere."""
    length = int((tokens != 0).sum(dim=1).max())
    tokens = tokens[:, :length]
    x = text.token_embedding(tokens) + text.positional_embedding[:length]  # type: ignore
    x = text.ln_final(text.transformer(x, attn_mask=text.attn_mask[:length, :length]))  # type: ignore
    ends = (tokens == END).int().argmax(dim=1)
    pooled: torch.Tensor = x[torch.arange(len(x)), ends] @ text.text_projection
    return pooled


def _begin_with_teacher_table(text: nn.Module, teacher: Teacher, rows: list[int]) -> None:
    """Pieces begin at the principal components of the teacher's own vectors of them."""
    table = teacher.table[rows]
    centred = table - table.mean(dim=0)
    width = text.token_embedding.weight.shape[1]  # type: ignore[union-attr, index]
    _, _, directions = torch.linalg.svd(centred, full_matrices=False)
    begun = centred @ directions[:width].T
    with torch.no_grad():
        text.token_embedding.weight[len(SPECIAL) :] = (  # type: ignore[union-attr, operator]
            begun[len(SPECIAL) :] / begun.std() * 0.05
        )


def _distance(vectors: torch.Tensor, targets: NDArray[np.float32]) -> torch.Tensor:
    return 1 - (vectors * torch.from_numpy(targets)).sum(dim=1).mean()


def _contrast(
    texts: torch.Tensor, images: NDArray[np.float32], owners: NDArray[np.int64]
) -> torch.Tensor:
    unique, position = np.unique(owners, return_inverse=True)
    logits = 20 * texts @ torch.from_numpy(images[unique]).T
    return functional.cross_entropy(logits, torch.from_numpy(position))
