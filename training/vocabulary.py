"""The starter's vocabulary: word pieces and words that occur in the training captions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PIECES = 8000
SPECIAL = ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
PAD, UNKNOWN, BEGIN, END = range(4)
LEAST_PIECE, LEAST_WORD = 2, 3  # occurrences
WORD = re.compile(r"[^\W\d_]+")


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """A lower-casing word-piece tokenizer over ``texts``."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=60))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=PIECES,
        min_frequency=LEAST_PIECE,
        special_tokens=list(SPECIAL),
        limit_alphabet=100,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def known_words(captions: Iterable[str], names: Iterable[str]) -> list[str]:
    """Words seen often enough in captions, and every word of a class name."""
    counts = Counter(word for text in captions for word in WORD.findall(text.lower()))
    often = {word for word, count in counts.items() if count >= LEAST_WORD}
    return sorted(often | {word for name in names for word in WORD.findall(name.lower())})


def write_words(file: Path, words: list[str]) -> None:
    """One word a line."""
    file.write_text("\n".join(words) + "\n", "utf-8")
