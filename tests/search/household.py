"""A household's library of any size, in this process: names as people and cameras give them.

Looks are random, so that what is found by name is found by its name alone.
"""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from photosd.core.clock import Deadline
from photosd.encoder.results import TextVectors
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from tests.household.names import (
    CAMERAS,
    MESSENGERS,
    PHONES,
    SCREENSHOTS,
    event_folder,
    odd_name,
)
from tests.search.library import SPEC, Library

DIMENSION = 32
AT_ONCE = 4096
PLACES = ("beach", "garden", "kitchen", "school", "market", "forest", "harbour", "castle", "river")
THINGS = ("sunset", "birthday", "cake", "picnic", "concert", "wedding", "dinner", "snow", "puppy")
PEOPLE = ("Dana", "Grandma", "Uncle Joe", "סבתא", "דוד", "יעל", "Zoë", "José")
HEBREW = ("ים", "יום הולדת", "חתונה", "טיול לצפון", "גן חיות", "שבת", 'צה"ל', "בר מצווה", "ג'ירפה")


def names(seed: int = 0) -> Iterator[bytes]:
    """Paths without end, each once: of cameras, phones, messengers and people, and odd ones."""
    chance = random.Random(seed)
    for number in itertools.count():
        day = datetime.datetime(2004, 1, 1) + datetime.timedelta(minutes=97 * number)
        folder = event_folder(chance, day)
        place, thing = chance.choice(PLACES), chance.choice(THINGS)
        kind = chance.choice(list({**PHONES, **MESSENGERS, **SCREENSHOTS}.values()))
        made = (
            f"{folder}/{chance.choice(list(CAMERAS.values()))(number)}",
            f"DCIM/{100 + number % 30}/{kind(day)}",
            f"{day:%Y}/beach/{thing} {number}.jpg",
            f"{folder}/{place} {thing} {number}.jpg",
            f"{chance.choice(PEOPLE)}/{thing}_{place}_{number}.jpeg",
            f"תמונות/{chance.choice(HEBREW)} {number}.jpg",
            f"{chance.choice(PEOPLE)} - {chance.choice(HEBREW)} ({number}).jpg",
        )
        if number % 20 == 0:
            yield folder.encode() + b"/" + odd_name(number // 20, number, b".jpg")
        else:
            yield made[number % len(made)].encode()


class Anything:
    """An encoder that knows every word, each by a direction of its own."""

    def encode_texts(self, texts: list[str], _deadline: Deadline) -> Future[Any]:
        found = np.stack([_direction(text) for text in texts])
        future: Future[Any] = Future()
        future.set_result(
            TextVectors(found, [1.0] * len(texts), [[]] * len(texts), [None] * len(texts))
        )
        return future


class Household(Library):
    """``paths`` below /p, all indexed, with random looks, and the engine that searches them."""

    def __init__(self, directory: Path, paths: Sequence[bytes]) -> None:
        super().__init__(directory)
        self.paths = [b"/p/" + path for path in paths]
        self.spec = msgspec.structs.replace(SPEC, open_clip={"embed_dim": DIMENSION})
        self.store = VectorStore(directory / "wide", self.spec.fingerprint, DIMENSION)
        self.store.open()
        looks = np.random.default_rng(0).normal(size=(len(paths), 1, DIMENSION)).astype(np.float32)
        looks /= np.linalg.norm(looks, axis=2, keepdims=True)
        self.store.commit(
            [Embedding(f"c{n}", looks[n], {}, (path,)) for n, path in enumerate(self.paths)]
        )
        with self.database.write() as db:
            db.executemany(
                "INSERT INTO photos(path, folder, size, mtime_ns, inode, device, content, state)"
                " VALUES(?, 1, 1, 1, ?, 1, ?, 'indexed')",
                [(path, n, f"c{n}") for n, path in enumerate(self.paths)],
            )
            rows: list[tuple[str, dict[str, Any]]] = [(f"c{n}", {}) for n in range(len(paths))]
            self.contents.record(self.spec.fingerprint, rows)
        self.ready = self.engine(self.spec, Anything())


def _direction(text: str) -> Any:
    seed = int.from_bytes(text.encode()[:24], "big")
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)
