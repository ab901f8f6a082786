"""Facets count what a plain look at all photos counts, with filters, and for queries."""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photosd.core.errors import EncoderUnavailable, NotFound
from photosd.index import vectors
from photosd.index.committer import LabelSync
from photosd.index.table import Embedding
from photosd.index.vectors import VectorStore
from photosd.protocol.requests import FACET_KINDS, FacetKind, FacetsParams, QueryParams, Where
from photosd.search import facets as module
from photosd.search import retrieval
from photosd.watch.scanner import Entry
from tests.search.library import SPEC, Library

PHOTOS = 3000
PEOPLE = ("Noa", "Dan Levi", "נועה", "Zoë")
CAPTIONS = ("the dog at the harbour", "dinner with grandma", "נועה בחוף", "")
CITIES = ("Eilat", "חיפה", "Oslo", None)


class Household(Library):
    """3,000 photos; one in ten is a panorama of three tiles, one in twenty has a copy."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        chance = random.Random(4)
        self.facts: dict[str, dict[str, Any]] = {}
        self.held: dict[str, list[bytes]] = {}
        embeddings = []
        for number in range(PHOTOS):
            content, facts = f"c{number}", _facts(chance, number)
            paths = [b"/p/%d/event %d/%d.jpg" % (number % 7, number // 50, number)]
            if number % 20 == 0:
                paths.append(b"/p/copies/%d.jpg" % number)
            tiles = np.full((3 if number % 10 == 0 else 1, 4), 0.1, np.float32)
            tiles[:, number % 4] = 1
            tiles /= np.linalg.norm(tiles, axis=1, keepdims=True)
            embeddings.append(Embedding(content, tiles, facts, tuple(paths)))
            self.facts[content], self.held[content] = facts, paths
        self.store.commit(embeddings)
        with self.database.write():
            self.contents.record(SPEC.fingerprint, [(e.content, e.facts) for e in embeddings])
            for number, embedding in enumerate(embeddings):
                for place, path in enumerate(embedding.paths):
                    entry = Entry(path, 1, 1, number + PHOTOS * place, 1)
                    self.catalog.adopt(1, entry, embedding.content)

    def forget(self, content: str) -> None:
        self.catalog.forget(self.held.pop(content))
        LabelSync(self.store, self.contents, SPEC.fingerprint).run()

    def counted(self, kind: str, **where: Any) -> Counter[str]:
        """By a look at all photos that are there."""
        found: Counter[str] = Counter()
        for content, paths in self.held.items():
            facts = self.facts[content]
            if all(facts_have(facts, paths, name, value) for name, value in where.items()):
                found.update(values(kind, facts, paths))
        return found


# The words in captions that these filters mean.
SPELLED = {"Dogs harbour": ["dog", "harbour"], "חוף": ["בחוף"], "lighthouse": ["lighthouse"]}


def facts_have(facts: dict[str, Any], paths: list[bytes], name: str, value: Any) -> bool:
    """Whether a photo passes one filter."""
    match name:
        case "people" | "tags":
            return set(value) <= set(facts[name])
        case "below":
            return any(path.startswith(value[0].encode() + b"/") for path in paths)
        case "since":
            return bool(facts["taken"] >= value)
        case "caption":
            words = f"{facts['title']} {facts['caption']}".lower().split()
            return set(SPELLED[value]) <= set(words)
    raise AssertionError(name)


def values(kind: str, facts: dict[str, Any], paths: list[bytes]) -> set[str]:
    """The values of a photo."""
    match kind:
        case "year" | "month":
            return {facts["taken"][: 4 if kind == "year" else 7]}
        case "person" | "tag":
            return set(facts["people" if kind == "person" else "tags"])
        case "place":
            return {facts["city"]} if facts["city"] else set()
        case "camera":
            return {facts["camera"]}
        case "type":
            return {"jpeg"}
        case "folder":
            own = {path.rpartition(b"/")[0].decode() for path in paths}
            return {folder for folder in own if folder.startswith("/p/")}
    return set()


def _facts(chance: random.Random, number: int) -> dict[str, Any]:
    taken = datetime.datetime(1969 + number % 50, 1 + number % 12, 3, 12)
    return {
        "taken": taken.isoformat(),
        "format": "JPEG",
        "camera": chance.choice(["Canon EOS 6D", "Pixel 7"]),
        "people": chance.sample(PEOPLE, chance.randrange(3)),
        "tags": [f"tag {int(600 * chance.random() ** 2)}"] if number % 3 else [],
        "city": chance.choice(CITIES),
        "caption": chance.choice(CAPTIONS),
        "title": "Lighthouse" if number % 9 == 0 else "",
    }


@pytest.fixture(scope="module", params=["ram", "disk"])
def household(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Household]:
    """In RAM; and flushed, with some photos that are recent again."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "disk":
            patch.setattr(vectors, "RAM_BYTES", 0)
        library = Household(tmp_path_factory.mktemp("facets"))
        assert library.store.wait_idle(60)
    if request.param == "disk":
        again = VectorStore(library.directory / "index", SPEC.fingerprint, 4)
        again.open()
        library.store = again
    for number in range(0, 300, 3):
        library.forget(f"c{number}")
    yield library


def facets(library: Library, kind: str, limit: int = 10_000, **more: Any) -> dict[str, int]:
    params = FacetsParams(kinds=[kind], limit=limit, **more)  # type: ignore[list-item]
    answer = library.engine().facets(params)
    assert list(answer["facets"]) == [kind]
    shown = [(one["value"], one["photos"]) for one in answer["facets"][kind]]
    numbers = [number for _, number in shown]
    assert numbers == sorted(numbers, reverse=True) and len(dict(shown)) == len(shown)
    return dict(shown)


@pytest.mark.parametrize("kind", FACET_KINDS)
def test_all_photos_are_counted(household: Household, kind: str) -> None:
    """Each once, whatever its tiles and copies; removed ones nowhere."""
    found = facets(household, kind)
    if kind == "folder":
        found = {folder: found[folder] for folder in household.counted(kind)}
    assert found == dict(household.counted(kind))


@pytest.mark.parametrize(
    "where",
    [
        {"people": ["Noa"]},
        {"people": ["Noa", "Zoë"], "since": "1990"},
        {"tags": ["tag 0"]},
        {"below": ["/p/3"]},
        {"caption": "Dogs harbour"},
        {"caption": "חוף", "people": ["Noa"]},
        {"caption": "lighthouse"},
    ],
)
@pytest.mark.parametrize("kind", ["year", "month", "person", "tag", "place", "camera"])
def test_a_filter_limits_what_is_counted(
    household: Household, where: dict[str, Any], kind: str
) -> None:
    """As the same filter limits a query."""
    found = facets(household, kind, where=Where(**where))  # type: ignore[typeddict-item]
    assert found == dict(household.counted(kind, **where))


def test_a_folder_counts_what_its_filter_finds(household: Household) -> None:
    """Those in folders below it, too."""
    for folder, number in list(facets(household, "folder").items())[:5]:
        answer = household.engine().facets(FacetsParams(where=Where(below=[folder])))
        assert answer["photos"] == number


def test_the_first_values_are_the_most_frequent(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many names are looked up at once."""
    every = facets(household, "tag")
    for at_once in (3, 250):
        monkeypatch.setattr(module, "LOOKED_UP_AT_ONCE", at_once)
        first = facets(household, "tag", 7)
        assert list(first.values()) == list(every.values())[:7]
    assert len(every) > 250


def test_values_are_completed(household: Household) -> None:
    """By their beginning, whatever its case and accents."""
    assert set(facets(household, "person", begins="ZOE")) == {"Zoë"}
    assert set(facets(household, "person", begins="dan l")) == {"Dan Levi"}
    assert facets(household, "person", begins="x") == {}
    assert set(facets(household, "year", begins="197")) == {f"197{n}" for n in range(10)}


def test_a_query_counts_its_good_matches(household: Household) -> None:
    """All of them, not only those of a page; weak ones are no matches."""
    found = facets(household, "person", text="abc")  # the photos of axis 3
    wanted: Counter[str] = Counter()
    for content in household.held:
        if int(content[1:]) % 4 == 3:
            wanted.update(household.facts[content]["people"])
    assert found == dict(wanted)
    answer = household.engine().facets(FacetsParams("abc", where=Where(people=["Noa"])))
    assert answer["convincing"] and answer["query"] == "abc"
    assert answer["photos"] == wanted["Noa"]


def test_a_word_of_the_metadata_counts(household: Household) -> None:
    """A person's name is a query, too."""
    found = facets(household, "person", text="dan levi")
    assert found["Dan Levi"] == household.counted("person")["Dan Levi"]


def test_all_good_matches_are_found_however_many(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In steps."""
    monkeypatch.setattr(retrieval, "FIRST_GOOD", 10)
    every = sum(int(content[1:]) % 4 == 3 for content in household.held)
    assert household.engine().facets(FacetsParams("abc"))["photos"] == every


@pytest.mark.parametrize("text", ["", "abc"])
def test_words_of_a_caption_filter_queries(household: Household, text: str) -> None:
    """By looks, by date; on pages; a caption without these words never passes."""
    where = Where(caption="Dogs harbour")
    hits = household.engine().query(QueryParams(text, 1000, where=where))["hits"]
    contents = {path: content for content, paths in household.held.items() for path in paths}
    found = {contents[hit["path"].encode()] for hit in hits}
    wanted = {c for c in household.held if household.facts[c]["caption"] == CAPTIONS[0]}
    assert found == wanted if len(wanted) <= 1000 else found <= wanted and len(found) == 1000
    nothing = household.engine().query(QueryParams(text, where=Where(caption="zeppelin")))
    assert nothing["hits"] == [] and nothing["warnings"] == ["no photo passes these filters"]


def test_without_an_encoder_names_are_counted(household: Household) -> None:
    """As a query is answered then, with a warning."""
    household.encoder.error = EncoderUnavailable("dead", remedy="wait")
    try:
        answer = household.engine().facets(FacetsParams("copies"))
    finally:
        household.encoder.error = None
    copied = sum(len(paths) > 1 for paths in household.held.values())
    assert answer["warnings"] and answer["photos"] == copied


def test_an_unknown_name_is_refused_with_similar_ones(household: Household) -> None:
    """People and tags; in a query, too."""
    for where, near in (
        ({"people": ["Dan Lewi"]}, "'Dan Levi'"),
        ({"tags": ["tags 1"]}, "'tag 1'"),
        ({"tags": ["Tag 1,tag 2"]}, "one each time: --tag 'tag 1' --tag 'tag 2'. "),
        ({"people": ["Dan Levi, Xyz"]}, "one each time: --person 'Dan Levi'. "),
    ):
        with pytest.raises(NotFound) as caught:
            household.engine().query(QueryParams("abc", where=Where(**where)))  # type: ignore[typeddict-item]
        assert near in caught.value.remedy and "photosd facets --kind" in caught.value.remedy
        with pytest.raises(NotFound):
            household.engine().facets(FacetsParams(where=Where(**where)))  # type: ignore[typeddict-item]


def test_a_library_without_photos(tmp_path: Path) -> None:
    """Every facet is empty."""
    answer = Library(tmp_path).engine().facets(FacetsParams())
    assert answer["photos"] == 0 and answer["convincing"]
    assert answer["facets"] == {kind: [] for kind in FACET_KINDS}


def test_a_count_is_what_its_filter_finds(tmp_path: Path) -> None:
    """A camera whose name is a part of another one; a city and a country of one name."""
    library = Library(tmp_path)
    with library.together():
        library.add("/p/1.jpg", 1, camera="Apple iPhone 15", city="Singapore", country="Singapore")
        library.add("/p/2.jpg", 1, camera="Apple iPhone 15 Pro", city="Jurong", country="Singapore")
        library.add("/p/3.jpg", 1, camera="Apple iPhone 15 Pro", city="Singapore")
        library.add("/p/4.jpg", 1, camera="Canon EOS 6D", city="Jurong")
    wheres: dict[FacetKind, str] = {"camera": "camera", "place": "places", "country": "places"}
    for kind, name in wheres.items():
        for value, photos in facets(library, kind).items():
            where: Any = {name: [value] if name == "places" else value}
            found = library.engine().query(QueryParams(limit=9, where=where))
            assert photos == len(found["hits"]), value
    assert facets(library, "camera") == {
        "Apple iPhone 15": 3, "Apple iPhone 15 Pro": 2, "Canon EOS 6D": 1,
    }  # fmt: skip
    assert facets(library, "place") == {"Singapore": 3, "Jurong": 2}
    assert facets(library, "place", where={"places": ["Jurong"]}) == {"Jurong": 2}


def test_thousands_of_cameras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the most frequent ones are compared with all others."""
    monkeypatch.setattr(module, "MAX_CAMERAS", 1)
    library = Library(tmp_path)
    with library.together():
        for number, camera in enumerate(("A 1", "A 1", "A 1 Pro", "A 1 Pro Max")):
            library.add(f"/p/{number}.jpg", 1, camera=camera)
    assert facets(library, "camera") == {"A 1": 4, "A 1 Pro": 1, "A 1 Pro Max": 1}


def test_equally_frequent_values_are_in_order(tmp_path: Path) -> None:
    """By name; years and months the latest first."""
    library = Library(tmp_path)
    with library.together():
        for number, tag in enumerate(("pear", "Banana", "fig", "אגס", "apple", "fig")):
            taken = f"20{(12, 19, 15, 15, 17, 18)[number]}-0{1 + number}-01T10:00:00"
            library.add(f"/p/{tag} {number}/{number}.jpg", 1, tags=[tag], taken=taken)
    assert list(facets(library, "tag")) == ["fig", "apple", "Banana", "pear", "אגס"]
    assert list(facets(library, "year")) == ["2015", "2019", "2018", "2017", "2012"]
    folders = list(facets(library, "folder"))
    assert folders == sorted(folders)
