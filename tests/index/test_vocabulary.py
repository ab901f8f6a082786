"""The vocabulary: values that photos have, counted, whatever happens to photos and their facts."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.index import vocabulary as module
from photosd.index.catalog import Catalog
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.labels import KINDS, label, said_values, values_of
from photosd.index.vocabulary import Value, Vocabulary
from photosd.watch.scanner import Entry


class Shelf:
    """A catalog of photos at paths below /p, with facts and without a model."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(directory / "catalog.sqlite3")
        self.catalog, self.contents = Catalog(self.database), Contents(self.database)
        self.vocabulary = Vocabulary(self.database)
        with self.database.write() as db:
            db.execute("INSERT INTO folders(id, path, state) VALUES(1, ?, 'ok')", (b"/p",))

    def say(self, content: str, **facts: Any) -> None:
        """The facts of a content are these from now on."""
        self.contents.record("m", [(content, facts or {"width": 1})])

    def put(self, content: str, path: str = "") -> None:
        path = f"/p/{path or content}.jpg"
        self.catalog.adopt(1, Entry(path.encode(), 1, 1, hash(path) % 10**9, 1), content)

    def forget(self, *paths: str) -> None:
        self.catalog.forget(f"/p/{path}.jpg".encode() for path in paths)

    def counts(self) -> dict[tuple[str, str], int]:
        """The number of photos by kind and key."""
        with self.database.read() as db:
            rows = db.execute(
                "SELECT kind, key, sum(photos) FROM vocabulary WHERE kind <> 'folder' GROUP BY 1, 2"
            )
            return {(kind, key): number for kind, key, number in rows}


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.database.close()


def test_a_label_tells_its_kind() -> None:
    """By its lowest bits; any two names have different labels."""
    found = {label(kind, name) for kind in KINDS for name in ("noa", b"/p", 3, "נועה")}
    assert len(found) == 4 * len(KINDS)
    for number, kind in enumerate(KINDS):
        assert label(kind, "noa") & 15 == number
        assert -(2**63) <= label(kind, "noa") < 2**63


def test_values_are_counted_once_for_each_photo(shelf: Shelf) -> None:
    """Two spellings in one photo, or two paths of it, count once. The most frequent spelling is
    shown.
    """
    shelf.say("1", people=["Noa", "NOA", "Dan"], tags=["Café", "beach"])
    shelf.say("2", people=["noa"], tags=["cafe"], city="Eilat", country="Israel")
    shelf.say("3", people=["Noa"])
    for content in "123":
        shelf.put(content)
    shelf.put("1", "copy")
    found = shelf.vocabulary.find(["noa", "cafe", "eilat", "israel", "dana"])
    assert found["noa"] == [Value("person", "noa", "Noa", 3)]
    assert [(one.kind, one.photos) for one in found["cafe"]] == [("tag", 2)]
    assert found["eilat"][0].kind == "place" and found["israel"][0].kind == "country"
    assert "dana" not in found


def test_removed_photos_count_nowhere(shelf: Shelf) -> None:
    """The last path of a photo takes its values away; a return brings them back."""
    shelf.say("1", tags=["sea"], camera="Canon EOS 6D")
    assert shelf.counts() == {}
    shelf.put("1")
    shelf.put("1", "copy")
    assert shelf.counts() == {("tag", "sea"): 1, ("camera", "canoneos6d"): 1}
    shelf.forget("1")
    assert shelf.counts()[("tag", "sea")] == 1
    shelf.forget("copy")
    assert shelf.counts() == {}
    shelf.put("1")
    assert shelf.counts()[("tag", "sea")] == 1


def test_removed_words_are_erased_from_the_disk(shelf: Shelf, tmp_path: Path) -> None:
    """Words of a removed photo, and of one that is described otherwise."""
    shelf.say("1", tags=["quokka"], people=["Wilhelmina"], caption="a marsupial")
    shelf.say("2", tags=["numbat"])
    shelf.put("1")
    shelf.put("2")
    shelf.say("2", tags=["dog"])
    shelf.catalog.forget([b"/p/1.jpg"])
    shelf.catalog.sweep(time.time() + 1)
    with shelf.database.write() as db:
        db.execute("DELETE FROM contents WHERE content = '1'")
    shelf.database.erase()
    files = b"".join(file.read_bytes() for file in tmp_path.glob("catalog.sqlite3*")).lower()
    for word in (b"quokka", b"wilhelmina", b"marsupi", b"numbat"):
        assert word not in files, word
    assert b"dog" in files


def test_changed_facts_and_places_change_it(shelf: Shelf) -> None:
    """As a sidecar does; damaged facts have no values."""
    shelf.say("1", tags=["sea"])
    shelf.put("1")
    shelf.say("1", tags=["Sea", "dog"])
    assert shelf.counts() == {("tag", "sea"): 1, ("tag", "dog"): 1}
    with shelf.database.write() as db:
        db.execute("""UPDATE contents SET place = '{"city":"Haifa","names":["חיפה"]}'""")
    assert shelf.counts()[("place", "חיפה")] == 1
    with shelf.database.write() as db:
        db.execute("UPDATE contents SET facts = 'broken', place = '[1]'")
    assert shelf.counts() == {}


def test_values_of_odd_facts_are_ignored() -> None:
    """Numbers, empty texts, nothing: no value, no error."""
    odd = {"people": [1, None, " ", "Noa"], "tags": "sea", "camera": 3, "city": ["x", ""]}
    assert [(one.kind, one.shown) for one in values_of(odd)] == [
        ("person", "Noa"),
        ("tag", "sea"),
        ("place", "x"),
    ]
    for text in (None, "", "[]", "null", "{", '"a"', '{"people":{"a":1}}'):
        assert said_values(text, text) == "[]"


def test_a_household_of_changes_leaves_the_right_counts(shelf: Shelf) -> None:
    """3,000 contents, copied, renamed, removed, restored and described again, in any order."""
    chance = random.Random(5)
    people = ["Noa", "נועה", "Dan", "Zoë", "Grandma", "סבתא"]
    tags = [f"tag {number}" for number in range(40)]
    facts: dict[str, dict[str, Any]] = {}
    paths: dict[str, set[str]] = {}
    with shelf.database.write():
        for number in range(3000):
            content = f"c{number}"
            facts[content] = _described(chance, people, tags)
            shelf.say(content, **facts[content])
            shelf.put(content)
            paths[content] = {content}
    with shelf.database.write():
        for turn in range(3000):
            content = f"c{chance.randrange(3000)}"
            match turn % 4:
                case 0:
                    facts[content] = _described(chance, people, tags)
                    shelf.say(content, **facts[content])
                case 1:
                    shelf.put(content, f"copy {turn}")
                    paths[content].add(f"copy {turn}")
                case 2 if paths[content]:
                    path = chance.choice(sorted(paths[content]))
                    shelf.forget(path)
                    paths[content].discard(path)
                case 3:
                    shelf.forget(*paths[content])
                    paths[content] = set()
    wanted: Counter[tuple[str, str]] = Counter()
    for content, held in paths.items():
        if held:
            wanted.update((one.kind, one.key) for one in values_of(facts[content]))
    assert shelf.counts() == dict(wanted)
    with shelf.database.write():
        shelf.forget(*(path for held in paths.values() for path in held))
    assert shelf.counts() == {}


def _described(chance: random.Random, people: list[str], tags: list[str]) -> dict[str, Any]:
    return {
        "width": 4,
        "people": chance.sample(people, chance.randrange(3)),
        "tags": chance.sample(tags, chance.randrange(5)),
        "camera": chance.choice(["Canon EOS 6D", "Pixel 7", None]),
    }


def test_an_unknown_name_is_answered_with_similar_ones(shelf: Shelf) -> None:
    """Those that contain it first, then those that differ by a letter."""
    for number, name in enumerate(["Noa Levi", "Noam", "Dan", "נועה", "Zoë"]):
        shelf.say(str(number), people=[name])
        shelf.put(str(number))
    assert shelf.vocabulary.near("person", "levi") == ["Noa Levi"]
    assert shelf.vocabulary.near("person", "Nowam") == ["Noam"]
    assert shelf.vocabulary.near("person", "נוע") == ["נועה"]
    assert shelf.vocabulary.near("person", "") == []
    assert shelf.vocabulary.near("person", "Levy") == ["Noa Levi"]  # a word of it
    assert shelf.vocabulary.near("tag", "dan") == []
    assert shelf.vocabulary.get("person", "ZOE") == Value("person", "zoe", "Zoë", 1)
    assert shelf.vocabulary.get("person", "zo") is None


def test_names_are_completed(shelf: Shelf) -> None:
    """By their beginning, whatever its case and accents; those of most photos first."""
    for number, name in enumerate(["Noa Levi", "Noam", "Noam", "Dan", "Élodie"]):
        shelf.say(str(number), people=[name], tags=["noon"])
        shelf.put(str(number))
    begun = shelf.vocabulary.beginning
    assert [one.shown for one in begun("person", "no", 9)] == ["Noam", "Noa Levi"]
    assert [one.shown for one in begun("person", "NOA L", 9)] == ["Noa Levi"]
    assert [one.shown for one in begun("person", "e", 9)] == ["Élodie"]
    assert len(begun("person", "", 9)) == 4 and len(begun("person", "", 2)) == 2


def test_suggestions_look_at_the_most_frequent_names(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are more names than that."""
    monkeypatch.setattr(module, "LOOKED_AT", 2)
    for number, name in enumerate(["sunsets", "sunset", "sunset", "dog", "dog", "dog"]):
        shelf.say(str(number), tags=[name])
        shelf.put(str(number))
    assert shelf.vocabulary.near("tag", "sunse") == ["sunset"]
