"""A household whose photos say what they show: people, tags, places, dates, captions and looks.

In memory of one process: the catalog, the vectors and the engine are the real ones, the encoder is
a stand-in that knows a few dozen looks in English and Hebrew. Files, names of files and dates are
those of tests.household.making.
"""

from __future__ import annotations

import datetime
import itertools
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core import wording
from photosd.core.clock import Deadline
from photosd.core.formats import is_raw_name, suffix_of
from photosd.core.pair_names import PICTURES, stem_of
from photosd.encoder.results import TextVectors
from photosd.index.committer import LabelSync
from photosd.index.placing import Placing
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.places.gazetteer import Gazetteer
from photosd.protocol.paths import path_from
from photosd.protocol.requests import QueryParams
from tests.household.making import make_household
from tests.search.library import SPEC, Library

DIMENSION = 128
PHOTO_NOISE = 1.0  # length of what a vector has beside its looks, each of length 1
WORD_NOISE = 0.35  # the same of a word of a query that is no look
PREFIXES = "והבלמכש"
CALIBRATED_SECONDS = 120.0

Vector = NDArray[np.float64]


class Look(NamedTuple):
    """Something that photos show. ``en`` and ``he``: words that no file or folder of a household is
    named by; ``phrase``: with an article."""

    en: str
    phrase: str
    he: str


LOOKS = tuple(
    Look(*(part.strip() for part in line.split("|")))
    for line in """
    rabbit | a rabbit | ארנב
    cat | the cat | חתול
    lighthouse | the lighthouse | מגדלור
    windmill | a windmill | טחנת רוח
    cake | a cake | עוגה
    bicycle | a bicycle | אופניים
    snow | the snow | שלג
    boat | a boat | סירה
    guitar | a guitar | גיטרה
    fireworks | the fireworks | זיקוקים
    castle | a castle | טירה
    bridge | the bridge | גשר
    waterfall | a waterfall | מפל
    horse | a horse | סוס
    baby | the baby | תינוק
    balloons | balloons | בלונים
    football | football | כדורגל
    train | the train | רכבת
    campfire | a campfire | מדורה
    pizza | pizza | פיצה
    playground | the playground | מגרש משחקים
    mountains | mountains | הרים
    umbrella | an umbrella | מטריה
    sunglasses | sunglasses | משקפי שמש
    tent | the tent | אוהל
    tractor | a tractor | טרקטור
    piano | the piano | פסנתר
    candles | candles | נרות
    statue | a statue | פסל
    swimming pool | the swimming pool | בריכה
    """.strip().splitlines()
)  # fmt: skip


class Values(NamedTuple):
    """What a library has, the frequent ones first: names, and places with a name in Hebrew and
    coordinates."""

    people: tuple[str, ...]
    tags: tuple[str, ...]
    places: tuple[tuple[str, str, float, float], ...]


DEVELOPMENT = Values(
    ("Noa", "נועה", "Daniel", "דניאל", "סבתא רחל", "Maya Levi", "Tom", "איתי לוי", "Grandma Ruth",
     "מיכל", "Yael Cohen", "יוסי", "Omer", "שירה כהן", "Rose", "עידו", "Lucy", "גל"),
    ("family", "משפחה", "holiday", "חופשה", "choir", "מקהלה", "best of", "לאלבום",
     "בית ספר", "work", "to print", "צופים", "tennis club", "עבודה", "school", "מועדפים"),
    (("Tel Aviv", "תל אביב", 32.0809, 34.7806), ("Jerusalem", "ירושלים", 31.769, 35.2163),
     ("Haifa", "חיפה", 32.8131, 34.9993), ("Eilat", "אילת", 29.5581, 34.9482),
     ("Rome", "רומא", 41.8919, 12.5113), ("London", "לונדון", 51.5085, -0.1257),
     ("Paris", "פריז", 48.8534, 2.3488), ("New York", "ניו יורק", 40.7143, -74.006),
     ("Prague", "פראג", 50.088, 14.4208), ("Athens", "אתונה", 37.9838, 23.7278)),
)  # fmt: skip
VALIDATION = Values(
    ("Emma", "תמר", "Oliver Smith", "אורי", "Ben", "סבא משה", "Aunt Carol", "הילה ברק", "Lior",
     "אביגיל", "Sophie", "רוני", "Tamar Peretz", "נדב", "Grace", "ליאור שגב", "Jonas", "דוד אבי"),
    ("friends", "חברים", "kids", "ילדים", "colleagues", "עמיתים", "road show", "מסיבה", "hiking",
     "בר מצווה", "first day", "צבא", "graduation", "סוף שנה", "portfolio", "עבודת גמר"),
    (("Beersheba", "באר שבע", 31.2518, 34.7913), ("Netanya", "נתניה", 32.3329, 34.8599),
     ("Acre", "עכו", 32.9277, 35.0817), ("Tiberias", "טבריה", 32.7922, 35.5312),
     ("Berlin", "ברלין", 52.5244, 13.4105), ("Barcelona", "ברצלונה", 41.3888, 2.159),
     ("Vienna", "וינה", 48.2085, 16.3721), ("Lisbon", "ליסבון", 38.7167, -9.1333),
     ("Tokyo", "טוקיו", 35.6895, 139.6917), ("Vancouver", "ונקובר", 49.2497, -123.1193)),
)  # fmt: skip


class Photo(msgspec.Struct):
    """What is true of one content. ``picture``: the content that answers show instead, of a camera
    raw file with a picture beside it.
    """

    content: str
    paths: tuple[bytes, ...]
    modified: float
    day: datetime.date
    people: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    place: int | None = None
    looks: tuple[int, ...] = ()
    facts: dict[str, Any] = {}
    picture: str | None = None


def photos_of(directory: Path, files: int, seed: int, values: Values) -> list[Photo]:
    """The photos of a household of so many files, by ``seed``; an event is a folder."""
    household, found = make_household(directory, files, seed), dict[str, Photo]()
    for item in household.items:
        if item.outcome != "indexed" or item.content is None:
            continue
        moment = datetime.datetime.fromtimestamp(item.mtime_ns / 1e9, datetime.UTC)
        before = found.get(item.content)
        taken = item.taken or moment.replace(tzinfo=None, microsecond=0)
        facts: dict[str, Any] = {"width": 48, "height": 36, "format": "JPEG"}
        facts |= {"taken": taken.isoformat(), "taken_from": "exif"}
        found[item.content] = Photo(
            item.content,
            (*(before.paths if before else ()), item.path),
            item.mtime_ns / 1e9,
            taken.date(),
            facts=facts,
        )
    photos = list(found.values())
    _describe(photos, random.Random(seed), values)
    _describe_pairs(photos)
    return photos


def _describe_pairs(photos: Sequence[Photo]) -> None:
    """A camera raw file and the picture beside it are one photo: the same is true of both."""
    every = [(path, photo) for photo in photos for path in photo.paths]
    pictures = {stem_of(path): photo for path, photo in every if suffix_of(path) in PICTURES}
    for path, raw in every:
        if is_raw_name(path) and (one := pictures.get(stem_of(path))) is not None:
            raw.day, raw.people, raw.tags = one.day, one.people, one.tags
            raw.place, raw.looks, raw.facts = one.place, one.looks, one.facts
            raw.picture = one.content


def _describe(photos: list[Photo], chance: random.Random, values: Values) -> None:
    """People, tags, places and looks, by event: people tag some of the photos that show a thing."""
    photos.sort(key=lambda photo: photo.paths[0])
    for _, event in itertools.groupby(photos, key=lambda photo: photo.paths[0].rpartition(b"/")[0]):
        some = list(event)
        for start in range(0, len(some), 40):  # a folder of a phone has many
            _event(some[start : start + 40], chance, values)


def _event(photos: Sequence[Photo], chance: random.Random, values: Values) -> None:
    often = [1 / (rank + 2) for rank in range(len(values.people))]
    present = chance.choices(values.people, often, k=3)
    place = chance.randrange(len(values.places)) if chance.random() < 0.7 else None
    shown = chance.sample(range(len(LOOKS)), 4)
    event_tag = chance.choice(values.tags) if chance.random() < 0.4 else None
    for photo in photos:
        looks = dict.fromkeys(
            chance.choice(shown if chance.random() < 0.8 else range(len(LOOKS)))
            for _ in range(chance.choice((1, 2)))
        )
        who = dict.fromkeys(chance.choices(present, k=chance.choice((1, 1, 2))))
        tags = [event_tag] if event_tag is not None and chance.random() < 0.8 else []
        tags += [chance.choice(values.tags)] if chance.random() < 0.08 else []
        if chance.random() < 0.15:
            tags.append(chance.choice(LOOKS[next(iter(looks))][::2]))
        photo.looks = tuple(looks)
        photo.people = tuple(who) if chance.random() < 0.45 else ()
        photo.tags = tuple(dict.fromkeys(tags))
        photo.facts |= {"people": list(photo.people), "tags": list(photo.tags)}
        if place is not None and chance.random() < 0.85:
            photo.place = place
            _, _, latitude, longitude = values.places[place]
            photo.facts["latitude"] = latitude + chance.uniform(-0.008, 0.008)
            photo.facts["longitude"] = longitude + chance.uniform(-0.008, 0.008)
        if chance.random() < 0.03:
            what = " and ".join([*photo.people, *(LOOKS[look].phrase for look in looks)])
            photo.facts["caption"] = f"A long day with {what}, before the rain came"


class LookEncoder:
    """Encodes texts: each look is a direction; other words are noise, articles and such nothing."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        for number, look in enumerate(LOOKS):
            for phrase in (look.en, look.he):
                word = wording.words(phrase)[0]  # "swimming pool" by its first word
                self._known[word] = number

    def encode_texts(self, texts: list[str], _deadline: Deadline | None) -> Future[Any]:
        vectors = np.stack([self._text(text) for text in texts])
        future: Future[Any] = Future()
        future.set_result(
            TextVectors(vectors, [1.0] * len(texts), [[]] * len(texts), [None] * len(texts))
        )
        return future

    def photo(self, photo: Photo, chance: np.random.Generator) -> Vector:
        """The vector of a photo, with noise."""
        noise = chance.normal(size=DIMENSION)
        total = PHOTO_NOISE * noise / np.linalg.norm(noise)
        return _unit(total + sum(direction(f"look {number}") for number in photo.looks))

    def _text(self, text: str) -> NDArray[np.float32]:
        total = np.zeros(DIMENSION)
        for word in wording.words(text):
            number = self._look(word)
            if number is not None:
                total += direction(f"look {number}")
            elif len(word) > 2:
                total += WORD_NOISE * direction(word)
        found = total if total.any() else direction(text)
        return _unit(found).astype(np.float32)

    def _look(self, word: str) -> int | None:
        bare = [word[cut:] for cut in (0, 1, 2) if all(one in PREFIXES for one in word[:cut])]
        return next((self._known[one] for one in bare if one in self._known), None)


def direction(name: str) -> Vector:
    """A unit vector that only this name has."""
    return _unit(np.random.default_rng(list(name.encode())).normal(size=DIMENSION))


def _unit(vector: Vector) -> Vector:
    found: Vector = vector / np.linalg.norm(vector)
    return found


class DescribedHousehold(Library):
    """These photos, all indexed and placed, and the engine that searches them."""

    def __init__(
        self, directory: Path, photos: Sequence[Photo], places: Path, seed: int = 0
    ) -> None:
        """``places``: the table of places, made by photosd.places.building."""
        directory.mkdir(parents=True, exist_ok=True)
        super().__init__(directory)
        self.photos = {photo.content: photo for photo in photos}
        self._of_path = {path: photo for photo in photos for path in photo.paths}
        self.spec = msgspec.structs.replace(SPEC, open_clip={"embed_dim": DIMENSION})
        self.store = VectorStore(directory / "wide", self.spec.fingerprint, DIMENSION)
        self.store.open()
        self.gazetteer = Gazetteer(places)
        encoder = LookEncoder()
        self._fill(photos, encoder, np.random.default_rng(seed))
        self.ready = self.engine(self.spec, encoder)
        self.ready.warm_up(CALIBRATED_SECONDS)
        until = time.monotonic() + CALIBRATED_SECONDS
        while self.ready.query(QueryParams("a word that nothing shows", 1))["convincing"]:
            assert time.monotonic() < until, "not calibrated"
            time.sleep(0.1)

    def _fill(
        self, photos: Sequence[Photo], encoder: LookEncoder, chance: np.random.Generator
    ) -> None:
        assert self.gazetteer is not None
        self.store.commit(
            [
                Embedding(
                    one.content,
                    encoder.photo(one, chance).astype(np.float32)[None],
                    one.facts,
                    one.paths,
                    one.modified,
                )
                for one in photos
            ]
        )
        self.contents.record(
            self.spec.fingerprint, [(photo.content, photo.facts) for photo in photos]
        )
        rows = [(path, photo) for photo in photos for path in photo.paths]
        with self.database.write() as db:
            db.executemany(
                "INSERT INTO photos(path, folder, size, mtime_ns, inode, device, content, state)"
                " VALUES(?, 1, 1, ?, ?, 1, ?, 'indexed')",
                [
                    (path, int(photo.modified * 1e9), number, photo.content)
                    for number, (path, photo) in enumerate(rows)
                ],
            )
        placing = Placing(self.database, self.gazetteer, lambda: None)
        while placing.turn():
            pass
        LabelSync(self.store, self.contents, self.spec.fingerprint).run()

    def ask(self, text: str, limit: int = 20) -> Iterator[Photo]:
        """The photos that answer a question, best first."""
        for hit in self.ready.query(QueryParams(text, limit))["hits"]:
            yield self._of_path[path_from(hit["path"], hit.get("path_b64"))]

    def close(self) -> None:
        """Close the files."""
        if self.gazetteer is not None:
            self.gazetteer.close()
        self.ready.close()
        self.store.close(Deadline.to_stop())
        self.database.close()
