"""The starter's vocabulary: word pieces, and the words it is known to understand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

SPECIAL = ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
PAD, UNKNOWN, BEGIN, END = range(4)
MIN_WORD = 3  # occurrences
WORD = re.compile(r"[^\W\d_]+")


def word_pieces(pieces: Iterable[str]) -> Tokenizer:
    """A lower-casing tokenizer of these word pieces ("##" inside a word), after SPECIAL."""
    vocabulary = {piece: number for number, piece in enumerate([*SPECIAL, *pieces])}
    tokenizer = Tokenizer(
        models.WordPiece(vocab=vocabulary, unk_token="[UNK]", max_input_chars_per_word=60)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def known_words(captions: Iterable[str], names: Iterable[str]) -> list[str]:
    """Words seen often enough in captions, and every word of a class name."""
    counts = Counter(word for text in captions for word in WORD.findall(text.lower()))
    often = {word for word, count in counts.items() if count >= MIN_WORD}
    return sorted(often | {word for name in names for word in WORD.findall(name.lower())})


def write_words(file: Path, words: list[str]) -> None:
    """One word a line."""
    file.write_text("\n".join(words) + "\n", "utf-8")
