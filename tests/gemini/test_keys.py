"""Where a key comes from, which one counts, and how it is kept from being seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from photosd.core import settings_file
from photosd.core.config import CloudSettings
from photosd.core.errors import CloudNotPermitted
from photosd.gemini.consent import ConsentFile, digest, terms_of
from photosd.gemini.environment import Environment
from photosd.gemini.gate import Gate
from photosd.gemini.keys import dotenv_mode, find_key
from photosd.gemini.ledger import Ledger
from photosd.index.database import Database

NOTHING = Environment()


def put(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_first_place_that_has_one_counts(tmp_path: Path) -> None:
    """Environment, file, .env, command; each is used when those before it are not there."""
    command = CloudSettings(key_command="printf key-of-the-command")
    assert find_key(tmp_path, command, NOTHING).reveal() == "key-of-the-command"
    put(tmp_path / ".env", "A=b\nexport GEMINI_API_KEY='key-of-dotenv'\n")
    assert find_key(tmp_path, command, NOTHING).reveal() == "key-of-dotenv"
    put(tmp_path / "gemini.key", "key-of-the-file\n")
    assert find_key(tmp_path, command, NOTHING).reveal() == "key-of-the-file"
    named = CloudSettings(key_file=str(put(tmp_path / "mine", "key-of-a-named-file")))
    assert find_key(tmp_path, named, NOTHING).reveal() == "key-of-a-named-file"
    assert find_key(tmp_path, named, Environment(key="key-of-env")).source == "GEMINI_API_KEY"


@pytest.mark.parametrize("name", ["gemini.key", ".env"])
@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    put(tmp_path / name, "GEMINI_API_KEY=key-for-everybody", mode)
    with pytest.raises(CloudNotPermitted, match="other users can read") as refused:
        find_key(tmp_path, CloudSettings(), NOTHING)
    assert refused.value.remedy.startswith("chmod 600")


@pytest.mark.parametrize("text", ["", "two words", "a\nb", "short", "ключ-ключ", "x" * 600])
def test_what_cannot_be_a_key_is_none(tmp_path: Path, text: str) -> None:
    """And is not repeated by the error: it may be another secret."""
    put(tmp_path / "gemini.key", text)
    with pytest.raises(CloudNotPermitted, match="does not hold a key") as refused:
        find_key(tmp_path, CloudSettings(), NOTHING)
    assert not text or text not in str(refused.value)


def test_a_pipe_as_key_file_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gemini.key", 0o600)
    with pytest.raises(CloudNotPermitted):
        find_key(tmp_path, CloudSettings(), NOTHING)
    with pytest.raises(CloudNotPermitted, match="cannot be read"):
        find_key(tmp_path, CloudSettings(key_file=str(tmp_path / "absent")), NOTHING)
    (tmp_path / "gemini.key").unlink()
    with pytest.raises(CloudNotPermitted, match="there is no key"):
        find_key(tmp_path, CloudSettings(), NOTHING)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("sh -c 'echo secret >&2; exit 3'", "exit code 3"),
        ("no-such-program", "cannot be run"),
        ("unbalanced 'quote", "cannot be run"),
        ("sleep 30", "did not finish"),
    ],
)
def test_a_command_that_fails_says_how_and_nothing_else(
    tmp_path: Path, command: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photosd.gemini.keys.COMMAND_SECONDS", 0.5)
    with pytest.raises(CloudNotPermitted, match=says) as refused:
        find_key(tmp_path, CloudSettings(key_command=command), NOTHING)
    assert "secret" not in str(refused.value)


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    put(tmp_path / "gemini.key", "key-of-the-file")
    key = find_key(tmp_path, CloudSettings(), NOTHING)
    assert "key-of-the-file" not in f"{key!r} {key}"
    assert key.hide_in("bad key key-of-the-file!") == "bad key [key]!"
    assert "hidden" not in repr(Environment(key="hidden-hidden"))


def test_the_environment_is_read_once_and_emptied() -> None:
    variables = {
        "GEMINI_API_KEY": " key-of-env ",
        "EMBEDDING_MODE": "Hybrid",
        "GOOGLE_API_KEY": "another",
        "GOOGLE_GEMINI_BASE_URL": "http://elsewhere",
        "SSLKEYLOGFILE": "/tmp/keys",
        "PATH": "/bin",
    }
    assert Environment.take(variables) == Environment("key-of-env", "hybrid")
    assert variables == {"PATH": "/bin"}


def test_a_mode_may_stand_in_dotenv(tmp_path: Path) -> None:
    assert dotenv_mode(tmp_path) == ""
    put(tmp_path / ".env", 'EMBEDDING_MODE="gemini"\n')
    assert dotenv_mode(tmp_path) == "gemini"


@pytest.mark.parametrize("named", ["local", " Local", "hybrid", "gemini", "off"])
def test_a_dotenv_that_others_may_read_closes_and_opens_nothing(tmp_path: Path, named: str) -> None:
    """Whatever the settings say; where it says nothing of the mode, they hold."""
    ConsentFile(tmp_path).give(
        "gemini", CloudSettings(), digest(terms_of("gemini", CloudSettings()))
    )
    file = put(tmp_path / ".env", f"\ufeffEMBEDDING_MODE='{named}'\n", 0o644)
    gate = gate_of(tmp_path, CloudSettings(mode="gemini"), "")
    assert gate.wanted == "local"
    if named.strip().lower() != "local":
        assert gate.closed is not None and gate.closed.remedy.startswith("chmod 600")
        assert not gate.permits("hybrid", "query")
    file.write_text("GEMINI_API_KEY=key-of-dotenv\n")
    assert (gate.wanted, gate.closed) == ("gemini", None)
    file.unlink()
    file.mkdir()
    assert gate.wanted == "local" and gate.closed is not None


@pytest.mark.parametrize("named", ["hybrid", "gemini"])
@pytest.mark.parametrize("place", ["environment", "dotenv", "request"])
def test_settings_that_make_no_sense_send_nothing(tmp_path: Path, named: str, place: str) -> None:
    """A file with an error permits nothing, in any mode: its proxy or budget may be missing."""
    file = tmp_path / "config.toml"
    file.write_text('[cloud]\nproxy = "http://127.0.0.1:1\n')
    ConsentFile(tmp_path).give(
        "gemini", CloudSettings(), digest(terms_of("gemini", CloudSettings()))
    )
    if place == "dotenv":
        put(tmp_path / ".env", f"EMBEDDING_MODE={named}\n")
    mode = named if place == "environment" else ""
    gate = gate_of(tmp_path, settings_file.load(file).cloud, mode)
    assert gate.wanted == "local"
    assert not gate.permits(named, "query") and not gate.permits(named, "photos")
    with pytest.raises(CloudNotPermitted, match="is valid"):
        gate.require(named, "query")
    file.write_text('[cloud]\nmode = "hybrid"\n')
    gate.settings = settings_file.load(file).cloud
    assert gate.wanted == (named if place != "request" else "hybrid")
    assert gate.permits(named, "query")


def test_what_is_no_mode_sends_nothing(tmp_path: Path) -> None:
    """`EMBEDDING_MODE=off` means neither what the settings say nor what a request names."""
    ConsentFile(tmp_path).give(
        "gemini", CloudSettings(), digest(terms_of("gemini", CloudSettings()))
    )
    gate = gate_of(tmp_path, CloudSettings(mode="gemini"), "off")
    assert gate.wanted == "local"
    for mode in ("hybrid", "gemini"):
        assert not gate.permits(mode, "query")
        with pytest.raises(CloudNotPermitted, match="invalid value 'off'"):
            gate.require(mode, "query")


def gate_of(config: Path, settings: CloudSettings, mode: str) -> Gate:
    """A gate in an environment that names a mode."""
    return Gate(config, settings, Ledger(Database(config / "catalog.db")), Environment(mode=mode))
