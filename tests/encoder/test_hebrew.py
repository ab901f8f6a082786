"""Hebrew queries in English: prefixes, endings, spellings, order, and what is left alone."""

from __future__ import annotations

import pytest

from photosd.encoder.glossary import Glossary, plural
from photosd.encoder.hebrew import splits
from photosd.encoder.model import WarmModel
from photosd.encoder.tokenizer import TextTokenizer
from photosd.models.spec import STARTER, read_model

SPEC = read_model(STARTER)
FILE = STARTER / "hebrew.txt"
FEWEST = 6000  # spellings in the glossary


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return TextTokenizer(SPEC, STARTER)


@pytest.mark.parametrize(
    ("hebrew", "english"),
    [
        ("כלב", "dog"),
        ("כלבים", "dogs"),
        ("הכלבים", "dogs"),
        ("כלב על החוף", "dog on beach"),
        ("חתול ליד הים", "cat next to sea"),
        ("פרח ורוד", "pink flower"),
        ("פרחים ורודים", "pink flowers"),
        ("שמלה לבנה", "white dress"),
        ("מכונית אדומה ברחוב", "red car in street"),
        ("כלב שחור גדול", "big black dog"),
        ("ילדות רוקדות", "girls dancing"),
        ("אישה שרוקדת", "woman dancing"),
        ("בחדר אמבטיה", "in bathroom"),
        ("שדות תעופה", "airports"),
        ("בשדה התעופה", "in airport"),
        ("קערת פירות", "bowl of fruit"),
        ("נרות ובלונים", "candles and balloons"),
        ("חתול אוכל", "cat eating"),
        ("חול מדבר", "desert sand"),
        ("אנשים ברכבת", "people in train"),
        ("הרים מושלגים", "snowy mountains"),
        ("תמונה של כלב", "a photo of dog"),
        ("גבר על אופנוע", "man on motorcycle"),
        ("אופניים", "bicycle"),
        ("ערפל בהרים", "fog in mountains"),
        ("בבוקר", "in morning"),
        ("צוללים", "scuba divers"),
        ("גמלים במדבר", "camels in desert"),
        ("פרות בשדה ירוק", "cows in green field"),
        ("קיר לבנים", "bricks wall"),
        ("איש זקן", "old man"),
        ("ילד קטן", "small boy"),
        ("ילדה קטנה", "small girl"),
        ("סבא מחבק נכדים", "grandfather hugging grandchildren"),
        ("דגים", "fish"),
        ("נשים שמנות", "fat women"),
        ("3כלבים", "3 dogs"),
        ("כלבתי", "dog"),
        ("החתולים שלנו וכלביי", "cats and dog"),
        ("משפחתנו", "family"),
        ("כשאכלתי פיצה", "eating pizza"),
        ("נטייל בהרים", "hiking walking in mountains"),
        ("טסנו", "flying"),
        ("הדלקנו נרות", "lighting candles"),
        ("ילדה ישנה על הספה", "girl sleeping on couch"),
        ("רצה ביער", "runner in forest"),
        ("כלב שחור במים", "black dog in water"),
        ("כלב נכנס למים", "dog entering into water"),
        ("שני צעירים", "two young people"),
        ("ילדה עושה כביסה", "girl laundry"),
        ("מזוודות", "suitcase luggage"),
    ],
)
def test_words_with_prefixes_and_endings(
    tokenizer: TextTokenizer, hebrew: str, english: str
) -> None:
    assert tokenizer.readings(hebrew)[0] == english
    assert tokenizer.understood(hebrew) == (1, [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("שׁוּלְחָן", "שולחן"),
        ("שלחן", "שולחן"),
        ("צפור", "ציפור"),
        ("אמבטייה", "אמבטיה"),
        ("ג׳ירפה", "ג'ירפה"),
        ("גירפה", "ג'ירפה"),
        ("פרחימ", "פרחים"),
        ("השקיעההה", "שקיעה"),
        ("הצפור", "ציפור"),
        ("הג'יפים", "ג'יפים"),
        ("בית־ספר", "בית ספר"),
        ("בית-ספר", "בית ספר"),
        ("'כלב'", "כלב"),
        ('"כלב"', "כלב"),
        ("בובת שלג", "איש שלג"),
    ],
)
def test_spellings_of_one_word(tokenizer: TextTokenizer, one: str, other: str) -> None:
    assert tokenizer.readings(one) == tokenizer.readings(other)


def test_a_word_with_two_meanings_has_two_readings(tokenizer: TextTokenizer) -> None:
    assert tokenizer.readings("שעון גדול") == ("big clock", "big watch")


def test_the_context_decides(tokenizer: TextTokenizer) -> None:
    """People sleep, things are old; a thing is white, a wall is of bricks."""
    assert tokenizer.readings("איש ישן") == ("man sleeping",)
    assert tokenizer.readings("דיוקן ישן") == ("old portrait",)
    assert tokenizer.readings("אוכל")[0] == "food"


def test_names_and_unknown_words_are_left_alone_and_named(tokenizer: TextTokenizer) -> None:
    """Function words say nothing: they are neither known nor unknown."""
    assert tokenizer.readings("דני בחוף") == ("in beach",)
    assert tokenizer.readings("אוטובוס אדום בלונדון") == ("red bus",)
    assert tokenizer.understood("דני בחוף") == (0.5, ["דני"])
    for name in ("דפנה", "טל", "לילך", "ארז", "נתן", "איתמר", "נועה"):
        assert tokenizer.understood(name) == (0, [name])
    assert tokenizer.understood("רוטשילד על דיזנגוף") == (0, ["רוטשילד", "דיזנגוף"])
    assert tokenizer.readings("דומדקא") == ("דומדקא",)
    assert tokenizer.understood("על של") == (0, [])


@pytest.mark.parametrize(
    "word",
    [
        "מדינה",
        "תיקון",
        "ציוני",
        "קורס",
        "ישראל",
        "יונתן",
        "יצחק",
        "עצמנו",
        "המניות",
        "תקנות",
        "לקידום",
        "תוכנית",
        "שאלות",
        "כללי",
        "מיוחדות",
        "ביקורת",
    ],
)
def test_other_words_are_not_other_spellings(tokenizer: TextTokenizer, word: str) -> None:
    """They have the consonants of things: sand dune, cockroach, cold, hook, from turtle."""
    assert tokenizer.understood(word) == (0, [word])


def test_hebrew_and_english_in_one_query(tokenizer: TextTokenizer) -> None:
    assert tokenizer.readings("כלב on the couch") == ("dog on the couch",)
    assert tokenizer.understood("כלב on the xyzzy") == (0.75, ["xyzzy"])


def test_what_is_only_similar_is_encoded_but_not_understood(tokenizer: TextTokenizer) -> None:
    assert tokenizer.readings("ג'ירפה") == tokenizer.readings("giraffe") != ("giraffe",)
    assert tokenizer.understood("ג'ירפה") == (0, ["ג'ירפה"])
    assert tokenizer.understood("ירושלים") == (0, ["ירושלים"])


def test_english_is_left_as_it_is(tokenizer: TextTokenizer) -> None:
    for text in ("a dog on the beach", "Cafe 2019", "", "🐶", "日落"):
        assert tokenizer.readings(text) == (text,)


def test_vectors_of_hebrew_are_those_of_english() -> None:
    """The mean of both meanings, if there are two."""
    model = WarmModel(SPEC, STARTER, lambda _phase: None)
    hebrew = model.encode_texts(["כלב", "שעון", "a dog"])
    english = model.encode_texts(["dog", "clock", "watch", "a dog"])
    assert hebrew[0] @ english[0] == pytest.approx(1, abs=1e-5)
    assert hebrew[2] @ english[3] == pytest.approx(1, abs=1e-5)
    assert hebrew[1] @ english[1] > hebrew[1] @ english[2] > english[1] @ english[2]
    assert (hebrew**2).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_long_text_is_read_up_to_its_limit(tokenizer: TextTokenizer) -> None:
    used = tokenizer.words_used(" ".join(["כלב על החוף"] * 30))
    assert used is not None and 10 < used < 90
    assert tokenizer.words_used("כלב על החוף") is None


def test_prefixes_come_in_their_order() -> None:
    assert list(splits("והכלב"))[:3] == [("", "והכלב"), ("ו", "הכלב"), ("וה", "כלב")]
    assert ("כשב", "ית") not in list(splits("כשבא"))


@pytest.mark.parametrize(
    ("one", "many"),
    [("dog", "dogs"), ("old man", "old men"), ("sheep", "sheep"), ("city", "cities"),
     ("bench", "benches"), ("stairs", "stairs"), ("boy", "boys"),
     ("goldfish", "goldfish"), ("grandchild", "grandchildren")],
)  # fmt: skip
def test_plurals_in_english(one: str, many: str) -> None:
    assert plural(one) == many


def test_the_glossary_is_consistent(tokenizer: TextTokenizer) -> None:
    """Each line has a sign and a spelling; a spelling has one line for each kind of word."""
    kind, seen = "", set[tuple[str, str]]()
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
            continue
        if line.startswith("#") or kind == "unseen":
            continue
        spellings, sign, english = line.replace("~", "=").partition("=")
        assert sign and spellings.strip(), line
        assert english.strip() or kind == "word", line
        for spelling in (one.strip() for one in spellings.split(",")):
            assert spelling and (kind, spelling) not in seen, line
            seen.add((kind, spelling))
    assert len(seen) >= FEWEST


def test_a_glossary_of_any_model() -> None:
    glossary = Glossary(["[noun]", "כלב = dog", "", "[adjective]", "קטן ~ small"])
    assert glossary.read(["הכלב", "הקטן"]).texts == ("small dog",)
    assert glossary.read(["הכלב", "הקטן"]).words == (("הכלב", "dog"), ("הקטן", None))
    assert glossary.read([]).texts == ()
