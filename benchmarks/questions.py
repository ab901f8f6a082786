"""``python -m benchmarks.questions``: is the right photo first if a question says what it has?

A household of 20,000 files (tests.household.described) has people, tags, places by GPS, dates and
looks. Questions combine two or three of these, half of them in Hebrew. Twice: with the names that
search was built with, and with others, of another seed. The encoder is a stand-in that knows the
looks, so this measures all but the model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from photosd.core.log import set_up
from photosd.places.building import build
from tests.household.described import (
    DEVELOPMENT,
    VALIDATION,
    DescribedHousehold,
    Values,
    photos_of,
)
from tests.household.questions import is_answered, questions

FILES, QUESTIONS = 20_000, 100


def main() -> None:
    """Print both as JSON, and the questions without an answer."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.questions", description=__doc__)
    parser.add_argument("questions", type=int, nargs="?", default=QUESTIONS)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seeds", type=int, nargs=2, default=(1, 2), metavar="SEED")
    args = parser.parse_args()
    set_up("warning", None)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="photosd-bench-") as directory:
        places = Path(directory) / "places.sqlite3"
        build(places)
        for name, values, seed in zip(
            ("development", "validation"), (DEVELOPMENT, VALIDATION), args.seeds, strict=True
        ):
            found[name] = measure(
                Path(directory) / name, places, values, args.files, args.questions, seed
            )
    print(json.dumps(found, indent=1, ensure_ascii=False))


def measure(
    directory: Path, places: Path, values: Values, files: int, count: int, seed: int
) -> dict[str, Any]:
    """How many questions are answered by their first photos; the combinations and texts of those
    that are not.
    """
    photos = photos_of(directory / "photos", files, seed, values)
    household = DescribedHousehold(directory / "home", photos, places, seed)
    try:
        every = list(questions(photos, values, count, seed))
        missed = [one for one in every if not is_answered(household, one)]
    finally:
        household.close()
    return {
        "seed": seed,
        "photos": len(photos),
        "questions": len(every),
        "answered": len(every) - len(missed),
        "missed": dict(Counter(" + ".join(one.kinds) for one in missed)),
        "texts": [one.text for one in missed],
    }


if __name__ == "__main__":
    main()
