"""What training.honesty asks for, and what it takes for there, for absent and for open."""

from __future__ import annotations

from training.asking import MOST, Thing, read_things, shown, words_of
from training.data import Row


def thing(name: str) -> Thing:
    (found,) = [one for one in read_things() if one.name == name]
    return found


def flags(source: str, captions: list[str], name: str) -> tuple[bool, bool]:
    shows, may = shown([Row(b"", tuple(captions), source)], [thing(name)])
    return bool(shows[0, 0]), bool(may[0, 0])


def test_enough_is_asked_and_each_thing_once() -> None:
    """More than two hundred, apart from those that help to choose."""
    things = read_things()
    assert len({one.name for one in things}) == len(things)
    assert sum(one.part == "test" for one in things) > 200
    assert {one.part for one in things} == {"test", "validation"}
    assert all(one.question.endswith(one.name) for one in things)


def test_a_class_shows_what_its_name_has_all_words_of() -> None:
    """Another name will do; a part of one leaves it open; other classes show nothing of it."""
    assert flags("caltech101/x", ["a photo of a grand piano", "grand piano"], "grand piano")[0]
    assert flags("tiny-imagenet/x", ["a photo of a beacon"], "lighthouse") == (True, True)
    assert flags("tiny-imagenet/x", ["a photo of a organ"], "grand piano") == (False, True)
    assert flags("tiny-imagenet/x", ["a photo of a lemon"], "grand piano") == (False, False)


def test_people_have_to_agree() -> None:
    """What fewer of them speak of may be there, and is not asked for as absent."""
    captions = ["A brown dog .", "Two dogs run .", "The dog jumps .", "An animal .", "A pet ."]
    assert flags("flickr8k/x", captions, "dog") == (True, True)
    assert flags("flickr8k/x", captions[MOST - 1 :], "dog") == (False, True)
    assert flags("flickr8k/x", captions[MOST:], "dog") == (False, False)


def test_plurals_are_words() -> None:
    """But no other endings are cut."""
    assert words_of("Two dogs, a bus and the grass") == {
        "two", "dog", "bus", "and", "the", "grass",
    }  # fmt: skip
