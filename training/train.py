"""``python -m training.train --recipe quick|full``: train, report on held-out photos, keep."""

from __future__ import annotations

import argparse
import json

import torch
from tokenizers import Tokenizer

from training.features import RUNS, load
from training.model import Starter
from training.quick import Recipe, train_quick


def main() -> None:
    """Train by the arguments; the result lands under training/runs/ for evaluate and export."""
    arguments = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    arguments.add_argument("--recipe", choices=("quick", "full"), default="quick")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--steps", type=int, help="of the quick recipe", default=Recipe.steps)
    chosen = arguments.parse_args()
    if chosen.recipe == "quick":
        model, tokenizer = train_quick(load(), Recipe(seed=chosen.seed, steps=chosen.steps))
    else:
        from training.complete import train_full

        model, tokenizer, _ = train_full(chosen.seed)
    keep(model, tokenizer, f"{chosen.recipe}-{chosen.seed}")
    from training.evaluate import held_out

    print(json.dumps(held_out(model, tokenizer), indent=1))


def keep(model: Starter, tokenizer: Tokenizer, name: str) -> None:
    """Write the trained model to training/runs/NAME.pt and .json."""
    torch.save(model.state_dict(), RUNS / f"{name}.pt")
    tokenizer.save(str(RUNS / f"{name}.json"))


def kept(name: str) -> tuple[Starter, Tokenizer]:
    """The model that ``keep`` wrote; raises FileNotFoundError when none was trained."""
    tokenizer = Tokenizer.from_file(str(RUNS / f"{name}.json"))
    model = Starter(tokenizer.get_vocab_size())
    model.load_state_dict(torch.load(RUNS / f"{name}.pt", weights_only=True))
    return model.eval(), tokenizer


if __name__ == "__main__":
    main()
