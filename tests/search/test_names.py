"""Photos searched by their names are found first, in any library; looks are random here."""

from __future__ import annotations

import itertools
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from photosd.core.log import printable
from photosd.protocol.replies import Hit
from photosd.protocol.requests import QueryParams, Where
from photosd.search.names import Named, Names, with_name
from tests.search.household import HEBREW, Household, names

pytestmark = pytest.mark.timeout(600)  # the larger household takes minutes on a busy machine
NIQQUD = "\u05b8"


@pytest.fixture(scope="module", params=[3000, pytest.param(20_000, marks=pytest.mark.slow)])
def household(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Household:
    paths = itertools.islice(names(), request.param)
    return Household(tmp_path_factory.mktemp("household"), list(dict.fromkeys(paths)))


def first(household: Household, text: str, **where: Any) -> Hit:
    """The first hit; the answer convinces."""
    answer = household.ready.query(QueryParams(text, where=cast("Where", where) or None))
    assert answer["convincing"], text
    return answer["hits"][0]


def drawn(household: Household, number: int, wanted: Callable[[str], bool]) -> list[str]:
    """Some paths that a person can type, always the same ones."""
    paths = [path.decode() for path in household.paths if printable(path).encode() == path]
    return random.Random(1).sample([path for path in paths if wanted(path)], number)


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def spellings(name: str) -> list[str]:
    """How people write the name of a file."""
    stem = name.rpartition(".")[0]
    return [
        name,
        stem,
        name.lower(),
        stem.upper(),
        stem.replace("_", " ").replace("-", " "),
        unicodedata.normalize("NFD", name),
        unicodedata.normalize("NFC", name),
    ]


def test_exact_names_are_first(household: Household) -> None:
    """500 of them, each in one of the ways to write it; 100 of them in Hebrew."""
    hebrew = drawn(household, 100, lambda path: any(word in path for word in HEBREW))
    others = drawn(household, 400, lambda path: not any(word in path for word in HEBREW))
    for number, path in enumerate(hebrew + others):
        ways = spellings(name_of(path))
        hit = first(household, ways[number % len(ways)])
        wrong = (ways[number % len(ways)], hit["path"])
        assert name_of(hit["path"]).lower() == name_of(path).lower(), wrong
        assert hit["sources"][-1] == "name" and hit["strength"] == "strong", wrong


def test_a_path_leads_to_one_of_many(household: Household) -> None:
    """A path matches with any number of its folders."""
    for number, path in enumerate(drawn(household, 60, lambda path: path.count("/") > 2)):
        parts = path.split("/")
        assert first(household, "/".join(parts[-2 - number % 2 :]))["path"] == path


@pytest.mark.parametrize("way", ["niqqud", "finals", "quotes", "bare"])
def test_hebrew_names_however_they_are_written(household: Household, way: str) -> None:
    """With vowel points and without, with either form of a letter, with any quotation mark."""
    for path in drawn(household, 25, lambda path: any(word in name_of(path) for word in HEBREW)):
        stem = name_of(path).rpartition(".")[0]
        text = {
            "niqqud": "".join(c + NIQQUD if c == "ו" else c for c in stem),
            "finals": stem.translate(str.maketrans("םןץףך", "מנצפכ")),
            "quotes": stem.replace('"', "״").replace("'", "׳"),
            "bare": stem.replace('"', "").replace("'", ""),
        }[way]
        assert name_of(first(household, text)["path"]) == name_of(path)


def test_two_words_of_a_name_are_enough(household: Household) -> None:
    """200 of them, also where one names thousands: `beach` is a seventh of this library."""
    named = drawn(household, 200, lambda path: "/beach/" in path or "beach" in name_of(path))
    for path in named:
        number = name_of(path).rpartition(".")[0].replace("_", " ").split()[-1]
        text = f"beach {number}"
        found = first(household, text)
        assert all(word in found["path"] for word in text.split()), (text, found["path"])
        assert found["sources"][-1] == "name" and found["strength"] != "weak"


def test_a_filter_comes_before_any_limit(household: Household) -> None:
    """The one photo in the folder is found, though thousands of newer ones are elsewhere."""
    there = drawn(household, 20, lambda path: "/beach/" in path)
    for path in there:
        folder = path.rpartition("/")[0]
        found = household.ready.query(QueryParams("beach", 50, where=Where(below=[folder])))
        assert found["convincing"]
        assert all(
            hit["path"].startswith(folder) and "name" in hit["sources"] for hit in found["hits"]
        )


def test_scores_never_rise_where_they_are_shown(household: Household) -> None:
    """Those of looks alone, down the whole answer."""
    for text in ("sunset", "beach", "beach sunset", "dana", "zebra", "IMG_0007"):
        hits = household.ready.query(QueryParams(text, 200))["hits"]
        scores = [hit["score"] for hit in hits if hit["sources"] == ["clip"]]
        assert scores == sorted(scores, reverse=True), text


def test_a_word_of_thousands_costs_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are read for the photos shown, not for every photo with that word in its path."""
    paths = [b"zoo %d/%d.jpg" % (number % 5, number) for number in range(2400)]
    others = [b"x/o%d.jpg" % number for number in range(2500)]
    library = Household(tmp_path, [*paths, *others])
    rows = [0]

    def counted(*row: Any) -> Named:
        rows[0] += 1
        return Named(*row)

    monkeypatch.setattr("photosd.search.names.Named", counted)
    answer = library.ready.query(QueryParams("zoo", 20))
    assert answer["convincing"] and any(hit["path"].startswith("/p/zoo") for hit in answer["hits"])
    assert rows[0] <= 800
    found = library.ready.query(QueryParams("zoo", 200, where=Where(below=["/p/zoo 3"])))["hits"]
    assert len(found) == 200 and all(hit["path"].startswith("/p/zoo 3/") for hit in found)
    every = list(Names(library.database, ["zoo", "zoo 3"]).best({}))
    assert len({one.content for one in every}) == len(every) == 2400
    assert [one.worth for one in every] == sorted((one.worth for one in every), reverse=True)
    contents = [one.content for one in every]
    assert set(Names(library.database, ["zoo"]).of(contents)) == set(contents)


def test_questions_and_names_of_many_words(tmp_path: Path) -> None:
    """A hundred words are all looked up; of more it is said."""
    words = [f"w{number}" for number in range(60)]
    library = Household(tmp_path, [f"x/{' '.join(words)}.jpg".encode(), b"x/w7.jpg", b"x/y.jpg"])
    assert first(library, " ".join(words))["path"].startswith("/p/x/w0 w1")
    assert first(library, " ".join(reversed(words)))["path"].startswith("/p/x/w0 w1")
    many = " ".join(f"v{number}" for number in range(150))
    warnings = library.ready.query(QueryParams(many))["warnings"]
    assert warnings == ["only the first 100 words were looked up in file names"]
    assert library.ready.query(QueryParams(" ".join(words[:50] * 2)))["warnings"] == []


@pytest.mark.parametrize("name", ["the.jpg", "photo.jpg", "1.jpg", "🐶.jpg", "___.jpg", "a b.jpg"])
def test_names_of_words_that_say_nothing(tmp_path: Path, name: str) -> None:
    """An article, a number, a sign: still the name that was asked for."""
    others = [f"photo the 1 a b/{number}/photo of the.jpg".encode() for number in range(20)]
    library = Household(tmp_path, [*others, f"x/{name}".encode()])
    for text in (name, name.removesuffix(".jpg")):
        assert first(library, text)["path"] == f"/p/x/{name}"


NAMESAKES = ["א.jpg", "א'.jpg", "dont.jpg", "don't.jpg", "Zoe.jpg", "Zoë.jpg", "img.JPG", "IMG.jpg"]


def test_of_namesakes_the_one_that_is_spelled_so_is_first(tmp_path: Path) -> None:
    """Marks, accents and case make no difference, but where several differ in these alone."""
    library = Household(tmp_path, [f"x/{name}".encode() for name in NAMESAKES])
    for name in NAMESAKES:
        for text in (name, f"../x/{name}", name[:-4]):
            assert first(library, text)["path"] == f"/p/x/{name}"


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("חופש אילת", "חופש באילת 2019", True),
        ("אילת", "חופש באילת", True),
        ("ים", "שקיעה בים", True),
        ("באילת", "אילת חופש", True),
        ("התמונה של סבתא", "וסבתא", True),
        ("כלבים", "כלב", True),
        ("לב", "כלב", False),
        ("ים", "מים", False),
        ("כלב", "לב", False),
    ],
)
def test_hebrew_words_of_names_have_prefixes(
    tmp_path: Path, text: str, name: str, found: bool
) -> None:
    """A word of two letters only those that are rarely letters of another word."""
    others = [f"{number}.jpg".encode() for number in range(20)]
    library = Household(tmp_path, [*others, f"x/{name}.jpg".encode()])
    assert bool(list(Names(library.database, [text]).best({}))) is found


def test_a_word_with_a_number_at_its_end_is_that_word(tmp_path: Path) -> None:
    """In a file or a folder; not after a number, nor in a hexadecimal number."""
    names = ["wedding12.jpg", "Eilat2019/a.jpg", "חתונה3.jpg", "100APPLE/b.jpg", "3f-cafe12.jpg"]
    others = [f"{number}.jpg".encode() for number in range(20)]
    library = Household(tmp_path, [*others, *(name.encode() for name in names)])
    for text, found in (
        ("wedding", names[0]), ("weddings 12", None), ("wedding12", names[0]),
        ("wedding 12", names[0]), ("eilat", names[1]), ("לחתונה", names[2]),
        ("apple", None), ("cafe", None),
    ):  # fmt: skip
        every = [one for one in Names(library.database, [text]).best({}) if one.degree > 0]
        assert [one.path.decode() for one in every] == ([f"/p/{found}"] if found else []), text


def test_a_number_of_a_camera_needs_no_zeros(tmp_path: Path) -> None:
    """Nor as many as it has; a file with this very number comes first."""
    names = [
        "a/IMG_0042.jpg",
        "a/DSC00007.jpg",
        "b/IMG_0007.jpg",
        "a/IMG_000099.jpg",
        "a/May 05.jpg",
    ]
    others = [f"x/IMG_{number:04}.jpg" for number in range(100, 130)]
    library = Household(tmp_path, [name.encode() for name in (*names, *others)])
    for text, found in (
        ("img 42", names[0]), ("IMG_42.JPG", names[0]), ("img 042", names[0]),
        ("dsc7", names[1]), ("a/dsc 7", names[1]), ("img 7", names[2]), ("img 99", None),
    ):  # fmt: skip
        best = [one for one in Names(library.database, [text]).best({}) if one.degree > 1]
        assert [one.path.decode() for one in best] == ([f"/p/{found}"] if found else []), text
    assert first(library, "img 42")["strength"] == "fair"
    assert not with_name(library.database, "may 5"), "a date"
    library = Household(tmp_path / "2", [b"IMG_0042.jpg", b"IMG_42.jpg", b"IMG_00042.jpg"])
    assert first(library, "img 42")["path"] == "/p/IMG_42.jpg"
    assert first(library, "IMG_0042")["path"] == "/p/IMG_0042.jpg"
