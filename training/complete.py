"""A recipe from end to end: texts for the teacher, the meeting, the student."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from tokenizers import Tokenizer

from training.backbone import Backbone, load_backbone
from training.contrast import Material, MeetingRecipe, Photos, train_meeting
from training.data import Row
from training.features import RUNS, Pictures, load
from training.meeting import Meeting, Sayings, Vectors, Words
from training.model import Starter
from training.student import Lessons, StudentRecipe, phrases, pruned_tokenizer, train_student
from training.teacher import Teacher
from training.vocabulary import SPECIAL, known_words


@dataclass(frozen=True)
class Recipe:
    """Both halves; ``holds_out``: the validation photos are not trained on."""

    meeting: MeetingRecipe
    student: StudentRecipe
    holds_out: bool


FULL = Recipe(MeetingRecipe(), StudentRecipe(), holds_out=False)
QUICK = Recipe(MeetingRecipe(steps=40), StudentRecipe(steps=40), holds_out=True)


@dataclass(frozen=True)
class Trained:
    """A model with its tokenizer, and the words that it is said to know."""

    model: Starter
    tokenizer: Tokenizer
    words: list[str]


def train(recipe: Recipe, seed: int = 1) -> Trained:
    """Train both halves on flickr8k; its test photos are never looked at."""
    teacher, parts, backbone = Teacher(), load(), load_backbone()
    photos, labelled = _photos(parts, recipe), parts["labelled"]
    captions = [caption for row in photos.rows for caption in row.captions]
    if len(captions) != 5 * len(photos.rows):
        raise ValueError("a photo has other than five captions")
    labels = sorted({caption for row in labelled.rows for caption in row.captions})
    names = class_names(backbone, labelled.rows)
    short = phrases(captions, names, teacher.tokenizer, seed)
    classes = [f"a photo of a {line.split(', ')[0]}" for line in backbone.class_names]
    tokenizer = pruned_tokenizer(teacher.tokenizer, [*captions, *short])
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])[len(SPECIAL) :]
    spelled = [piece.removeprefix("##") for piece, _ in pieces]
    known = Known(teacher)
    known.add([*captions, *labels, *short, *classes, *spelled])
    words = Words(captions, [*labels, *classes])

    def sayings(texts: list[str]) -> Sayings:
        return Sayings(texts, known[texts], words)

    material = Material(
        photos,
        Photos(labelled.rows, torch.from_numpy(labelled.features.astype(np.float32))),
        sayings(captions),
        sayings(labels),
        sayings(classes),
        words,
        backbone,
    )
    meeting = train_meeting(material, replace(recipe.meeting, seed=seed))
    model = _with_image_side(meeting, backbone, tokenizer)
    with torch.inference_mode():
        images = meeting.images(photos.features[0]).clone()
    lessons = Lessons(
        captions, meeting.say(material.captions), short, meeting.say(sayings(short)), images
    )
    places = meeting.say(sayings(spelled))
    train_student(model, tokenizer, places, lessons, replace(recipe.student, seed=seed))
    return Trained(model.eval(), tokenizer, known_words(captions, names))


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
            everything = list(self._vectors)
            vectors = np.stack(list(self._vectors.values()))
            np.savez(self._file, texts=np.array(everything), vectors=vectors)

    def __getitem__(self, texts: list[str]) -> Vectors:
        return np.stack([self._vectors[text] for text in texts])


def class_names(backbone: Backbone, labelled: list[Row]) -> list[str]:
    """Names and synonyms of the backbone's 1,000 classes, and the labels of the pictures."""
    names = [name for line in backbone.class_names for name in line.split(", ")]
    labels = [row.captions[-1].removeprefix("a photo of a ") for row in labelled]
    return list(dict.fromkeys(name.lower() for name in [*names, *labels]))


def _with_image_side(meeting: Meeting, backbone: Backbone, tokenizer: Tokenizer) -> Starter:
    model = Starter(tokenizer.get_vocab_size())
    model.visual.trunk = backbone.trunk
    model.visual.head.get_submodule("proj").load_state_dict(meeting.image_head.state_dict())
    model.logit_scale.data = meeting.logit_scale.data.clone()
    return model


def _photos(parts: dict[str, Pictures], recipe: Recipe) -> Photos:
    """The photos to train on, with their features."""
    chosen = [parts["train"]] if recipe.holds_out else [parts["train"], parts["validation"]]
    features = np.concatenate([part.features for part in chosen], axis=1)
    rows = [row for part in chosen for row in part.rows]
    return Photos(rows, torch.from_numpy(features.astype(np.float32)))
