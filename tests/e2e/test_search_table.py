"""With real photos and the starter model, sums, pictures and filters find what they should, and a
query without an answer finds no match.

The right files were chosen by looking at the photos, their labels and captions. One constant in
photosd depends in part on this table: FAIR_FEW (see docs/explanation/honest-scores.md).
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photosd.core.paths import Home
from photosd.protocol.client import Client
from tests.conftest import RunningDaemon

BEYOND = pytest.mark.xfail(reason="the starter does not see that they are alike", strict=True)
DEPTH = 3  # a right photo among the first so many
TAKEN = {"coco": "2017:07:14 12:00:00", "elementary": "2019:12:31 23:30:00"}
CAMERA = {"coco": ("Canon", "EOS 6D"), "elementary": ("Apple", "iPhone 12")}
HAIFA, BERLIN = (32.8, 35.0), (52.5, 13.4)


@pytest.fixture(scope="module")
def album(photos: Path) -> Iterator[Path]:
    """The library in folders by where it comes from, with dates, cameras, places and stars."""
    with tempfile.TemporaryDirectory(prefix="photosd-album-") as name:
        for file in sorted((photos / "library").glob("*.jpg")):
            origin, _, rest = file.stem.partition("-")
            directory = Path(name) / origin
            directory.mkdir(exist_ok=True)
            if origin in TAKEN:
                _save(file, directory / f"{rest}.jpg", origin)
            elif origin == "nextcloud":
                with Image.open(file) as picture:
                    picture.save(directory / f"{rest}.png")
            else:
                shutil.copy(file, directory / f"{rest}.jpg")
        yield Path(name)


def _save(file: Path, target: Path, origin: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = CAMERA[origin]
    exif.get_ifd(0x8769)[0x9003] = TAKEN[origin]
    exif[0x4746] = 5 if "snow" in file.name or "pizza" in file.name else 2
    north, east = HAIFA if origin == "coco" else BERLIN
    exif.get_ifd(0x8825).update({1: "N", 2: (north, 0.0, 0.0), 3: "E", 4: (east, 0.0, 0.0)})
    with Image.open(file) as picture:
        picture.save(target, quality=95, exif=exif)


@pytest.fixture(scope="module")
def client(album: Path) -> Iterator[Client]:
    """A client of a daemon that has seen all of it and knows what its scores mean."""
    with tempfile.TemporaryDirectory(prefix="photosd-test-", dir="/tmp") as name:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PHOTOSD_HOME", name)
            home = Home.from_environment()
        daemon = RunningDaemon(home, {"PHOTOSD_HOME": name})
        try:
            daemon.wait_until("ready")
            daemon.index(album)
            daemon.wait_for_calibration()
            with daemon.client() as client:
                yield client
        finally:
            daemon.stop()


def names(result: Any) -> list[str]:
    return [f"{Path(h['path']).parent.name}/{Path(h['path']).stem}" for h in result["hits"]]


def ask(
    client: Client, album: Path, text: str, pictures: dict[str, float], **where: Any
) -> list[str]:
    """``text`` may hold ``+2:dog`` and ``-snow``; ``pictures``: names in the album, weights."""
    words = re.sub(r"[+-][\d.]*:?[a-z]+", "", text).strip()
    terms: list[Any] = []
    for sign, weight, word in re.findall(r"([+-])([\d.]+:)?([a-z]+)", text):
        terms.append({"text": word, "weight": float(f"{sign}{(weight or '1:')[:-1]}")})
    for picture, weight in pictures.items():
        (file,) = album.glob(f"{picture}.*")
        terms.append({"path": str(file), "weight": weight})
    if "below" in where:
        where["below"] = [str(album / name) for name in where["below"]]
    result = client.query(words, terms=terms, where=where or None, others=bool(pictures))  # type: ignore[arg-type]
    return names(result)


PIZZAS = {"coco/121647", "coco/160012", "coco/359219"}
DESKS = {"coco/084284", "coco/255165", "coco/516008", "coco/553664"}
SNOWY = {
    "elementary/mountains-and-forest",
    "elementary/ryan-schroeder",
    "elementary/snow-capped-mountain",
    "immich/denali",
    "elementary/northern-lights",
}
FLOWERS = {
    "elementary/martin-adams",
    "elementary/musca-domestica",
    "elementary/tj-holowaychuk",
    "elementary/water-lily",
    "immich/book-beside-flowers",
    "immich/cyclamen_persicum",
    "immich/orychophragmus_violaceus",
    "immich/wood_anemones",
    "coco/525891",
}
LEAVES = {
    "elementary/disco-sea-eye-ferns",
    "elementary/pablo-garcia-saldana",
    "elementary/pawe-czerwinski-leaves",
    "elementary/rose-leaf",
    "immich/silver_fir",
}
WOODS = {
    "elementary/carmine-de-fazio",
    "elementary/mountains-and-forest",
    "elementary/northern-lights",
    "elementary/pablo-garcia-saldana",
    "immich/silver_fir",
    "immich/wood_anemones",
    "immich/tanners_ridge",
}
STREETS = {"coco/183709", "coco/252639", "coco/568290", "elementary/cheng-feng", "coco/107438"}
BATHROOMS = {"coco/229358", "coco/557172"}
BUSES = {"coco/252639", "coco/568290"}
PLANES = {"coco/125870", "coco/205401"}
KITCHENS = {"coco/174632", "coco/408805", "coco/359219"}
BIRDS = {"nextcloud/birdie", "nextcloud/toucan", "coco/126107", "coco/196393"}
SHORES = {
    "elementary/victor-svistunov-233897-kb",
    "elementary/jay-ruzesky",
    "coco/126107",
    "coco/159269",
    "coco/205401",
    "nextcloud/steps",
}

NIGHTS = {
    "elementary/ryan-schroeder",
    "elementary/snow-capped-mountain",
    "elementary/northern-lights",
    "elementary/cheng-feng",
}
PINK = {"elementary/tj-holowaychuk", "elementary/water-lily", "immich/cyclamen_persicum"}
DISHES = {"coco/099053", "coco/213148", "coco/212679", "coco/114174", "coco/196393"}
SUNSETS = {"elementary/sunset-tree", "elementary/mountains-and-forest"}

ARITHMETIC = [
    ("mountain +snow", {}, SNOWY),
    ("mountain +2:night", {}, NIGHTS),
    ("flower +2:pink", {}, PINK),
    ("flower +yellow -pink", {}, {"elementary/martin-adams", "elementary/musca-domestica"}),
    ("desk +laptop -book", {}, DESKS),
    ("food -pizza", {}, DISHES),
    ("food +pizza", {}, PIZZAS),
    ("street +2:bus", {}, BUSES),
    ("street -bus", {}, STREETS - BUSES),
    ("airport +airplane -lake", {}, {"coco/125870"}),
    ("airplane +2:lake", {}, {"coco/205401"}),
    ("room +sink +mirror", {}, BATHROOMS),
    ("room +bed +lamp", {}, {"coco/403353"}),
    ("sky +sunset", {}, SUNSETS | {"elementary/viktor-forgacs"}),
    ("tree +2:sunset", {}, SUNSETS),
    ("snow", {"elementary/carmine-de-fazio": 1.0}, SNOWY | WOODS),
    ("pizza", {"coco/212679": 1.0}, PIZZAS),
    ("night", {"elementary/viktor-forgacs": 1.0}, NIGHTS),
    ("a dog", {"coco/216794": 0.5}, {"coco/442450", "coco/377575"}),
    ("bird", {"nextcloud/toucan": 0.5}, BIRDS - {"nextcloud/toucan"}),
]  # fmt: skip

SIMILAR = [
    ("coco/121647", PIZZAS),
    ("coco/160012", PIZZAS | {"coco/099053", "coco/212679"}),
    ("coco/359219", PIZZAS | KITCHENS),
    ("coco/084284", DESKS | {"coco/403353"}),
    ("coco/516008", DESKS),
    ("coco/553664", DESKS),
    ("coco/255165", DESKS),
    ("coco/252639", BUSES | STREETS),
    ("coco/568290", BUSES | STREETS),
    ("coco/557172", BATHROOMS),
    ("coco/229358", BATHROOMS),
    pytest.param("coco/183709", STREETS, marks=BEYOND),
    ("elementary/snow-capped-mountain", SNOWY),
    ("elementary/ryan-schroeder", SNOWY),
    ("immich/denali", SNOWY),
    ("elementary/tj-holowaychuk", FLOWERS),
    ("elementary/water-lily", FLOWERS),
    ("elementary/martin-adams", FLOWERS),
    ("immich/cyclamen_persicum", FLOWERS),
    ("immich/orychophragmus_violaceus", FLOWERS),
    ("elementary/disco-sea-eye-ferns", LEAVES | WOODS),
    ("elementary/pawe-czerwinski-leaves", LEAVES),
    ("elementary/rose-leaf", LEAVES | FLOWERS),
    ("elementary/carmine-de-fazio", WOODS),
    ("elementary/victor-svistunov-233897-kb", SHORES),
    ("coco/126107", SHORES),
    ("nextcloud/birdie", BIRDS),
    pytest.param("coco/125870", PLANES | {"coco/568290"}, marks=BEYOND),
]  # fmt: skip

# What is asked, the filter, what is right, and which files pass the filter at all.
FILTERS: list[tuple[str, dict[str, Any], set[str], str]] = [
    ("flower", {"below": ["immich"]}, FLOWERS, r"immich/"),
    ("flower", {"below": ["elementary"]}, FLOWERS, r"elementary/"),
    ("a bird", {"below": ["nextcloud"]}, BIRDS, r"nextcloud/"),
    ("snowy mountains", {"below": ["immich", "nextcloud"]}, SNOWY, r"(immich|nextcloud)/"),
    ("pizza", {"since": "2017", "until": "2017"}, PIZZAS, r"coco/"),
    ("mountain", {"since": "2019-12-31", "until": "2019"}, SNOWY, r"elementary/"),
    ("forest", {"since": "winter 2019", "until": "winter 2019"}, WOODS, r"elementary/"),
    ("kitchen", {"until": "July 2017"}, KITCHENS, r"coco/"),
    ("sunset", {"camera": "iphone"}, SUNSETS, r"elementary/"),
    ("a laptop", {"camera": "canon eos"}, DESKS, r"coco/"),
    ("a bus in the street", {"near": (32.81, 35.01, 5)}, BUSES, r"coco/"),
    ("flower", {"near": (52.6, 13.5, 30)}, FLOWERS, r"elementary/"),
    ("a bird", {"formats": ["png"]}, BIRDS, r"nextcloud/"),
    ("books", {"formats": ["PNG"]}, {"nextcloud/library"}, r"nextcloud/"),
    ("snow", {"rating": 4}, SNOWY, r"elementary/snow-capped"),
    ("pizza", {"orientation": "portrait"}, {"coco/121647"}, r"(?!coco/(160012|359219))"),
    ("a motorcycle", {"orientation": "square"}, {"coco/165518"}, r"coco/(165518|256353)"),
    ("flower", {"orientation": "landscape", "below": ["immich"]}, FLOWERS, r"immich/"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pictures", "right"), ARITHMETIC)
def test_sums_and_differences(
    client: Client, album: Path, text: str, pictures: dict[str, float], right: set[str]
) -> None:
    """Sums and differences of words, and of words and pictures."""
    found = ask(client, album, text, pictures)
    assert right.intersection(found[:DEPTH]), found[:DEPTH]
    assert found[0] not in pictures


@pytest.mark.parametrize(("picture", "right"), SIMILAR)
def test_what_looks_like_a_picture(
    client: Client, album: Path, picture: str, right: set[str]
) -> None:
    """Others than itself."""
    found = ask(client, album, "", {picture: 1.0})
    assert picture not in found
    assert right.intersection(found[:DEPTH]), found[:DEPTH]


@pytest.mark.parametrize(("text", "where", "right", "passing"), FILTERS)
def test_filters(
    client: Client, album: Path, text: str, where: dict[str, Any], right: set[str], passing: str
) -> None:
    """The right photo comes, and none that does not pass."""
    found = ask(client, album, text, {}, **where)
    assert right.intersection(found[:DEPTH]), found[:DEPTH]
    assert all(re.match(passing, name) for name in found), found


# -- honest answers -------------------------------------------------------------------------------

THERE = """a laptop|pizza|a dog|a cat|a frog|a giraffe|northern lights|a bathroom|a kitchen
a motorcycle|a skateboarder|a bus|airplanes at an airport|a stop sign|a bed|books on shelves
a pink flower|snowy mountains|sand dunes|a forest in the fog|sunset|a skyscraper
a baseball pitcher|a clock|desk with a computer"""
# Things one might ask for, many of them near to what is there (a ski slope, a helicopter), and
# words drawn by lot from the class names of public data sets. None is of unrelated.txt.
NOT_THERE = """a submarine|a penguin|a wedding|a swimming pool|a guitar|an elephant|a football match
a tractor|a bride in a white dress|a horse race|a rainbow|a circus|fireworks|a hospital|a violin
a ski lift|a turtle|a birthday cake with candles|a helicopter|a train station|a baby in a cradle
a piano|a drum kit|a tennis match|a basketball hoop|a golfer|a swimmer in a pool|a soldier
a policeman|a church wedding|a graduation ceremony|a christmas tree|a pumpkin|an Easter egg
a snowman|a ski slope|a surfer on a wave|a sailing boat|a rowing boat|a kayak|a ferry|a tram
a steam train|a truck|an ambulance|a racing car|a scooter|a rocket launch|a rabbit|a squirrel
a fox|a bear|a lion|a monkey|a dolphin|a swan|a duck on a pond|a chicken|a horse in a meadow
a herd of sheep|a cow|a spider web|a butterfly|a bee on a hive|a fish in an aquarium|a waterfall
a volcano|a windmill|a lighthouse|a castle|a cathedral|a temple|a market stall|a supermarket
a hairdresser|a doctor with a patient|a gym|a playground with a swing|a concert stage
a crowd of demonstrators|sunscreen|handrail|scoreboard|trackless|hotdog|axolotl|dingo|macaque
lesser|hermit|vending|siamese|stocking|entertainment|lakeside|gondola|neck|trailer|turnstone
consomme|lotus|butcher|drumstick|butterfly|school|bobsled|pad|snorkel|dane|tzu|marmoset|radio
spindle|opera|troglodytes|candy|european|bonnet|rottweiler|beasts|trimaran|swing|projector|flute
ladybeetle|mississipiensis|bookshop|golden|indigo|feeder|ouzel|pelican|urchin|cocktail|milk|jacket
terrapin|malamute|dinmont|basket"""


def convincing(client: Client, things: str) -> tuple[float, list[str]]:
    """The share of these things that photosd says it has found, and which."""
    asked = re.split(r"[|\n]", things)
    found = [thing for thing in asked if client.query(thing, 3)["convincing"]]
    return len(found) / len(asked), found


def test_what_is_there_convinces(client: Client) -> None:
    """At least four of five."""
    share, found = convincing(client, THERE)
    assert share >= 0.8, found


def test_what_is_not_there_does_not(client: Client) -> None:
    """At most one of five; nearest is not the same as right."""
    share, found = convincing(client, NOT_THERE)
    assert share <= 0.2, found
