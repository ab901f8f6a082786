"""Places of photos: looked up once, again when facts change, and never guessed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import PlacesUnavailable
from photosd.index import placing as module
from photosd.index.contents import Contents
from photosd.index.database import Database
from photosd.index.filters import Columns, Filter, traits
from photosd.index.labels import values_of
from photosd.index.placing import Placing, place_of
from photosd.places import building
from photosd.places.gazetteer import Gazetteer
from photosd.places.table import Table
from tests.household.daemon import until
from tests.places.conftest import small, world
from tests.places.world import write_world

__all__ = ("small", "world")  # fixtures

EILAT, OCEAN = {"latitude": 29.55, "longitude": 34.95}, {"latitude": 0.0, "longitude": -30.0}


class Shelf:
    """A catalog, and a gazetteer of a small world."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.told = directory, 0
        self.world = write_world(directory / "world")
        self.database = Database(directory / "catalog.sqlite3")
        self.contents = Contents(self.database)
        self.gazetteer = Gazetteer(directory / "places.sqlite3", self.world)
        self.placing = Placing(self.database, self.gazetteer, self.tell)

    def tell(self) -> None:
        self.told += 1

    def say(self, content: str, **facts: Any) -> None:
        self.contents.record("m", [(content, {"width": 1, **facts})])

    def place(self, content: str) -> dict[str, Any]:
        with self.database.read() as db:
            found = db.execute("SELECT place FROM contents WHERE content = ?", (content,))
            (text,) = found.fetchone() or ("",)  # none: it is not recorded yet
            place: dict[str, Any] = json.loads(text or "{}")
        return place

    def unplaced(self) -> dict[str, int]:
        with self.database.read() as db:
            return dict(db.execute("SELECT content, unplaced FROM contents"))

    def due(self) -> set[str]:
        """Contents whose labels must be updated."""
        return {held.content for held in self.contents.labels_due("m", 100_000)}

    def look(self) -> None:
        """Work until there is none."""
        self.placing.work()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.placing.stop()
    shelf.database.close()


def test_a_place_by_coordinates(shelf: Shelf) -> None:
    """With names in both languages, the country, and the distance."""
    shelf.say("1", **EILAT)
    shelf.say("2", latitude=40.6501, longitude=-73.9496)
    shelf.look()
    place = shelf.place("1")
    assert (place["city"], place["hebrew"], place["country"]) == ("Eilat", "אילת", "Israel")
    assert place["country_code"] == "IL" and 0 < place["km"] < 2
    assert set(place["names"]) == {"Eilat", "אילת", "Southern District", "מחוז הדרום"}
    assert place["countries"] == ["Israel", "ישראל"]
    place = shelf.place("2")
    assert (place["city"], place["part"]) == ("New York City", "Brooklyn")
    assert place["region"] == "New York" and "ברוקלין" in place["names"]
    assert shelf.due() == {"1", "2"} and shelf.told > 0


def test_photos_without_a_place_need_no_table(shelf: Shelf) -> None:
    """Neither the process nor the file; the vocabulary and the text index do not change."""
    with shelf.database.write() as db:
        db.execute(
            "CREATE TRIGGER t AFTER UPDATE OF place ON contents BEGIN SELECT RAISE(FAIL, 'x');END"
        )
    for number in range(3):
        shelf.say(str(number), camera="Canon EOS 6D", latitude="x", longitude=None, city=" ")
    shelf.look()
    assert shelf.place("0") == {} and shelf.due() == set()
    assert not (shelf.directory / "places.sqlite3").exists()


@pytest.mark.parametrize(
    ("facts", "city", "country"),
    [
        ({"city": "Haifa", "country": "Israel"}, "Haifa", "IL"),
        ({"city": "חיפה", "country_code": "il"}, "Haifa", "IL"),
        ({"city": "Paris", "country": "USA"}, "Paris", "US"),
        ({"city": "Paris"}, None, None),  # two places have this name
        ({"city": "Haifa"}, "Haifa", "IL"),  # one has
        ({"city": "Springfield", "region": "Illinois", "country": "USA"}, "Springfield", "US"),
        ({"city": "Nowhere", "country": "Israel"}, None, "IL"),
        ({"city": "Haifa", "country": "Atlantis"}, "Haifa", "IL"),
        ({"country": "Israel"}, None, "IL"),
        ({"sublocation": "Haifa"}, None, None),
        ({"city": 7, "country": ["x"]}, None, None),
        ({**OCEAN, "city": "Haifa", "country": "Israel"}, "Haifa", "IL"),
        ({**EILAT, "city": "Haifa"}, "Eilat", "IL"),
        (OCEAN, None, None),
        ({"latitude": float("nan"), "longitude": 2.0}, None, None),
        ({"latitude": 1e9, "longitude": -1e9}, None, None),
        ({"latitude": True, "longitude": "34"}, None, None),
    ],
)
def test_the_place_of_facts(
    small: Table, facts: dict[str, Any], city: str | None, country: str | None
) -> None:
    """Location fields count where there are no coordinates, and nothing is guessed."""
    found = place_of(facts, small)
    assert (found.city, found.country_code) == (city, country)


def test_the_region_in_the_fields_tells_places_of_one_name_apart(small: Table) -> None:
    """The largest is taken only without it."""
    asked = {"city": "Springfield", "country": "USA"}
    assert place_of({**asked, "region": "Illinois"}, small).region == "Illinois"
    assert place_of({**asked, "region": "IL"}, small).region == "Illinois"
    assert place_of(asked, small).region == "Massachusetts"


def test_codes_of_countries_in_the_fields(small: Table) -> None:
    """They have three letters, as in IPTC; an unknown one hides no name of a country."""
    assert place_of({"country_code": "ISR"}, small).country == "Israel"
    asked = {"city": "Springfield", "region": "IL", "country_code": "USA"}
    assert place_of(asked, small).region == "Illinois"
    assert place_of({"country_code": "XX", "country": "Israel"}, small).country_code == "IL"
    assert place_of({"country_code": "XX"}, small).country_code is None


def test_changed_facts_are_looked_up_again(shelf: Shelf) -> None:
    """The former place stays until then; facts that say nothing of the place change nothing."""
    shelf.say("1", **EILAT)
    shelf.look()
    shelf.contents.labels_written("m", {"1": ()})
    assert shelf.due() == set()
    shelf.say("1", **EILAT, rating=3)
    assert shelf.unplaced() == {"1": 0} and shelf.due() == set()
    shelf.say("1", latitude=32.08, longitude=34.78)
    assert shelf.unplaced() == {"1": 1} and shelf.place("1")["city"] == "Eilat"
    shelf.look()
    assert shelf.place("1")["city"] == "Tel Aviv" and shelf.due() == {"1"}
    shelf.contents.labels_written("m", {"1": ()})
    shelf.say("1")
    shelf.look()
    assert shelf.place("1") == {} and shelf.due() == {"1"}


def test_facts_that_change_during_the_look_up(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place of the former facts is not stored."""
    shelf.say("1", **EILAT)
    right = module.place_of

    def slow(facts: Any, table: Table) -> Any:
        monkeypatch.setattr(module, "place_of", right)
        shelf.say("1", latitude=32.08, longitude=34.78)
        return right(facts, table)

    monkeypatch.setattr(module, "place_of", slow)
    shelf.look()
    assert shelf.place("1")["city"] == "Tel Aviv"


def test_damaged_facts_have_no_place(shelf: Shelf) -> None:
    """The places of other photos are found."""
    shelf.say("1", **EILAT)
    shelf.say("2", **EILAT)
    with shelf.database.write() as db:
        db.execute("UPDATE contents SET facts = '{\"lat' WHERE content = '1'")
    shelf.look()
    assert shelf.place("1") == {} and shelf.place("2")["city"] == "Eilat"


def test_without_the_package_photos_wait(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is idle, the log tells the remedy once, and later they are looked up."""
    warnings: list[dict[str, Any]] = []
    monkeypatch.setattr(module.log, "warning", lambda _event, **fields: warnings.append(fields))
    with monkeypatch.context() as missing:
        missing.setattr(building, "PACKAGE", "photosd_has_no_such_package")
        for number in range(3):
            shelf.say(str(number), **EILAT)
            shelf.look()
        shelf.say("none")
        shelf.look()
        assert shelf.unplaced() == {"0": 2, "1": 2, "2": 2, "none": 0} and shelf.placing.idle()
        assert len(warnings) == 1 and "pip install" in warnings[0]["remedy"]
        with pytest.raises(PlacesUnavailable, match="not installed"), shelf.gazetteer.reading():
            pass
    again = Placing(shelf.database, shelf.gazetteer, shelf.tell)  # the next start
    again.start()
    again.wake()
    until(lambda: set(shelf.unplaced().values()) == {0}, 60, "places")
    again.stop()
    assert shelf.place("0")["city"] == "Eilat"


def test_a_table_that_could_not_be_made_is_tried_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon, since its process may have been killed; the same failure is logged once."""
    monkeypatch.setattr(module, "AGAIN_SECONDS", (0.2,))
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.1)
    warnings: list[str] = []
    monkeypatch.setattr(module.log, "warning", lambda event, **_: warnings.append(event))
    right, failures = shelf.gazetteer.make, iter("abc")

    def fails(stopping: threading.Event) -> bool:
        if number := next(failures, None):
            raise PlacesUnavailable(f"its process ended early: {number}", remedy="wait")
        return right(stopping)

    monkeypatch.setattr(shelf.gazetteer, "make", fails)
    shelf.say("1", **EILAT)
    shelf.placing.start()
    shelf.placing.wake()
    until(lambda: shelf.place("1") != {}, 60, "a place")
    assert warnings == ["places_unavailable"]


def test_photos_that_come_while_the_table_is_made_are_next(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that took: its time is no time of a batch."""
    monkeypatch.setattr(module, "REST", 1e6)
    right = shelf.gazetteer.make

    def make(stopping: threading.Event) -> bool:
        shelf.say("2", **EILAT)
        return right(stopping)

    monkeypatch.setattr(shelf.gazetteer, "make", make)
    shelf.say("1", **EILAT)
    shelf.placing.start()
    shelf.placing.wake()
    until(lambda: shelf.place("2") != {}, 60, "the place of the second")


def test_a_query_that_needs_the_table_gets_it_made(shelf: Shelf) -> None:
    """No photo has a place."""
    shelf.placing.start()
    with pytest.raises(PlacesUnavailable, match="being made"), shelf.gazetteer.reading():
        pass
    until(lambda: shelf.gazetteer.ready, 60, "the table")


def test_the_thread_places_what_is_new(shelf: Shelf) -> None:
    """Woken by changes of the catalog; a stop ends it."""
    shelf.placing.start()
    shelf.say("1", **EILAT)
    until(lambda: shelf.place("1") != {}, 60, "a place")
    shelf.placing.stop()
    assert not shelf.placing.is_alive()
    shelf.say("2", **EILAT)
    assert not shelf.placing.idle()


def test_a_stop_in_the_middle_loses_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next start continues where it ended."""
    monkeypatch.setattr(module, "BATCH", 10)
    for number in range(35):
        shelf.say(str(number), **EILAT)
    assert shelf.placing.turn()
    assert sorted(shelf.unplaced().values()) == [0] * 10 + [1] * 25
    again = Placing(shelf.database, shelf.gazetteer, shelf.tell)
    while again.turn():
        pass
    assert set(shelf.unplaced().values()) == {0} and len(shelf.due()) == 35


def test_a_bug_ends_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread tries again."""
    monkeypatch.setattr("photosd.core.background.RETRY_SECONDS", 0.1)
    failed = threading.Event()

    def broken(*_: Any) -> Any:
        monkeypatch.undo()
        failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr(module, "place_of", broken)
    shelf.say("1", **EILAT)
    shelf.placing.start()
    assert failed.wait(60)
    until(lambda: shelf.place("1") != {}, 60, "a place")


def test_twenty_thousand_photos(shelf: Shelf) -> None:
    """Each has the place that it should."""
    facts: dict[str, Any]
    city: str | None
    wanted: dict[str, str | None] = {}
    with shelf.database.write():
        for number in range(20_000):
            match number % 4:
                case 0:
                    facts, city = EILAT, "Eilat"
                case 1:
                    facts, city = {"city": "Paris", "country": "France"}, "Paris"
                case 2:
                    facts, city = {"latitude": 32.8 + number / 1e7, "longitude": 35.0}, "Haifa"
                case _:
                    facts, city = {"camera": "X"}, None
            shelf.say(f"c{number}", **facts)
            wanted[f"c{number}"] = city
    shelf.look()
    with shelf.database.read() as db:
        rows = db.execute("SELECT content, json_extract(place, '$.city') FROM contents")
        assert {row[0]: row[1] for row in rows} == wanted
    assert len(shelf.due()) == 15_000


def test_places_are_filtered_by_any_of_their_names(small: Table) -> None:
    """City, part, region, country, in each language; any of several names is enough."""
    facts: list[dict[str, Any]] = [
        {"latitude": 29.55, "longitude": 34.95},
        {"latitude": 40.6501, "longitude": -73.9496},
        {"city": "Paris", "country": "France", "sublocation": "Chez Noa"},
        {"width": 4},
    ]
    rows = []
    for one in facts:
        place = json.loads(json.dumps({"names": [], **_built(one, small)}))
        rows.append(traits(one, [], None, place))
    columns = Columns(rows)

    def found(*names: str) -> list[int]:
        return [int(row) for row in columns.passing(Filter(places=names))]

    for names, wanted in (
        (["Eilat"], [0]),
        (["אילת"], [0]),
        (["ישראל"], [0]),
        (["new-york CITY"], [1]),
        (["Brooklyn"], [1]),
        (["ניו יורק"], [1]),
        (["United States"], [1]),
        (["chez noa"], [2]),
        (["France"], [2]),
        (["Eilat", "Paris"], [0, 2]),
        (["Atlantis"], []),
    ):
        assert found(*names) == wanted, names
    assert [one.shown for one in values_of(facts[0], _built(facts[0], small)) if one.main] == [
        "Eilat",
        "Israel",
    ]


def _built(facts: dict[str, Any], table: Table) -> dict[str, Any]:
    import msgspec

    built: dict[str, Any] = msgspec.to_builtins(place_of(facts, table))
    return built


def test_queries_run_first(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few places are written between two looks for a query, each outside a transaction."""
    written: list[int] = []

    def look() -> None:
        thread = threading.Thread(target=lambda: shelf.say("another"), daemon=True)
        thread.start()
        thread.join(30)  # it can write
        assert not thread.is_alive()
        written.append(list(shelf.unplaced().values()).count(0))

    monkeypatch.setattr(module, "wait_for_queries", look)
    for number in range(50):
        shelf.say(str(number), **EILAT)
    assert shelf.placing.turn()
    assert written == [0, 20, 40]


def test_labels_follow_for_many_at_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index is notified at the end, and every few seconds until then."""
    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(module, "NOTIFY_SECONDS", 600.0)
    for number in range(95):
        shelf.say(str(number), **EILAT)
    shelf.look()
    assert shelf.told == 1
    shelf.look()
    assert shelf.told == 1
