"""Everyday searches over the library photos, and which files answer each, by one stated rule.

``python -m training.everyday`` prints how far down the first right photo is for each query.
A file answers a query when its label or captions hold one of the query's key words (a pattern).
The rule was fixed before any model was asked; the photos are never trained on.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import Shape
from photosd.decode.opening import open_picture
from photosd.decode.pixels import squares
from photosd.encoder.model import WarmModel, devices
from photosd.models.spec import STARTER, read_model
from training.data import ROOT

DEPTH = 3

EVERYDAY = {
    "sunset": r"sunset",
    "pizza on a table": r"pizza",
    "a laptop on a desk": r"laptop",
    "a bus in the street": r"\bbus\b",
    "airplanes at the airport": r"airport|plane",
    "a seaplane on a lake": r"seaplane|plane floating",
    "a man on a motorcycle": r"motorcycle",
    "a boy on a skateboard": r"skateboard",
    "baseball player": r"baseball",
    "a cat eating": r"\bcat\b",
    "a dog": r"\bdog\b|poodle",
    "men playing frisbee": r"frisbee",
    "bathroom sink and mirror": r"bathroom",
    "kitchen": r"kitchen|stove",
    "dining table with plates": r"dining|place settings",
    "suitcases": r"suitcase|luggage",
    "stop sign": r"stop sign",
    "a big clock": r"clock",
    "a bed with a lamp": r"\bbed\b",
    "a bowl of food": r"bowl of|bowl full",
    "people crossing the street": r"cross the street|crosswalk",
    "a bench": r"bench",
    "a seagull flying over the beach": r"seagull|flying over",
    "tables with umbrellas by the sea": r"umbrella",
    "a sandwich": r"sandwich",
    "traffic light": r"traffic light|stop light",
    "flower": r"flower|dahlia|cyclamen|anemone|lily|petals",
    "a pink flower": r"pink|cyclamen",
    "a yellow flower": r"yellow flower|daisy",
    "green leaves": r"green leaves|fern|green conifer|rose leaf",
    "a bird": r"\bbird\b|seagull|parakeet",
    "a frog": r"frog",
    "a giraffe": r"giraffe",
    "snowy mountains": r"snow",
    "mountain": r"mountain|ridge",
    "city at night": r"night city",
    "forest": r"forest|woodland|woods|fir tree",
    "a misty forest": r"misty",
    "a tall building": r"skyscraper",
    "desert sand": r"desert|sandstone|Mars",
    "books": r"\bbooks?\b",
    "rocks on the shore": r"rocks on a shore|walruses",
    "northern lights": r"aurora",
    "a spacecraft in space": r"spacecraft",
    "old black and white portrait": r"black and white",
    "handwriting on paper": r"handwritten|paperwork",
    "a man talking on the phone": r"phone",
}


def acceptable(manifest: Path) -> dict[str, set[str]]:
    """The files that answer each query, from the library's manifest.csv."""
    with manifest.open(newline="") as lines:
        rows = [(row["file"], row["label_or_captions"]) for row in csv.DictReader(lines)]
    found = {
        query: {file for file, text in rows if re.search(pattern, text, re.IGNORECASE)}
        for query, pattern in EVERYDAY.items()
    }
    return {query: files for query, files in found.items() if files}


def rankings(model: Path, library: Path, queries: Sequence[str]) -> dict[str, list[str]]:
    """For each query the files of ``library``, nearest first, as photosd sees and ranks them."""
    spec = read_model(model)
    warm = WarmModel(spec, model, lambda _phase: None)
    warm.move_to(devices()[0])
    shape, limits = Shape.of(spec.preprocess), DecodeLimits().resolved()
    with (library / "manifest.csv").open(newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines)]
    best = np.empty((len(queries), len(files)), np.float32)
    texts = warm.encode_texts(queries)
    for number, file in enumerate(files):
        tiles = squares(open_picture((library / file).read_bytes(), limits), shape)
        pixels = np.frombuffer(bytearray().join(tiles), np.uint8)
        found = warm.encode_images(pixels.reshape(-1, shape.size, shape.size, 3))
        best[:, number] = (texts @ found.T).max(axis=1)  # the nearest tile speaks for its photo
    order = np.argsort(-best, axis=1)
    return {q: [files[i] for i in row] for q, row in zip(queries, order, strict=True)}


def share_found(
    answers: dict[str, set[str]], search: Callable[[str], Sequence[str]], depth: int = DEPTH
) -> tuple[float, list[str]]:
    """The share of queries with a right file among the first ``depth``, and those without."""
    failed = [query for query, right in answers.items() if right.isdisjoint(search(query)[:depth])]
    return 1 - len(failed) / len(answers), failed


def main() -> None:
    """Print the table that the model card shows."""
    arguments = argparse.ArgumentParser(prog="python -m training.everyday", description=__doc__)
    arguments.add_argument("--model", type=Path, default=STARTER, help="a model directory")
    arguments.add_argument("--photos", type=Path, default=ROOT.parent / "shared" / "photos")
    chosen = arguments.parse_args()
    library = chosen.photos / "library"
    answers = acceptable(library / "manifest.csv")
    found = rankings(chosen.model, library, list(answers))
    print("| query | right photos | the first is number |\n|---|---|---|")
    for query, right in answers.items():
        first = next(n for n, file in enumerate(found[query], start=1) if file in right)
        print(f"| {query} | {len(right)} | {first} |")
    for depth in (1, DEPTH):
        share, _ = share_found(answers, found.__getitem__, depth)
        print(f"\nA right photo among the first {depth}: {100 * share:.0f} %")


if __name__ == "__main__":
    main()
