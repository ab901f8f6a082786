"""Settings are checked, explained, and none of them is wrong in two ways at once."""

from __future__ import annotations

import pytest

from photosd.core import config
from photosd.core.config import Settings
from photosd.core.errors import ConfigError

DEFAULTS = config.defaults()
NUMBERS = [name for name, setting in DEFAULTS.items() if type(setting.default) in (int, float)]
TEXTS = [name for name, setting in DEFAULTS.items() if type(setting.default) is str]
NOT_FINITE = ["1_0", "inf", "-inf", "nan", "1e999", "-1e999", "infinity", "9" * 400, "9" * 5000]


@pytest.mark.parametrize("text", NOT_FINITE)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_finite_and_fit(name: str, text: str) -> None:
    """No computation gets NaN, infinity or 10^400."""
    with pytest.raises(ConfigError, match=name) as caught:
        config.parsed(name, text)
    assert caught.value.remedy
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", ["", "x y?", "-1", "1e99", "9" * 30, "nan", "\x01"])
@pytest.mark.parametrize("name", DEFAULTS)
def test_a_refusal_is_in_plain_words(name: str, value: str) -> None:
    """No regular expression, and no type of a programming language."""
    try:
        config.parsed(name, value)
    except ConfigError as error:
        _, must, wanted = str(error).rpartition(": it must be ")
        assert must and not set("`^$*") & set(wanted), error


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400, True, "1", None, [], {}])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_in_the_file_are_checked_alike(name: str, value: object) -> None:
    """TOML has inf, nan and whole numbers of any length."""
    with pytest.raises(ValueError):
        config.checked(name, value)


@pytest.mark.parametrize("text", ["a\nb", "a\0", "\udcff", "\x1b[2J"])
@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_one_line_of_text(name: str, text: str) -> None:
    """No file name, command or URL with a NUL, a newline or half a character."""
    with pytest.raises(ConfigError, match=name):
        config.parsed(name, text)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("search.limit", "0", "from 1 to 1,000"),
        ("search.limit", "many", "whole number"),
        ("search.limit", "3.5", "whole number"),
        ("watch.settle_seconds", "soon", "must be a number"),
        ("search.limits", "1", "unknown setting 'search.limits'"),
        ("nothing", "1", "unknown setting"),
        ("log.level", "loud", "loud"),
        ("", "", "unknown setting"),
    ],
)
def test_nonsense_is_refused(name: str, text: str, says: str) -> None:
    """With the setting's name and a remedy."""
    with pytest.raises(ConfigError, match=says) as caught:
        config.parsed(name, text)
    assert caught.value.remedy


def test_a_near_name_is_offered() -> None:
    """As people mistype."""
    with pytest.raises(ConfigError) as caught:
        config.parsed("search.limits", "1")
    assert "search.limit?" in caught.value.remedy


def test_every_setting_is_described() -> None:
    """Name, type, meaning; and its default is a value that it may have."""
    for setting in config.describe(Settings()):
        assert setting.description
        assert setting.type
        assert config.parsed(setting.name, str(setting.default)) == setting.default
