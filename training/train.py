"""``python -m training.train --recipe quick|full``: train, report on held-out photos, keep."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import torch
from tokenizers import Tokenizer

from training.complete import FULL, QUICK, Trained, train
from training.evaluate import held_out
from training.features import RUNS
from training.model import Starter


def main() -> None:
    """Train by the arguments; the result lands under training/runs/ for ``training.ship``."""
    arguments = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    arguments.add_argument("--recipe", choices=("quick", "full"), default="quick")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument(
        "--hold-out",
        action="store_true",
        help="also with full: do not train on the validation photos, and report on them",
    )
    chosen = arguments.parse_args()
    recipe = FULL if chosen.recipe == "full" else QUICK
    recipe = replace(recipe, holds_out=recipe.holds_out or chosen.hold_out)
    trained = train(recipe, chosen.seed)
    name = f"{chosen.recipe}-{chosen.seed}{'-held-out' if chosen.hold_out else ''}"
    keep(trained, name)
    part = "validation" if recipe.holds_out else "test"
    print(json.dumps({"kept": name, "on": part, **held_out(trained, part)}, indent=1))


def keep(trained: Trained, name: str) -> None:
    """Write the trained model to training/runs/NAME.pt, .json and .txt."""
    torch.save(trained.model.state_dict(), RUNS / f"{name}.pt")
    trained.tokenizer.save(str(RUNS / f"{name}.json"))
    (RUNS / f"{name}.txt").write_text("\n".join(trained.words), "utf-8")


def kept(name: str) -> Trained:
    """The model that ``keep`` wrote; raises FileNotFoundError when none was trained."""
    tokenizer = Tokenizer.from_file(str(RUNS / f"{name}.json"))
    model = Starter(tokenizer.get_vocab_size())
    model.load_state_dict(torch.load(RUNS / f"{name}.pt", weights_only=True))
    words = (RUNS / f"{name}.txt").read_text("utf-8").split("\n")
    return Trained(model.eval(), tokenizer, words)


if __name__ == "__main__":
    main()
