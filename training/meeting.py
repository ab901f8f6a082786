"""The joint space of photos and texts before there is a text tower: one linear map per side.

Input for a photo: the frozen tower's features; for a text: the teacher's sentence vector and the
known words, rare ones with more weight. The teacher alone misses words that photos need; words
alone have no synonyms. The maps start at the canonical correlations of the two sides, in closed
form, which saves training from random values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from training.correlation import Pairs, correlate
from training.model import DIMENSION
from training.teacher import DIMENSION as TEACHER

Vectors = NDArray[np.float16]

LONGEST = 20  # words of a text that count
LEAST = 4  # occurrences of a word that gets a vector
NAME_WEIGHT = 2  # an occurrence in a name counts as so many
WORD = re.compile(r"[a-z]+")
ARTICLES_AND_SUCH = ("a", "an", "the", "is", "are", "and", "his", "her", "their", "its", "it")
TOO_COMMON = frozenset([*ARTICLES_AND_SUCH, "in", "on", "of", "with", "to", "at"])


class Words:
    """Numbers (from 1; 0 pads) and inverse document frequencies of the known words."""

    def __init__(self, captions: Sequence[str], names: Iterable[str]) -> None:
        counts = Counter(word for text in captions for word in _split(text))
        for name in names:
            for word in _split(name):
                counts[word] += NAME_WEIGHT
        known = sorted(word for word, count in counts.items() if count >= LEAST)
        self._numbers = {word: number for number, word in enumerate(known, start=1)}
        rarity = [0.0, *(float(np.log(len(captions) / counts[word])) for word in known)]
        self.rarity = torch.tensor(rarity).clamp(min=0)

    def numbers(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, LONGEST) int64."""
        rows = np.zeros((len(texts), LONGEST), np.int64)
        for row, text in zip(rows, texts, strict=True):
            found = [self._numbers[w] for w in _split(text) if w in self._numbers][:LONGEST]
            row[: len(found)] = found
        return torch.from_numpy(rows)


class Sayings:
    """Texts as the text side reads them: teacher's vectors (n, 384) and word numbers."""

    def __init__(self, texts: Sequence[str], vectors: Vectors, words: Words) -> None:
        self.texts = list(texts)
        self.vectors = torch.from_numpy(vectors.astype(np.float32))
        self.words = words.numbers(texts)
        self._rarity = words.rarity

    def matrix(self) -> torch.Tensor:
        """(n, words + 384): weights of the words, then the teacher's vector."""
        weights = _weights(self._rarity[self.words])
        bags = torch.zeros(len(self.texts), len(self._rarity))
        return torch.cat([bags.scatter_add_(1, self.words, weights), self.vectors], dim=1)


class Meeting(nn.Module):
    """Pooled features on one side, the teacher's vectors and words on the other."""

    def __init__(self, words: Words, scale: float = 2.7) -> None:
        super().__init__()
        self.image_head = nn.Linear(1280, DIMENSION)
        self.text_head = nn.Linear(TEACHER, DIMENSION)
        self.word_vectors = nn.Embedding(len(words.rarity), DIMENSION, padding_idx=0)
        self.logit_scale = nn.Parameter(torch.tensor(scale))
        self._rarity = words.rarity

    def images(self, features: torch.Tensor) -> torch.Tensor:
        """Unit vectors of pooled features (n, 1280)."""
        return functional.normalize(self.image_head(features), dim=-1)

    def texts(self, vectors: torch.Tensor, words: torch.Tensor, drop: float = 0.0) -> torch.Tensor:
        """Unit vectors of texts; a share ``drop`` of either part is left out."""
        rarity = self._rarity[words]
        if drop:
            rarity = rarity * (torch.rand_like(rarity) > drop)
            vectors = functional.dropout(vectors, drop)
        bag = (self.word_vectors(words) * _weights(rarity)[..., None]).sum(dim=1)
        return functional.normalize(self.text_head(vectors) + bag, dim=-1)

    def say(self, sayings: Sayings, at_once: int = 4000) -> torch.Tensor:
        """Unit vectors of all ``sayings``, without gradients."""
        with torch.inference_mode():
            vectors = torch.split(sayings.vectors, at_once)
            words = torch.split(sayings.words, at_once)
            return torch.cat([self.texts(*pair) for pair in zip(vectors, words, strict=True)])

    def begin(self, pairs: Sequence[Pairs]) -> None:
        """Take the canonical correlations of ``pairs``, each direction weighed by its own."""
        images, texts = correlate(pairs, DIMENSION)
        words = len(self._rarity)
        with torch.no_grad():
            self.image_head.weight.copy_(images.matrix.T)
            self.image_head.bias.copy_(-images.mean @ images.matrix)
            self.word_vectors.weight.copy_(texts.matrix[:words])
            self.word_vectors.weight[0] = 0
            self.text_head.weight.copy_(texts.matrix[words:].T)
            self.text_head.bias.copy_(-texts.mean @ texts.matrix)


def _weights(rarity: torch.Tensor) -> torch.Tensor:
    lengths: torch.Tensor = rarity.norm(dim=1, keepdim=True)
    return rarity / (lengths + 1e-6)


def _split(text: str) -> list[str]:
    """Words in order, each once, without a plural's s and what nearly every text holds."""
    words = dict.fromkeys(WORD.findall(text.lower()))
    return list(dict.fromkeys(_singular(word) for word in words if word not in TOO_COMMON))


def _singular(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word
