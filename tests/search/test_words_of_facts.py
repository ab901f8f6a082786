"""Words of titles, captions, tags, people and places are evidence as names are."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from photosd.index.database import Database
from photosd.protocol.paths import path_from
from photosd.protocol.replies import Hit, QueryResult
from photosd.protocol.requests import QueryParams
from photosd.search import text_index
from photosd.search.names import Degree, named
from photosd.search.text_index import TextIndex
from tests.index.test_vocabulary import Shelf
from tests.search.household import Household, names
from tests.search.library import Library

NOA = {"people": ["Noa"], "width": 1}
NOA_LEVI = {"people": ["Noa Levi"], "width": 1}
LONG = "a long day with grandma and the dog near the old harbour of the town before the rain came"


@pytest.fixture(scope="module")
def household(tmp_path_factory: pytest.TempPathFactory) -> Household:
    """3,000 photos with random looks, each tenth with facts."""
    chance = random.Random(3)
    found = Household(tmp_path_factory.mktemp("described"), _paths(3000))
    people = ["Noa", "Noa Levi", "Dan", "נועה", "רותי כהן", "Zoë"]
    tags = ["sea", "birthday cake", "dog", "חוף", "כלב", "Café", "family"]
    cities = ["Eilat", "Tel Aviv", "חיפה", "São Paulo"]
    rows: list[tuple[str, dict[str, Any]]] = []
    for number in range(0, 3000, 10):
        facts = {
            "people": chance.sample(people, chance.randrange(3)),
            "tags": chance.sample(tags, chance.randrange(1, 3)),
            "city": chance.choice(cities),
        }
        rows.append((f"c{number}", facts))
    rows[7][1].update(title="The lighthouse keeper", caption=LONG)
    rows[8][1].update(caption="נועה רצה בחוף של אילת")
    found.contents.record(found.spec.fingerprint, rows)
    found.described = dict(rows)  # type: ignore[attr-defined]
    return found


def _paths(number: int) -> list[bytes]:
    found = names()
    return [next(found) for _ in range(number)]


def ask(library: Household, text: str, limit: int = 50) -> QueryResult:
    return library.ready.query(QueryParams(text, limit))


def facts_of(library: Household, hit: Hit) -> dict[str, Any]:
    path = path_from(hit["path"], hit.get("path_b64"))
    content = f"c{library.paths.index(path)}"
    found: dict[str, Any] = library.described.get(content, {})  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("text", "field", "value", "kind"),
    [
        ("noa", "people", "Noa", "person"),
        ("NOA LEVI", "people", "Noa Levi", "person"),
        ("photos of Noa Levi", "people", "Noa Levi", "person"),
        ("zoe", "people", "Zoë", "person"),
        ("רותי כהן", "people", "רותי כהן", "person"),
        ("birthday cakes", "tags", "birthday cake", "tag"),
        ("sao paulo", "city", "São Paulo", "place"),
        ("tel-aviv", "city", "Tel Aviv", "place"),
    ],
)
def test_a_whole_value_comes_first(
    household: Household, text: str, field: str, value: str, kind: str
) -> None:
    """Before anything that only looks so; the hit says why."""
    answer = ask(household, text, 15)
    assert answer["convincing"]
    for hit in answer["hits"]:
        assert value in facts_of(household, hit)[field], (text, hit)
        assert kind in hit["sources"] and hit["strength"] == "fair", hit


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("noa eilat", {"person", "place"}),
        ("dog tel aviv", {"tag", "place"}),
        ("Dan sea", {"person", "tag"}),
        ("נועה בחוף", {"person", "tag"}),  # a prefix
        ("נועה כלבים", {"person", "tag"}),  # a plural
        ("והכלב בחיפה", {"tag", "place"}),  # two prefixes
    ],
)
def test_words_in_different_columns_are_together(
    household: Household, text: str, kinds: set[str]
) -> None:
    """Every word somewhere: before looks."""
    hit = ask(household, text)["hits"][0]
    assert kinds <= set(hit["sources"]) and hit["strength"] == "fair", hit


def test_a_caption_needs_every_word(household: Household) -> None:
    """One of two is no evidence in a long text; all of them are, with a prefix, too."""
    caption = household.paths[70].decode()
    assert ask(household, "lighthouse keeper")["hits"][0]["path"] == caption
    every = ask(household, "grandma harbour rain")
    assert [h["path"] for h in every["hits"] if "caption" in h["sources"]] == [caption]
    some = named(household.database, "grandma zeppelins rain castles")
    assert "c70" not in some
    hebrew = ask(household, "חוף אילת")["hits"]
    assert any("caption" in hit["sources"] for hit in hebrew)


def test_answers_without_such_words_stay_as_they_were(tmp_path: Path) -> None:
    """Facts of one photo change nothing for queries that do not name them."""
    library = Household(tmp_path, _paths(500))
    asked = ["sunset", "beach 12", "birthday cake", "IMG_0007", "dana", "יום הולדת", "חתונה 3"]
    asked += ["beach sunset school", "2004", "ים", "zebra"]
    before = {text: ask(library, text)["hits"] for text in asked}
    with library.database.read() as db:
        assert not TextIndex(db).described
    library.contents.record(
        library.spec.fingerprint, [("c3", {"people": ["Xavier"], "caption": "quokka", "width": 1})]
    )
    with library.database.read() as db:
        assert TextIndex(db).described
    assert {text: ask(library, text)["hits"] for text in asked} == before
    assert ask(library, "xavier")["hits"][0]["sources"][-1] == "person"


def test_a_person_in_most_photos_is_found(tmp_path: Path) -> None:
    """A word in most of the library is ignored, but not a whole person."""
    library = Library(tmp_path)
    with library.together():
        for number in range(12):
            library.add(f"/p/{number}.jpg", number % 4, people=["Noa"] if number < 9 else [])
    found = named(library.database, "Noa")
    assert {one.degree for one in found.values()} == {Degree.PHRASE} and len(found) == 9
    assert {one.kinds for one in found.values()} == {("person",)}
    library.encoder.unknown = ["noa"]
    answer = library.engine().query(QueryParams("noa"))
    assert answer["convincing"] and answer["unknown"] == []


def test_words_of_the_library_are_not_reported_as_unknown(tmp_path: Path) -> None:
    """Although no photo has all words of the query; other words are."""
    library = Library(tmp_path)
    library.add("/p/zorble.jpg", 0, people=["Noa Levi"], caption="שחף")
    library.encoder.unknown = ["levi", "zorble", "Noa", "שחף"]
    answer = library.engine().query(QueryParams("levi at the zoo", literal=True))
    assert answer["unknown"] == ["zorble"]


def degrees(tmp_path: Path, text: str, *described: dict[str, Any]) -> dict[str, Degree]:
    shelf = Shelf(tmp_path)
    for number in range(20):
        shelf.say(f"x{number}")
        shelf.put(f"x{number}")
    for number, facts in enumerate(described):
        shelf.say(str(number), **facts)
        shelf.put(str(number), f"{number}/img")
    return {one: found.degree for one, found in named(shelf.database, text).items()}


def test_degrees_are_those_of_names(tmp_path: Path) -> None:
    """A whole person; a part of a name, one tag: every word; several: their own."""
    found = degrees(tmp_path, "noa", NOA, NOA_LEVI, {"tags": ["noa"]}, {"caption": "noa"})
    every = Degree.EVERY
    assert found == {"0": Degree.PHRASE, "1": every, "2": every, "3": every}


@pytest.mark.parametrize(
    "text", ["תמונות של נועה עם הכלב", "צילום נועה על הכלב", "photos of Noa הכלב"]
)
def test_words_that_ask_for_photos_are_in_no_name(tmp_path: Path, text: str) -> None:
    """In Hebrew as in English."""
    found = degrees(tmp_path, text, {"people": ["נועה", "Noa"], "tags": ["כלב"]}, {"tags": ["x"]})
    assert found == {"0": Degree.OWN}


@pytest.mark.parametrize("text", ["דן או נועה", "Dan or Noa"])
def test_a_word_between_alternatives_is_no_name(tmp_path: Path, text: str) -> None:
    """A photo with both has every word."""
    people = text.split()[::2]
    found = degrees(tmp_path, text, {"people": people}, {"people": people[:1]})
    assert found == {"0": Degree.OWN, "1": Degree.SOME}


def test_several_words_have_their_degrees(tmp_path: Path) -> None:
    """In one column, in several, only in a caption, half of them."""
    found = degrees(
        tmp_path,
        "birthday cake",
        {"tags": ["Birthday Cake"]},
        {"tags": ["cake"], "title": "her birthday"},
        {"caption": "the cake of her birthday"},
        {"tags": ["cake"]},
        {"caption": "cake"},
        {"title": "cake"},
    )
    wanted = [Degree.PHRASE, Degree.OWN, Degree.EVERY, Degree.SOME]
    assert found == dict(zip("0123", wanted, strict=True))


@pytest.mark.parametrize(
    ("text", "tag", "found"),
    [
        ("ילדים בים", "ים", True),
        ("ילדה בים", "ים", True),
        ("בים", "ים", False),  # one short word alone has no prefix
        ("בחיפה", "חיפה", True),
        ("כלב", "לב", False),
        ("כלבים", "כלב", True),
        ("כלב", "כלבים", True),
        ("מנגינות", "מנגינה", True),
        ("מנגינה", "מנגינות", True),
        ("שָׁלוֹם", "שלום", True),
        ("לב", "כלב", False),
    ],
)
def test_hebrew_words_have_prefixes_and_plurals(
    tmp_path: Path, text: str, tag: str, found: bool
) -> None:
    """As alternatives; a tag is no other word with a letter before."""
    assert ("0" in degrees(tmp_path, text, {"tags": [tag]})) is found


def test_a_first_letter_is_no_prefix_of_a_known_word(tmp_path: Path) -> None:
    """If the library has the word itself."""
    asked = "כלבה לבנה"
    assert "0" in degrees(tmp_path / "a", asked, {"tags": ["בנה"]})
    assert "0" not in degrees(tmp_path / "b", asked, {"tags": ["בנה"]}, {"tags": ["לבנה"]})


def test_a_word_of_very_many_photos(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    """A common word finds none on its own beside others, and does not hide them."""
    monkeypatch.setattr(text_index, "COMMON", 20)
    hits = ask(household, "noa eilat dog")["hits"]
    assert {"person", "place", "tag"} <= set(hits[0]["sources"])


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def dump(database: Database, table: str) -> set[tuple[str, int, str]]:
    """Every word of an index with its row and column."""
    with database.write() as db:
        db.execute(
            f"CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', '{table}', 'instance')"
        )
        found = {(r[0], r[1], r[2]) for r in db.execute("SELECT term, doc, col FROM temp.words")}
        db.execute("DROP TABLE temp.words")
    return found


def test_the_index_is_what_paths_and_facts_say(shelf: Shelf) -> None:
    """Whatever happens to them, in any order: as if it were built at the end."""
    chance = random.Random(8)
    words = ["sea", "dog", "Noa Levi", "ים", "Café"]
    with shelf.database.write() as db:
        for turn in range(1500):
            content = f"c{chance.randrange(200)}"
            match chance.randrange(6):
                case 0 | 1:
                    said = {name: chance.sample(words, 2) for name in ("tags", "people")}
                    shelf.say(content, **said, caption=chance.choice(words), title="t")
                case 2 | 3:
                    shelf.put(content, f"{content}-{chance.randrange(3)}")
                case 4:
                    shelf.forget(f"{content}-{chance.randrange(3)}")
                case _:
                    place = chance.choice(['{"city":"Haifa"}', None, "{"])
                    db.execute("UPDATE contents SET place = ? WHERE content = ?", (place, content))
            if turn % 50 == 0:
                db.execute("DELETE FROM contents WHERE content = ?", (content,))
        db.execute(
            "CREATE VIRTUAL TABLE fresh USING fts5(name, folders, title, caption, places, tags,"
            " people, content='', detail='column', columnsize=0, tokenize='porter ascii')"
        )
        db.execute(
            "INSERT INTO fresh(rowid, name, folders, title, caption, places, tags, people)"
            " SELECT id, name_words(path), folder_words(path), title_words(facts),"
            " caption_words(facts), place_words(facts, place), tag_words(facts),"
            " people_words(facts) FROM named LEFT JOIN contents USING(content)"
        )
    assert dump(shelf.database, "names") == dump(shelf.database, "fresh")
    assert len(dump(shelf.database, "names")) > 1000
