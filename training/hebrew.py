"""``python -m training.hebrew``: how well Hebrew queries find photos, and the same in English.

``--part validation`` or ``test``: the queries of questions_he.txt over that part's 1,000 photos of
flickr8k, and that part's things of things_he.txt over photos that no recipe trains on.
``--everyday``: the queries of the model card in Hebrew (queries-he.json) over the test library.
A query counts if a right photo is among the first three.
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photosd.encoder.model import WarmModel, devices
from photosd.models.spec import STARTER, read_model
from training.asking import Flags, hebrew_names, read_things
from training.data import ROOT, Row, photos_with_captions
from training.everyday import DEPTH, acceptable, rankings, share_found
from training.honesty import PARTS, Floats, encoded, read_photos

QUESTIONS = Path(__file__).with_name("questions_he.txt")
AGREED = 2  # descriptions of a photo that match
LIBRARY = 300  # labelled photos; a library of the size of the test library would have few classes
DRAWS = 20


@dataclass(frozen=True)
class Question:
    """A query in both languages, and patterns that a description matches all of."""

    hebrew: str
    english: str
    patterns: tuple[re.Pattern[str], ...]

    def is_answered_by(self, row: Row) -> bool:
        """Whether enough of the photo's descriptions match."""
        said = [caption.lower() for caption in row.captions]
        agreeing = sum(all(p.search(text) for p in self.patterns) for text in said)
        return agreeing >= AGREED


def read_questions() -> list[Question]:
    """Those of questions_he.txt."""
    lines = QUESTIONS.read_text("utf-8").splitlines()
    return [_question(line) for line in lines if not line.startswith("#")]


def _question(line: str) -> Question:
    texts, _, rule = line.partition(" ; ")
    hebrew, english = texts.split(" = ")
    patterns = tuple(re.compile(rf"\b({words})") for words in rule.split())
    return Question(hebrew, english, patterns)


def found(photos: Floats, texts: Floats, right: Flags) -> Flags:
    """Whether a right photo is among the first of each text; ``right`` (texts, photos)."""
    nearest = np.argsort(-(texts @ photos.T), axis=1)[:, :DEPTH]
    counts: Flags = np.take_along_axis(right, nearest, axis=1).sum(axis=1) > 0
    return counts


def main() -> None:
    """Print the shares."""
    arguments = argparse.ArgumentParser(prog="python -m training.hebrew", description=__doc__)
    arguments.add_argument("--part", choices=PARTS, default="validation")
    arguments.add_argument("--everyday", action="store_true")
    arguments.add_argument("--photos", type=Path, default=ROOT.parent / "shared" / "photos")
    chosen = arguments.parse_args()
    if chosen.everyday:
        everyday(chosen.photos)
        return
    model = WarmModel(read_model(STARTER), STARTER, lambda _phase: None)
    model.move_to(devices()[0])
    described(model, chosen.part)
    labelled(model, chosen.part)


def described(model: WarmModel, part: str) -> None:
    """The queries of questions_he.txt over photos of flickr8k."""
    rows = photos_with_captions()[part]
    photos = encoded(model, rows, f"hebrew-{part}")
    asked = [(one, np.array([one.is_answered_by(row) for row in rows])) for one in read_questions()]
    asked = [(one, right) for one, right in asked if right.any()]
    right = np.stack([right for _, right in asked])
    for language in ("hebrew", "english"):
        texts = model.encode_texts([getattr(one, language) for one, _ in asked])
        share = found(photos, texts, right).mean()
        print(f"descriptions, {part}, {language}: {100 * share:.1f} % of {len(asked)}")


def labelled(model: WarmModel, part: str) -> None:
    """The things of things_he.txt over libraries of labelled photos, a third of each source."""
    names = hebrew_names()
    every = read_things()
    photos = read_photos(part, model, every)
    mine = [n for n, one in enumerate(every) if one.part == part and one.name in names]
    texts = {
        "hebrew": model.encode_texts([names[every[n].name] for n in mine]),
        "english": model.encode_texts([every[n].question for n in mine]),
    }
    shares: dict[str, list[Flags]] = {language: [] for language in texts}
    generator = np.random.default_rng(1)
    sources = [np.flatnonzero(photos.source == number) for number in (0, 1)]  # of usual size
    for _ in range(DRAWS):
        drawn = [generator.choice(source, LIBRARY // 2, replace=False) for source in sources]
        library = np.concatenate(drawn)
        right = photos.shows[library][:, mine].T
        there = right.any(axis=1)
        for language, vectors in texts.items():
            shares[language].append(found(photos.vectors[library], vectors[there], right[there]))
    for language, several in shares.items():
        share = np.concatenate(several).mean()
        print(f"things, {part}, {language}: {100 * share:.1f} %, libraries of {LIBRARY}")


def everyday(directory: Path) -> None:
    """The queries of the model card over the test library, in both languages."""
    hebrew: dict[str, str] = json.loads((directory / "queries-he.json").read_text("utf-8"))
    answers = acceptable(directory / "library" / "manifest.csv")
    order = rankings(STARTER, directory / "library", [*answers, *hebrew.values()])
    for language, asked in (("english", answers), ("hebrew", hebrew)):
        several = {query: order[hebrew[query] if asked is hebrew else query] for query in answers}
        share, missed = share_found(answers, several.__getitem__)
        print(f"everyday, {language}: {100 * share:.1f} % of {len(answers)}; missed: {missed}")


if __name__ == "__main__":
    main()
