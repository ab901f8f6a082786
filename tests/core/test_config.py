"""Settings are checked, explained, and changed without losing the user's comments."""

from __future__ import annotations

from pathlib import Path

import pytest

from photosd.core import config
from photosd.core.errors import ConfigError


def test_silence_means_defaults(tmp_path: Path) -> None:
    """No file is no error."""
    assert config.load(tmp_path / "none.toml") == config.Settings()


def test_a_change_keeps_comments_and_survives_reading(tmp_path: Path) -> None:
    """The file stays the user's."""
    file = tmp_path / "config.toml"
    file.write_text("# mine\n[search]\nlimit = 5 # few\n")
    config.change(file, "decode.workers", "3")
    assert "# mine" in file.read_text()
    assert "# few" in file.read_text()
    assert config.load(file).search.limit == 5
    assert config.load(file).decode.workers == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("search.limit", "0"),
        ("search.limit", "many"),
        ("search.nothing", "1"),
        ("nothing", "1"),
        ("log.level", "loud"),
        ("", ""),
    ],
)
def test_nonsense_is_refused_and_nothing_written(tmp_path: Path, name: str, value: str) -> None:
    """With the setting's name and a remedy."""
    file = tmp_path / "config.toml"
    with pytest.raises(ConfigError) as caught:
        config.change(file, name, value)
    assert caught.value.remedy
    assert not file.exists()


@pytest.mark.parametrize("text", ["[search]\nlimit = 'x'", "[serch]\nlimit = 1", "not toml ="])
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str) -> None:
    """Instead of being half read."""
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        config.load(file)


def test_every_setting_is_described() -> None:
    """Name, type, meaning."""
    for setting in config.describe(config.Settings()):
        assert setting.description
        assert setting.type
