"""Questions about a described household, each with the photos that are right.

A question combines two or three of look, person, place, date and tag, in the wording of people, in
English or Hebrew; of the photos that have all of it few are preferred.
"""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.household.described import LOOKS, DescribedHousehold, Photo, Values

KINDS = ("look", "person", "place", "date", "tag")
COMBINATIONS = tuple(kinds for number in (2, 3) for kinds in itertools.combinations(KINDS, number))
FIRST = 3
TRIES = 60
MONTHS = ("January February March April May June July August September October November December",
          "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר")  # fmt: skip
SEASONS = {  # by their first month
    3: ("spring", "אביב"), 6: ("summer", "קיץ"), 9: ("autumn", "סתיו"),
}  # fmt: skip


Test = Callable[[Photo], bool]


class Said(NamedTuple):
    """One attribute in words, and whether a photo has it."""

    text: str
    holds: Test


class Question(NamedTuple):
    """``right``: the contents of the photos that have all of it; of a camera raw file and its
    picture, that of the picture, which answers show.
    """

    kinds: tuple[str, ...]
    text: str
    right: frozenset[str]


def questions(photos: Sequence[Photo], values: Values, count: int, seed: int) -> Iterator[Question]:
    """So many, every second one in Hebrew, of all combinations."""
    chance = random.Random(seed)
    having: dict[tuple[str, str], frozenset[str]] = {}

    def right_for(said: Mapping[str, Said]) -> frozenset[str]:
        for kind, one in said.items():
            if (kind, one.text) not in having:
                found = frozenset(
                    photo.picture or photo.content for photo in photos if one.holds(photo)
                )
                having[kind, one.text] = found
        return frozenset.intersection(*(having[kind, one.text] for kind, one in said.items()))

    for number in range(count):
        kinds, hebrew = COMBINATIONS[number // 2 % len(COMBINATIONS)], number % 2 == 1
        best: tuple[int, Question] | None = None
        tries = 0
        for target in chance.sample(photos, len(photos)):
            said = _said(target, kinds, values, hebrew, chance)
            if said is None:
                continue
            right = right_for(said)
            if best is None or len(right) < best[0]:
                text = _worded(said, hebrew, chance)
                best = len(right), Question(kinds, text, right)
            tries += 1
            if best[0] <= FIRST or tries == TRIES:
                break
        assert best is not None, f"no photo for a question of {kinds}"
        yield best[1]


def is_answered(household: DescribedHousehold, question: Question) -> bool:
    """Whether the right photos are the first ones: all of them are among the first `FIRST`, or
    these are all right."""
    found = {photo.content for photo in household.ask(question.text, FIRST)}
    return len(found & question.right) == min(FIRST, len(question.right))


def _said(
    photo: Photo, kinds: Sequence[str], values: Values, hebrew: bool, chance: random.Random
) -> dict[str, Said] | None:
    """Its attributes of these kinds, in this language; None if it has not all of them."""
    found: dict[str, Said] = {}
    for kind in kinds:
        match kind:
            case "look":
                number = chance.choice(photo.looks)
                text = LOOKS[number].he if hebrew else LOOKS[number].phrase
                found[kind] = Said(text, lambda one, number=number: number in one.looks)  # type: ignore[misc]
            case "date":
                found[kind] = _date(photo.day, hebrew, chance)
            case "place" if photo.place is not None:
                name = str(values.places[photo.place][int(hebrew)])
                found[kind] = Said(name, lambda one, place=photo.place: one.place == place)  # type: ignore[misc]
            case "person" | "tag":
                named = photo.people if kind == "person" else photo.tags
                known = values.people if kind == "person" else values.tags
                spelled = [o for o in named if o in known and _is_hebrew(o) == hebrew]
                if spelled:
                    name = chance.choice(spelled)
                    found[kind] = _named(kind, name)
    return found if len(found) == len(kinds) else None


def _named(kind: str, name: str) -> Said:
    if kind == "person":
        return Said(name, lambda one: name in one.people)
    return Said(name, lambda one: name in one.tags)


def _is_hebrew(text: str) -> bool:
    return any("א" <= letter <= "ת" for letter in text)


def _date(day: datetime.date, hebrew: bool, chance: random.Random) -> Said:
    """A day, a month, a season or a year."""
    month = MONTHS[hebrew].split()[day.month - 1]
    season = SEASONS.get(first := day.month // 3 * 3)
    match chance.choice(("day", "month", "season", "year")):
        case "day":
            text = f"{day.day} ב{month} {day.year}" if hebrew else f"{day.day} {month} {day.year}"
            return Said(text, lambda one: one.day == day)
        case "month":
            return Said(
                f"{month} {day.year}", lambda one: one.day.replace(day=1) == day.replace(day=1)
            )
        case "season" if season is not None:
            months = range(first, first + 3)
            return Said(
                f"{season[hebrew]} {day.year}",
                lambda one: one.day.year == day.year and one.day.month in months,
            )
    return Said(str(day.year), lambda one: one.day.year == day.year)


# -- wording --------------------------------------------------------------------------------------


def _worded(said: Mapping[str, Said], hebrew: bool, chance: random.Random) -> str:
    texts = {kind: one.text for kind, one in said.items()}
    forms = (
        (_hebrew, _hebrew_person_first, _keywords)
        if hebrew
        else (_english, _english_person_first, _keywords)
    )
    return chance.choice(forms)(texts)


def _english(said: Mapping[str, str]) -> str:
    """A dog with Noa in Eilat, May 2019, holiday."""
    look, tag, person = said.get("look"), said.get("tag"), said.get("person")
    words = [look or (f"{tag} photos" if tag else "photos")]
    if person:
        words.append(f"with {person}" if look else f"of {person}")
    words += _in_english(said)
    return " ".join(words) + (f", {tag}" if tag and look else "")


def _english_person_first(said: Mapping[str, str]) -> str:
    """Noa and a dog in Eilat in May 2019 holiday."""
    words = [said["person"]] if "person" in said else []
    words += ["and"] if words and "look" in said else []
    words += [said["look"]] if "look" in said else []
    return " ".join([*words, *_in_english(said), *([said["tag"]] if "tag" in said else [])])


def _in_english(said: Mapping[str, str]) -> list[str]:
    words = [f"in {said['place']}"] if "place" in said else []
    if "date" in said:
        words.append(
            f"on {said['date']}"
            if said["date"][0].isdigit() and " " in said["date"]
            else f"in {said['date']}"
        )
    return words


def _hebrew(said: Mapping[str, str]) -> str:
    """כלב עם נועה באילת במאי 2019, חופשה."""
    look, tag, person = said.get("look"), said.get("tag"), said.get("person")
    words = [look or (f"תמונות {tag}" if tag else "תמונות")]
    if person:
        words.append(f"עם {person}" if look else f"של {person}")
    words += _in_hebrew(said)
    return " ".join(words) + (f", {tag}" if tag and look else "")


def _hebrew_person_first(said: Mapping[str, str]) -> str:
    """נועה וכלב באילת במאי 2019 חופשה."""
    words = [said["person"]] if "person" in said else []
    if "look" in said:
        words.append(f"ו{said['look']}" if words else said["look"])
    return " ".join([*words, *_in_hebrew(said), *([said["tag"]] if "tag" in said else [])])


def _in_hebrew(said: Mapping[str, str]) -> list[str]:
    words = [f"ב{said['place']}"] if "place" in said else []
    if "date" in said:
        words.append(f"ב-{said['date']}" if said["date"][0].isdigit() else f"ב{said['date']}")
    return words


def _keywords(said: Mapping[str, str]) -> str:
    """Eilat, Noa, dog, May 2019, holiday."""
    order = ("place", "person", "look", "date", "tag")
    texts = [
        said[kind].removeprefix("a ").removeprefix("an ").removeprefix("the ")
        for kind in order
        if kind in said
    ]
    return ", ".join(texts)
