"""The full recipe from end to end: texts for the teacher, both halves, one model."""

from __future__ import annotations

import sys

import numpy as np
import torch
from tokenizers import Tokenizer

from training.backbone import load_backbone
from training.data import Row
from training.features import RUNS
from training.full import FullRecipe, Meeting, Texts, Vectors, image_vectors, train_meeting
from training.maps import MappedPictures, load_maps
from training.model import Starter
from training.student import (
    Lessons,
    StudentRecipe,
    phrases,
    pruned_tokenizer,
    train_student,
)
from training.teacher import Teacher


def train_full(seed: int = 1) -> tuple[Starter, Tokenizer, dict[str, MappedPictures]]:
    """Train both halves; the test photos are only ever reported on."""
    teacher, parts = Teacher(), load_maps()
    captions = [caption for row in parts["train"].rows for caption in row.captions]
    names = class_names(parts["labelled"].rows)
    short = phrases(captions, names, teacher.tokenizer, seed)
    known = Known(teacher)
    known.add([*captions, *short, *(c for r in parts["labelled"].rows for c in r.captions)])
    known.add([caption for row in parts["test"].rows for caption in row.captions])
    first = [name.split(", ")[0] for name in load_backbone().class_names]
    known.add([f"a photo of a {name}" for name in first])
    texts = Texts(
        train=[known[row.captions] for row in parts["train"].rows],
        labelled=[known[row.captions] for row in parts["labelled"].rows],
        test=[known[row.captions] for row in parts["test"].rows],
        classes=known[tuple(f"a photo of a {name}" for name in first)],
    )
    meeting, tower = train_meeting(parts, texts, FullRecipe(seed=seed))
    torch.save({"meeting": meeting.state_dict(), "tower": tower.state_dict()}, RUNS / "meeting.pt")
    tokenizer, rows = pruned_tokenizer(teacher.tokenizer, [*captions, *short])
    model = Starter(tokenizer.get_vocab_size())
    model.visual.load_state_dict(tower.state_dict())
    model.logit_scale.data = meeting.logit_scale.data.clone()
    lessons = Lessons(
        captions,
        _targets(meeting, known[tuple(captions)]),
        np.repeat(np.arange(len(texts.train)), [len(vectors) for vectors in texts.train]),
        image_vectors(meeting, parts["train"].maps[0]),
        short,
        _targets(meeting, known[tuple(short)]),
    )
    print(f"{len(captions)} captions, {len(short)} phrases, {len(rows)} pieces", file=sys.stderr)
    train_student(model, tokenizer, teacher, rows, lessons, StudentRecipe(seed=seed))
    return model.eval(), tokenizer, parts


class Known:
    """The teacher's vectors by text, kept under training/runs/ from one run to the next."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher, self._file = teacher, RUNS / "teacher.npz"
        self._vectors: dict[str, Vectors] = {}
        if self._file.exists():
            kept = np.load(self._file)
            self._vectors = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def add(self, texts: list[str]) -> None:
        """Ask the teacher for those not known yet."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self._teacher.encode(new), strict=True))
            np.savez(
                self._file,
                texts=np.array(list(self._vectors)),
                vectors=np.stack(list(self._vectors.values())),
            )

    def __getitem__(self, texts: tuple[str, ...]) -> Vectors:
        return np.stack([self._vectors[text] for text in texts])


def class_names(labelled: list[Row]) -> list[str]:
    """Names and synonyms of the backbone's 1,000 classes, and the labels of the pictures."""
    names = [name for line in load_backbone().class_names for name in line.split(", ")]
    labels = [row.captions[-1].removeprefix("a photo of a ") for row in labelled]
    return list(dict.fromkeys(name.lower() for name in [*names, *labels]))


def _targets(
    meeting: Meeting, vectors: Vectors
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    meeting.eval()
    with torch.inference_mode():
        found: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = meeting.texts(
            torch.from_numpy(vectors.astype(np.float32))
        ).numpy()
    return found
