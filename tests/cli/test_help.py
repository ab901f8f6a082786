"""Help: every command explains itself, and a typing error gets a hint."""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
import subprocess

import click
import pytest

import photosd
import photosd_cli.commands
from photosd_cli.group import SECTIONS, SYNONYMS, cli
from tests.cli.conftest import Photosd

COMMANDS = [name for names in SECTIONS.values() for name in names]


def every_command() -> list[tuple[str, click.Command]]:
    """Each command and sub-command with its full name."""
    found = []
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", inner) for sub, inner in command.commands.items()]
    return found


@pytest.mark.parametrize(("name", "command"), every_command(), ids=lambda value: str(value))
def test_every_command_explains_itself(photosd: Photosd, name: str, command: click.Command) -> None:
    """In a sentence, with help for each option; `-h` and `--help` are the same."""
    ran = photosd(*name.split(), "--help")
    assert ran.code == 0
    assert f"Usage: photosd {name}" in ran.out
    assert command.help
    assert command.get_short_help_str(80)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{name} {parameter.opts}"
    assert photosd(*name.split(), "-h").out == ran.out


def test_every_module_is_a_command_in_some_section() -> None:
    """A file in `commands/` that no section names would be unreachable."""
    modules = {module.name for module in pkgutil.iter_modules(photosd_cli.commands.__path__)}
    assert modules == set(COMMANDS)
    for name in modules:
        assert importlib.import_module(f"photosd_cli.commands.{name}").command is not None


def test_help_has_sections_and_only_full_ones(photosd: Photosd) -> None:
    """In the order of use."""
    out = photosd("--help").out
    headings = [line[:-1] for line in out.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == ["Options", *(name for name, commands in SECTIONS.items() if commands)]
    assert "Exit codes" in out
    assert photosd().out == out
    assert photosd().code == 0


def test_every_data_command_has_json() -> None:
    """Except commands that only start another program, or only print text for people."""
    for name, command in every_command():
        options = {option for parameter in command.params for option in parameter.opts}
        spoken = ("run", "demo", "completion", "config", "service", "model", "mcp", "cloud")
        assert ("--json" in options) == (name not in spoken), name


def test_words_that_are_no_command_may_be_a_search(photosd: Photosd) -> None:
    """The whole command is told, to be copied."""
    assert "To search: photosd query 'red car'\n" in photosd("red", "car", "-n", "3").err
    assert "To search: photosd query 'a\\x1b[1m'\n" in photosd("a\x1b[1m").err


def test_words_of_other_programs_suggest_the_command(photosd: Photosd) -> None:
    """A word for searching is not part of the suggested query."""
    assert (
        "Did you mean 'query'? To search: photosd query 'red car'\n"
        in photosd("search", "red", "car").err
    )
    assert "To search: photosd query WORDS\n" in photosd("find").err
    assert "Did you mean 'remove'?" in photosd("rm", "x").err


def test_every_synonym_is_a_word_of_its_own_for_a_command() -> None:
    commands = {name for name, _ in every_command()}
    assert {meant.split()[0] for meant in SYNONYMS.values()} <= commands
    assert not commands & set(SYNONYMS)


@pytest.mark.parametrize("group", [(), ("cloud",), ("folders",)])
def test_help_shows_whole_sentences(photosd: Photosd, group: tuple[str, ...]) -> None:
    """In as many lines as it takes."""
    assert "..." not in photosd(*group, "--help").out.split("Options:")[1]


@pytest.mark.parametrize(("typed", "meant"), [("stauts", "status"), ("serach", None)])
def test_a_typing_error_gets_a_hint(photosd: Photosd, typed: str, meant: str | None) -> None:
    """Exit code 2."""
    ran = photosd(typed)
    assert ran.code == 2
    assert (f"Did you mean {meant!r}?" in ran.err) == (meant is not None)
    assert json.loads(photosd(typed, "--json").out)["error"]["code"] == "bad_request"


def test_version_is_ours(photosd: Photosd) -> None:
    """Without a daemon."""
    assert photosd("--version").out.split()[-1] == photosd_version()


def photosd_version() -> str:
    return photosd.__version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid(photosd: Photosd, shell: str) -> None:
    """As the shell itself judges, where it is here."""
    script = photosd("completion", shell).out
    assert "_PHOTOSD_COMPLETE" in script
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=script.encode(), timeout=30, check=True)


def test_kinds_of_values_suggest_their_list(photosd: Photosd) -> None:
    """The whole command, to be copied."""
    assert "Did you mean 'facets --kind person'?" in photosd("people").err


def test_a_hidden_option_is_not_suggested(photosd: Photosd) -> None:
    """Others that are spelled so are."""
    ran = photosd("query", "--title", "x")
    assert "--until" in ran.err and "--table" not in ran.err and ran.code == 2
