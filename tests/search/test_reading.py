"""Questions are read: dates, places and people become conditions, everything else stays words."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest
from msgspec import structs

from photosd.core import wording
from photosd.index.vocabulary import Value
from photosd.search.reading import Reading, read

NOW = datetime.datetime(2026, 11, 26, 14, 30)  # a Thursday
HERE = Path(__file__).parent
TABLES = ("readings.txt", "readings_validation.txt", "readings_shared_years.txt")
PEOPLE = """Noa=40 Dan=12 May=9 Rose=8 Paris=5 Yael_Cohen=20 נועה=40 דנה=15 מאי=9 גל=7 ורד=3 רון=6
    דור=4 יונתן_כהן=11 סבתא_רחל=30 אביב=5 Me=4 D=2 בן=9 לי=3 2019=2"""
PLACES = """Eilat=60 Haifa=90 Tel_Aviv=80 Paris=33 Dead_Sea=12 New_York=25 Berlin=14 Rome=18 Nice=6
    Bath=5 St._Louis=3 Washington,_D.C.=4 Jerusalem=70 San_Francisco=8
    Lake_Tahoe=4 אילת=60 חיפה=90 תל_אביב=80 פריז=33
    ים_המלח=12 ניו_יורק=25 ברלין=14 ירושלים=70 גליל=21"""
TAGS = "beach=50 dog=80 rose=12 חיפה=7 bar_mitzvah=9 family=200 Dan=12 יום_הולדת=31 soccer=14"


class Words:
    """The vocabulary of a small library, in memory."""

    def __init__(self, **named: str) -> None:
        self.known: dict[str, list[Value]] = {}
        self.asked: list[str] = []
        kinds = {"people": "person", "places": "place", "tags": "tag", "countries": "country"}
        for name, listed in named.items():
            for entry in listed.split():
                shown, _, photos = entry.replace("_", " ").partition("=")
                key = wording.key(shown)
                value = Value(kinds[name], key, shown, int(photos))
                self.known.setdefault(key, []).append(value)

    def find(self, keys: Collection[str]) -> Mapping[str, Sequence[Value]]:
        self.asked += keys
        return {key: self.known[key] for key in keys if key in self.known}

    def beginning(self, kind: str, text: str, limit: int) -> Sequence[Value]:
        found = [v for key, some in self.known.items() if key.startswith(text) for v in some]
        return [value for value in found if value.kind == kind][:limit]


LIBRARY = Words(people=PEOPLE, places=PLACES, tags=TAGS, countries="Israel=900 ישראל=900 US=30")


def rows(name: str) -> Iterator[tuple[str, str]]:
    """Questions and what is read, from a table."""
    for line in (HERE / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            question, _, wanted = line.partition(" = ")
            yield question.strip(), wanted.strip()


def told(reading: Reading) -> str:
    """In the form of the table: the rest, then places, dates and people."""
    order = ("place", "date", "person")
    named = sorted(reading.conditions, key=lambda part: order.index(part.kind))
    return "; ".join([reading.rest, *(f"{part.kind} {part.value}" for part in named)])


@pytest.mark.parametrize(("question", "wanted"), [row for name in TABLES for row in rows(name)])
def test_questions_are_read(question: str, wanted: str) -> None:
    """Each row of the table."""
    assert told(read(question, LIBRARY, NOW)) == wanted


def test_the_table_is_large_enough() -> None:
    """Half of it is Hebrew, and many rows are traps."""
    every = list(rows("readings.txt"))
    hebrew = [question for question, _ in every if any("א" <= one <= "ת" for one in question)]
    kept = [question for question, wanted in every if question == wanted]
    assert len(every) >= 120 and len(set(every)) == len(every)
    assert len(hebrew) >= len(every) / 2 and len(kept) >= 30


def test_without_values_nothing_changes() -> None:
    """The text is as asked, blanks and all."""
    for text in ("", "  a  dog ", "dog, on a beach!", "כלב  בים", "'", '"', "…"):
        assert structs.replace(read(text, LIBRARY, NOW), hints=()) == Reading((), text)
        assert read(text, Words(), NOW) == Reading((), text)


def test_parts_are_at_their_characters() -> None:
    """Offsets are of the text as asked; together with the rest in its order."""
    for question, _ in [*rows("readings.txt"), *rows("readings_validation.txt")]:
        reading = read(question, LIBRARY, NOW)
        last = 0
        for part in reading.parts:
            assert last <= part.start < part.end
            assert question[part.start : part.end] == part.text
            last = part.end
    reading = read("🐶 Noa at the beach, נועה", LIBRARY, NOW)
    assert [(one.kind, one.text) for one in reading.parts] == [
        ("rest", "🐶"), ("person", "Noa"), ("rest", "beach"), ("person", "נועה"),
    ]  # fmt: skip


def test_a_kind_can_be_left_out() -> None:
    """Its words stay words."""
    text = "Noa at the beach in Eilat in 2023"
    assert told(read(text, LIBRARY, NOW, {"place"})) == ("beach in Eilat; date 2023; person Noa")
    assert told(read(text, LIBRARY, NOW, {"date"})) == "beach in 2023; place Eilat; person Noa"
    assert told(read(text, LIBRARY, NOW, {"person"})) == "Noa at the beach; place Eilat; date 2023"
    assert read(text, LIBRARY, NOW, {"person", "date", "place"}).conditions == ()


def test_values_of_up_to_five_words() -> None:
    """The longest is read, and not what is in it."""
    words = Words(places="Stratford_upon_Avon_Old_Town=3 Avon=4 Old_Town=5", people="")
    text = "swans in Stratford upon Avon Old Town"
    assert told(read(text, words, NOW)) == "swans; place Stratford upon Avon Old Town"
    assert max(len(part) for part in words.asked) == len("stratforduponavonoldtown")
    assert told(
        read("a tag of New York trips", Words(places="New_York=3", tags="New_York_trips=2"))
    ) == ("a tag of New York trips")


def test_only_the_first_words_are_read() -> None:
    """The text is as long as it may be; the vocabulary is asked once for a few keys."""
    for word in ("dog", "Noa", "וווווו", "a/b", "'", '"x', "may"):
        words = Words(people=PEOPLE)
        read(f"{word} " * (10_000 // (len(word) + 1)), words, NOW)
        assert len(words.asked) <= 100 * 5 * 4
    assert told(read("dog " * 100 + "Noa", LIBRARY, NOW)).endswith("Noa")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", ["Zoë", "Nguyễn", "גבריאלה", "미나", "かずひで", "カプリ", "مُحَمَّد"])
def test_the_form_of_letters_does_not_count(name: str, form: Literal["NFC", "NFD"]) -> None:
    """Text from a Mac's file names is NFD; marks belong to their word."""
    text = unicodedata.normalize(form, f"beach, with {name}")
    (person,) = read(text, Words(people=f"{name}=5"), NOW).conditions
    assert (person.value, person.end) == (name, len(text))


def test_a_country_is_a_place() -> None:
    """A place and a country may have one name."""
    words = Words(countries="Israel=900 Singapore=7", places="Singapore=7 Eilat=60")
    for text, wanted in (
        ("flag of Israel", "flag; place Israel"),
        ("tower in Singapore", "tower; place Singapore"),
    ):
        assert told(read(text, words, NOW)) == wanted


def test_other_kinds_of_values_are_not_read() -> None:
    """A camera is not asked for in a description."""
    words = Words()
    words.known["canon"] = [Value("camera", "canon", "Canon", 40)]
    assert read("an old canon", words, NOW).conditions == ()


def test_a_tag_on_more_photos_than_the_person_excludes_none() -> None:
    """A person's name is often a tag, too: as long as no photo is lost by it, it is the person."""
    for tagged, wanted in ((12, "person"), (13, "rest")):
        words = Words(people="Dana=12", tags=f"Dana={tagged}")
        kinds = [part.kind for part in read("Dana smiling", words, NOW).parts]
        assert kinds == ([] if wanted == "rest" else ["person", "rest"])


def test_a_place_may_have_another_key_than_its_name() -> None:
    """As its name in another language has."""
    words = Words(places="Eilat=60", countries="Israel=900")
    for name, place in (("אילת", "eilat"), ("ישראל", "israel")):
        words.known[name] = words.known[place]
    part, _ = read("אילת, ישראל 2019", words, NOW).parts
    assert (part.key, part.value, part.text) == ("eilat", "Eilat, Israel", "אילת, ישראל")
    assert [one.key for one in read("באילת ובישראל", words, NOW).parts] == ["eilat", "israel"]


def test_a_first_name_that_others_have_is_not_read() -> None:
    """If photos of longer names are more: they may be of the same person."""
    for levi, read_so in ((39, True), (41, False)):
        words = Words(people=f"Noa=40 Noa_Levi={levi} Noam=900 Noam_Levi=900")
        kinds = [part.kind for part in read("Noa smiling", words, NOW).parts]
        assert kinds == (["person", "rest"] if read_so else [])
    many = Words(people="Noa=40 " + " ".join(f"Noa_{n}x=1" for n in range(300)))
    assert read("Noa smiling", many, NOW).conditions == ()


def test_a_first_name_that_one_person_has_is_that_person() -> None:
    """``Noa`` is ``Noa Levi`` if only one person has that first name; with a Hebrew prefix, too."""
    words = Words(people="Noa_Levi=9 Dan_Levi=4 Dan_Cohen=5 Rose_Cohen=3 נועה_לוי=6 Dog_Rex=2")
    for text, wanted in (
        ("Noa at the beach", "beach; person Noa Levi"),
        ("תמונות של נועה", "; person נועה לוי"),
        ("יום הולדת לנועה", "יום הולדת; person נועה לוי"),
        ("pizza without Noa", "pizza; person without Noa Levi"),
        ("lunch with Rose", "lunch; person Rose Cohen"),
        ("a rose", "a rose"),  # a thing, too
        ("Dan at the beach", "Dan at the beach"),  # one of two
        ("Levi", "Levi"),
        ("a dog", "a dog"),
        ("without of the", "without of the"),
    ):
        assert told(read(text, words, NOW)) == wanted


def test_a_first_name_that_is_another_value_is_not_read() -> None:
    """A tag, for example: it ranks photos."""
    words = Words(people="Noa_Levi=9", tags="Noa=2")
    assert read("Noa at the beach", words, NOW).conditions == ()


def test_a_place_that_is_a_tag_is_read_as_either() -> None:
    """Programs write places as tags, ``Places/Israel/Eilat``; photos may lack coordinates."""
    words = Words(places="Eilat=60", tags="Eilat=70 beach=9")
    (part,) = read("beach in Eilat", words, NOW).conditions
    assert (part.kind, part.key, part.tag) == ("place", "eilat", "eilat")


def test_a_tag_of_a_season_does_not_hide_the_date() -> None:
    """A holiday of some days does: its photos are of the days before, too."""
    words = Words(tags="summer=1 קיץ=1 Christmas=9 Passover=4", people="May=3")
    for text, wanted in (
        ("beach summer 2023", "beach; date Jun–Aug 2023"),
        ("חוף בקיץ 2023", "חוף; date Jun–Aug 2023"),
        ("Christmas 2023", "Christmas; date 2023"),
        ("Passover 2023", "Passover; date 2023"),
        ("May 2023", "May; date 2023"),
    ):
        assert told(read(text, words, NOW)) == wanted


@pytest.mark.parametrize(
    ("text", "hints"),
    [
        ("dog in Eilat last summer, family", ["tag dog: family", "tag family: dog"]),
        ("dog in a lake, family", ["tag dog family: in a lake", "tag dog: in a lake, family",
                                   "tag family: dog in a lake"]),
        ("family photos of Noa at the pool", ["tag family: photos pool"]),
        ("ילדים במגרש, יום הולדת, 2020", ["tag יומהולדת: ילדים במגרש"]),
        ("Rose in a garden", ["tag rose: in a garden"]),
        ("May at home", ["person may: at home"]),
        ("portrait of Paris", ["place paris: portrait"]),
        ("a beach", []),
        ("photos of the family", []),
        ("a pool without the family", []),
        ("a horse in a field", []),
        ('a horse, "family"', []),
        ("Dan on a horse", []),
        ("a horse without Dan", []),
    ],
)  # fmt: skip
def test_values_that_are_not_conditions_are_hints(text: str, hints: list[str]) -> None:
    """With the other words of the question."""
    found = read(text, LIBRARY, NOW).hints
    assert [f"{one.kind} {' '.join(one.keys)}: {one.rest}" for one in found] == hints
