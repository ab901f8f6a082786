"""What is read in a question filters its answer; whatever is not read answers as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from photosd.core.clock import Deadline
from photosd.core.errors import EncoderUnavailable
from photosd.index.filters import Filter
from photosd.index.vocabulary import Vocabulary
from photosd.protocol.replies import QueryResult
from photosd.protocol.requests import FacetsParams, QueryParams, Term, Where
from photosd.search import retrieval
from photosd.search.conditions import Conditions
from photosd.search.parsing import Question, QuestionTerm
from tests.search.library import Library

YEARS = (2021, 2022, 2023)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Photos of two people in three years; the look is axis 3, for texts of 3, 7, 11 … letters."""
    library = Library(tmp_path)
    with library.together():
        for number, year in enumerate(YEARS):
            facts: dict[str, Any] = {"taken": f"{year}-07-01T12:00:00", "people": ["Noa"]}
            library.add(f"/p/noa {year}.jpg", number % 4, **facts)
            facts["people"] = ["Dan"]
            library.add(f"/p/dan {year}.jpg", 3, **facts)
        library.add("/p/both.jpg", 3, taken="2022-01-01T00:00:00", people=["Dan", "Noa"])
        library.add("/p/no facts.jpg", 3)
    return library


def ask(library: Library, text: str, **more: Any) -> QueryResult:
    return library.engine().query(QueryParams(text, **more))


def names(answer: QueryResult) -> list[str]:
    return [Path(hit["path"]).stem for hit in answer["hits"]]


def test_people_and_dates_in_a_question_filter_its_answer(library: Library) -> None:
    """The other words order what is left; what was read is told."""
    answer = ask(library, "Dan abc in 2023")
    assert names(answer) == ["dan 2023"]
    assert answer["query"] == "Dan abc in 2023"
    assert answer["read_as"] == [
        {"kind": "person", "start": 0, "end": 3, "text": "Dan", "value": "Dan"},
        {"kind": "rest", "start": 4, "end": 7, "text": "abc", "value": "abc"},
        {"kind": "date", "start": 8, "end": 15, "text": "in 2023", "value": "2023"},
    ]
    assert answer["answered_by"] == "vector" and answer["warnings"] == []
    assert set(names(ask(library, "Noa and Dan abc"))) == {"both"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dan abc in 2021 and 2023", {"dan 2021", "dan 2023"}),
        ("Dan abc, 2021 or 2022", {"dan 2021", "dan 2022", "both"}),
        ("Dan abc in 2021, July 2022 and 2023", {"dan 2021", "dan 2022", "dan 2023"}),
        ("Dan abc in 2022 in July 2022", {"dan 2022"}),
    ],
)
def test_of_several_dates_any_counts(library: Library, text: str, found: set[str]) -> None:
    """Unless a photo can be of all of them."""
    answer = ask(library, text)
    assert set(names(answer)) == found and answer["warnings"] == []
    since = ask(library, text, where=Where(since="2022"))
    assert set(names(since)) == {name for name in found if name != "dan 2021"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Noa or Dan abc", {"noa 2021", "noa 2022", "noa 2023", "dan 2021", "dan 2022", "dan 2023",
                            "both", "maya"}),
        ("Noa or Dan, abc in 2023", {"noa 2023", "dan 2023"}),
        ("Noa or Maya abc", {"noa 2021", "noa 2022", "noa 2023", "both", "maya"}),
        ("Dan with Noa or Maya", {"both", "maya"}),
    ],
)  # fmt: skip
def test_of_people_with_or_between_them_any_counts(
    library: Library, text: str, found: set[str]
) -> None:
    """The others must be in the photo, too."""
    library.add("/p/maya.jpg", 3, people=["Maya", "Dan"])
    answer = ask(library, text)
    assert set(names(answer)) == found and answer["warnings"] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("abc in Paris, Texas", {"texas", "tagged"}),
        ("abc in Paris", {"texas", "france", "tagged"}),
        ("abc in Texas", {"texas", "austin", "tagged"}),
        ("abc in Paris France", {"france"}),
        ("abc in Austin, Paris", {"texas", "france", "austin", "tagged"}),  # none is in both
    ],
)
def test_a_place_in_another(library: Library, text: str, found: set[str]) -> None:
    """Both count; a photo without coordinates by its tags."""
    america: dict[str, Any] = {"country": "United States", "region": "Texas"}
    library.add("/p/texas.jpg", 3, city="Paris", **america)
    library.add("/p/austin.jpg", 3, city="Austin", **america)
    library.add("/p/france.jpg", 3, city="Paris", country="France", tags=["Paris"])
    library.add("/p/tagged.jpg", 3, tags=["Texas", "Paris"])
    answer = ask(library, text)
    assert set(names(answer)) == found and answer["warnings"] == []
    (part,) = [one for one in answer["read_as"] or () if one["kind"] == "place"]
    assert part["text"] in text


def test_what_is_excluded_is_not_shown(library: Library) -> None:
    """People and places; photos without any are shown."""
    library.add("/p/eilat.jpg", 3, city="Eilat", people=["Dan", "Noa"])
    library.add("/p/haifa.jpg", 3, city="Haifa", people=["Dan"])
    assert set(names(ask(library, "abc Dan without Noa"))) == {
        "dan 2021", "dan 2022", "dan 2023", "haifa",
    }  # fmt: skip
    answer = ask(library, "Dan, not in Haifa, without Noa")
    assert names(answer) == ["dan 2023", "dan 2022", "dan 2021"]
    assert [one["value"] for one in answer["read_as"]] == ["Dan", "without Haifa", "without Noa"]
    (photo,) = ask(library, "photos without Noa, without Dan")["hits"]
    assert Path(photo["path"]).stem == "no facts" and photo["sources"] == ["filter"]
    assert set(names(ask(library, "abc without Dan", without=["person"]))) > {"dan 2021"}


def test_an_exclusion_that_leaves_nothing_is_left_out(library: Library) -> None:
    """Its words rank photos again."""
    answer = ask(library, "both Dan without Dan")
    assert answer["hits"] and answer["warnings"] == [
        "no photo has all of Dan · without Dan; left out: the person Dan, without Dan"
    ]


def test_a_place_that_is_a_tag_is_either(library: Library) -> None:
    """A photo without coordinates counts by its tag."""
    library.add("/p/there.jpg", 3, city="Eilat")
    library.add("/p/tagged.jpg", 3, tags=["Eilat"])
    assert set(names(ask(library, "photos in Eilat"))) == {"there", "tagged"}


def test_without_other_words_the_latest_come_first(library: Library) -> None:
    """All of them match; no encoder is needed."""
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    answer = ask(library, "photos of Noa")
    assert names(answer) == ["noa 2023", "noa 2022", "both", "noa 2021"]
    assert {hit["strength"] for hit in answer["hits"]} == {"strong"}
    assert answer["hits"][0]["sources"] == ["person"]
    assert answer["convincing"] and answer["answered_by"] == "text_match"
    assert set(names(ask(library, "2022"))) == {"noa 2022", "dan 2022", "both"}


def test_its_pages_show_every_photo_once(library: Library) -> None:
    """A cursor contains what was read."""
    engine = library.engine()
    page = engine.query(QueryParams("Noa", 1))
    found, read = names(page), page["read_as"]
    while page["cursor"]:
        page = engine.query(QueryParams(cursor=page["cursor"], limit=1))
        found += names(page)
        assert page["read_as"] == read
    assert found == ["noa 2023", "noa 2022", "both", "noa 2021"]


def test_a_reading_can_be_taken_back(library: Library) -> None:
    """Wholly, by kind, or by quotes."""
    text = "Dan abc in 2023"
    assert ask(library, text, literal=True)["read_as"] == []
    assert len(names(ask(library, text, literal=True))) == 8
    assert set(names(ask(library, text, without=["date"]))) == {
        "dan 2021", "dan 2022", "dan 2023", "both",
    }  # fmt: skip
    assert len(names(ask(library, text, without=["person"]))) == 2
    assert ask(library, '"Dan" abc "in 2023"')["read_as"] == []


def test_conditions_that_leave_nothing_are_left_out_and_said(library: Library) -> None:
    """The least certain first; its words stay words."""
    answer = ask(library, "Dan abc 2015")
    assert set(names(answer)) == {"dan 2021", "dan 2022", "dan 2023", "both"}
    assert answer["warnings"] == ["no photo has all of Dan · 2015; left out: the date 2015"]
    assert [(one["kind"], one["text"]) for one in answer["read_as"] or ()] == [
        ("person", "Dan"), ("rest", "abc 2015"),
    ]  # fmt: skip
    alone = ask(library, "abc 2015")
    assert len(names(alone)) == 8 and alone["read_as"] == []
    assert alone["warnings"] == [
        "no photo has the date 2015: its words were only used to rank photos"
    ]
    literal = ask(library, "abc 2015", literal=True)
    assert alone["hits"] == literal["hits"]
    filtered = ask(library, "abc 2023", where={"until": "2021"})
    assert filtered["warnings"] == [
        "no photo that passes the filters has the date 2023:"
        " its words were only used to rank photos"
    ]


def test_without_other_words_those_that_are_left_answer(library: Library) -> None:
    """Not "no good matches", as the words of the one that was left out match nothing either."""
    answer = ask(library, "photos of Dan in 2015")
    assert names(answer) == ["dan 2023", "dan 2022", "both", "dan 2021"]
    assert answer["warnings"] == ["no photo has all of Dan · 2015; left out: the date 2015"]
    assert answer["convincing"]
    counted = library.engine().facets(FacetsParams("photos of Dan in 2015", kinds=["year"]))
    assert counted["photos"] == 4 and counted["warnings"] == answer["warnings"]
    assert counted["convincing"]
    library.add("/p/dan or so, 2015.jpg", 1, taken="2020-01-01T00:00:00", people=["Dan"])
    assert names(ask(library, "photos of Dan in 2015"))[0] == "dan or so, 2015"


def test_what_is_not_wanted_is_not_read(library: Library) -> None:
    """Dates, nor alternatives, which few photos have together; people are excluded."""
    for text in ("not in 2023", "Noa or dogs"):
        answer = ask(library, text, limit=50)
        assert answer["read_as"] == [] and len(names(answer)) == 8
    assert names(ask(library, "Noa but not Dan")) == ["noa 2023", "noa 2022", "noa 2021"]


def test_filters_that_were_given_stay(library: Library) -> None:
    """A condition is left out rather than a filter; the answer may be empty only by filters."""
    where = Where(since="2022", until="2022")
    assert set(names(ask(library, "Dan abc", where=where))) == {"dan 2022", "both"}
    answer = ask(library, "Dan abc 2023", where=where)
    assert set(names(answer)) == {"dan 2022", "both"} and "2023" in answer["warnings"][0]
    empty = ask(library, "Dan abc", where=Where(since="1999", until="1999"))
    assert empty["hits"] == [] and empty["warnings"] == ["no photo passes these filters"]


def test_alerts_read_nothing(library: Library) -> None:
    """Their words are descriptions; a date in them would end them one day."""
    question = Question((QuestionTerm(1.0, "Dan abc in 2023"),))
    contents = [f"1-/p/{name} {year}.jpg" for name in ("noa", "dan") for year in YEARS]
    judged = library.engine().match(question, contents, Deadline.after(5))
    assert set(judged) == set(contents)


def test_facets_count_what_a_question_finds(library: Library) -> None:
    """With and without other words."""
    engine = library.engine()
    for text, photos in (("Dan", 4), ("Dan abc", 4), ("Dan in 2022", 2), ("abc 2015", 1)):
        counted = engine.facets(FacetsParams(text))
        assert counted["photos"] == photos, text
    assert "2015" in counted["warnings"][0]


def test_only_what_is_left_is_embedded(library: Library) -> None:
    """A repeated question without its conditions is known."""
    engine = library.engine()
    engine.query(QueryParams("Noa abc in 2022"))
    assert engine.query(QueryParams("abc"))["answered_by"] == "cached_embedding"
    assert library.encoder.asked == 1


def test_without_an_encoder_what_was_read_is_matched(library: Library) -> None:
    """As weak matches, where no name matches the other words."""
    library.encoder.error = EncoderUnavailable("dead", remedy="wait")
    answer = ask(library, "Dan with a zeppelin in 2022")
    assert set(names(answer)) == {"dan 2022", "both"}
    assert {hit["strength"] for hit in answer["hits"]} == {"weak"} and not answer["convincing"]
    assert answer["warnings"][0].endswith(": matched only dates, places and people")
    with pytest.raises(EncoderUnavailable):
        ask(library, "a zeppelin")


def test_other_terms_stay(library: Library) -> None:
    """What is read may be all of the text; something must remain from which others subtract."""
    answer = ask(library, "Noa", terms=[Term(text="abc")])
    assert set(names(answer)) == {"noa 2021", "noa 2022", "noa 2023", "both"}
    assert answer["answered_by"] == "vector"
    answer = ask(library, "Dan", terms=[Term(text="a", weight=-1)])
    assert set(names(answer)) == {"dan 2021", "dan 2022", "dan 2023", "both"}


def test_the_whole_name_of_a_file_is_not_read(library: Library) -> None:
    """It is the first hit, whatever its date is."""
    library.add("/p/Noa 2023.jpg", 0, taken="2019-01-01T00:00:00")
    for text in ("noa 2021", "Noa 2023", "NOA-2023.JPG"):
        answer = ask(library, text)
        assert names(answer)[0].lower() == text.lower().removesuffix(".jpg").replace("-", " ")
        assert answer["read_as"] == []
    answer = ask(library, "noa 2022", where={"people": ["Dan"]})
    assert [one["kind"] for one in answer["read_as"] or ()] == ["person", "date"]


QUESTIONS = (
    "abc", "a dog", "noa 2021", "may we", "both", "כלב בים", "12 monkeys", "x.jpg", "the sun",
)  # fmt: skip


@pytest.mark.parametrize("text", QUESTIONS)
def test_questions_without_values_answer_as_before(library: Library, text: str) -> None:
    """Hit by hit and score by score: with a vocabulary, without one, and read by no rule."""
    asked = ask(library, text)
    literal = ask(library, text, literal=True)
    with library.database.write() as db:
        db.execute("DELETE FROM vocabulary")
    bare = ask(library, text)
    for answer in (literal, bare):
        changed = ("timings_ms", "answered_by")
        assert {k: v for k, v in answer.items() if k not in changed} == {
            k: v for k, v in asked.items() if k not in changed
        }


def test_photos_without_a_vector_are_filtered_by_the_catalog(library: Library) -> None:
    """As while another model encodes them; only their names match."""
    with library.together():
        for number in range(3):
            facts: dict[str, Any] = {"taken": f"{2021 + number}-01-01T00:00:00", "people": ["Eve"]}
            library.add(f"/p/zeppelin {number}.jpg", 0, **facts)
    library.store.remove([f"1-/p/zeppelin {number}.jpg" for number in range(3)])
    found = names(ask(library, "zeppelin", where=Where(since="2022")))
    assert [name for name in found if "zeppelin" in name] == ["zeppelin 2", "zeppelin 1"]


def test_names_are_filtered_however_many_pass(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names of those that pass, or by the filter of those with the name: the same answer."""
    with library.together():
        for number in range(30):
            facts: dict[str, Any] = {"taken": f"{2021 + number % 3}-01-01T00:00:00"}
            library.add(f"/p/regatta {number}.jpg", 0, **facts)
    answers = []
    for few in (0, 1000):
        monkeypatch.setattr(retrieval, "FEW_PASSING", few)
        monkeypatch.setattr(retrieval, "FEW_NAMED", 0)
        answers.append(names(ask(library, "regatta in 2022", limit=40)))
    assert answers[0] == answers[1]
    assert len([name for name in answers[0] if "regatta" in name]) == 10


# -- places ---------------------------------------------------------------------------------------


@pytest.fixture
def travels(tmp_path: Path) -> Library:
    """Photos of Noa in three places of two countries, all alike."""
    library = Library(tmp_path)
    cities = (("Eilat", "Israel"), ("Haifa", "Israel"), ("Berlin", "Germany"))
    with library.together():
        for city, country in cities:
            for year in (2021, 2022):
                facts: dict[str, Any] = {"city": city, "country": country}
                facts["taken"] = f"{year}-07-01T12:00:00"
                library.add(f"/p/{city} {year}.jpg", 3, people=["Noa"], **facts)
    return library


def test_places_in_a_question_filter_its_answer(travels: Library) -> None:
    """By name of place or country; several are alternatives, unless one tells where another is."""
    for text, wanted in (
        ("abc in Eilat", {"Eilat 2021", "Eilat 2022"}),
        ("abc in Israel 2021", {"Eilat 2021", "Haifa 2021"}),
        ("Berlin and Haifa in 2022", {"Berlin 2022", "Haifa 2022"}),
        ("abc, Haifa, Israel", {"Haifa 2021", "Haifa 2022"}),
        ("Noa in Berlin in 2022", {"Berlin 2022"}),
    ):
        answer = ask(travels, text)
        assert set(names(answer)) == wanted, text
        assert answer["warnings"] == []


def test_a_place_is_left_out_before_a_date_and_a_person(travels: Library) -> None:
    """If together they leave nothing."""
    travels.add("/p/dan.jpg", 3, taken="2019-05-01T12:00:00", people=["Dan"], city="Rome")
    for text, dropped in (
        ("Dan in Eilat in 2019", "place Eilat"),
        ("Dan, Rome, 2021", "date 2021"),
    ):
        answer = ask(travels, text)
        assert names(answer) == ["dan"]
        (warning,) = answer["warnings"]
        assert warning.startswith("no photo has all of Dan · ")
        assert warning.endswith(f"; left out: the {dropped}")


def test_a_place_given_as_a_filter_is_the_only_one(travels: Library) -> None:
    """A place in the question would be an alternative to it."""
    text = "abc in Eilat"
    conditions = Conditions(travels.database, Vocabulary(travels.database), lambda _question: True)
    question = Question((QuestionTerm(1.0, text),), where=Filter(places=("Berlin",)))
    assert conditions.apply(question, QueryParams(text)) == (question, [])


def test_a_date_that_may_be_two_days_is_told(library: Library) -> None:
    """It filters nothing; with how to write it. A file's name, and quoted text, are no dates."""
    library.add("/p/1.5.2022.jpg", 2)
    told = "2.3.2022 was not read as a date; write 2022-02-03 or 2022-03-02"
    for text in ("Dan abc 2.3.2022", "2.3.2022", "דן ב-2.3.2022"):
        assert told in ask(library, text)["warnings"]
    for text in (
        "1.5.2022",
        'Dan "2.3.2022"',
        "Dan 1.7.2022.jpg",
        "1.13.2022",
        "Dan abc 25.3.2022",
    ):
        assert not any("not read" in warning for warning in ask(library, text)["warnings"]), text
    assert not ask(library, "abc 2.3.2022", without=["date"])["warnings"]
    assert not ask(library, "abc 2.3.2022", literal=True)["warnings"]
