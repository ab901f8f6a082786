"""Help: every command explains itself, and a typing error gets a hint."""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
import shutil
import subprocess
import sys

import click
import pytest

import photosd
import photosd_cli.commands
from photosd_cli import command_names
from photosd_cli.command_names import SECTIONS, SYNONYMS
from photosd_cli.group import cli
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, hit, query_result, status_result

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
    assert photosd("help", "all").out == out


def test_without_arguments_the_first_commands_are_shown(photosd: Photosd) -> None:
    """Ten lines at most."""
    ran = photosd()
    assert ran.code == 0
    assert len(ran.out.splitlines()) <= 10
    for command in ("photosd add", 'photosd "red car"', "photosd status", "photosd help all"):
        assert command in ran.out
    assert photosd("help").out == ran.out


def test_help_of_one_command(photosd: Photosd) -> None:
    """By its name or alias; the same as `--help`."""
    for name, whole in (("query", "query"), ("find", "query"), ("model use", "model use")):
        assert photosd("help", *name.split()).out == photosd(*whole.split(), "--help").out
    ran = photosd("help", "query", "x")
    assert ran.code == 2 and "photosd help all" in ran.err


def test_every_data_command_has_json() -> None:
    """Except commands that only start another program, or only print text for people."""
    for name, command in every_command():
        options = {option for parameter in command.params for option in parameter.opts}
        spoken = (
            "run",
            "demo",
            "completion",
            "config",
            "service",
            "model",
            "mcp",
            "cloud",
            "help",
            "web",
            "tui",
        )
        assert ("--json" in options) == (name not in spoken), name


@pytest.mark.parametrize(
    "words",
    ["red car", "snow", "clouds", "sun", "people at the beach", "photos of cats", "search red car",
     "find sunset", "שקיעה", "add-on", "show me dogs"],
)  # fmt: skip
def test_words_are_a_query(stub: StubDaemon, photosd: Photosd, words: str) -> None:
    """Unless the first is a command."""
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    if words.startswith("show "):
        assert photosd(*words.split()).code == 2
        return
    assert photosd(*words.split()).code == 0
    asked = words.removeprefix("search ").removeprefix("find ")
    assert stub.params("query")[-1]["text"] == asked
    assert photosd(words).code == 0  # in quotes
    assert photosd(*words.split(), "--since", "2019", "-n", "3").code == 0  # parsed by click
    assert stub.params("query")[-1]["text"] == asked


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stauts", "status"),
        ("purgee", "purge"),
        ("folder", "folders"),
        ("rm x", "remove"),
        ("remvoe Pictures", "remove"),
        ("watch ~/Pictures", "add"),
        ("dublicates", "duplicates"),
        ("modle lsit", "model"),
        ("confg get", "config"),
        ("people", "facets --kind person"),
        ("qeury x", "query"),
        ("serach x", "query"),
    ],
)
def test_words_near_a_command_are_asked_about(
    stub: StubDaemon, photosd: Photosd, typed: str, meant: str
) -> None:
    """Without a terminal: an error with both ways, and nothing is done."""
    ran = photosd(*typed.split())
    assert ran.code == 2 and not stub.requests
    told = " ".join([meant, *typed.split()[1:]]).replace("~/Pictures", "'~/Pictures'")
    assert f"Did you mean {meant!r}? Run: photosd {told}. To search: photosd query " in ran.err
    assert json.loads(photosd(*typed.split(), "--json").out)["error"]["code"] == "bad_request"


@pytest.mark.parametrize(("answer", "op"), [("y", "status"), ("", "query"), ("n", "query")])
def test_the_user_decides(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch, answer: str, op: str
) -> None:
    """On a terminal; Enter searches."""
    stub.answers.update(query=query_result(hit("/p/a.jpg")), status=status_result())
    monkeypatch.setattr("photosd_cli.console.is_terminal", lambda stream: stream is not sys.stdout)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    ran = photosd("stauts", "--json")
    assert [request["op"] for request in stub.requests] == [op]
    assert "Did you mean: photosd status?" in ran.err


@pytest.mark.parametrize(
    "typed",
    [
        "last summer",
        "last summer 2019",
        "stop sign, Tel-Aviv 2019",
        "service dog",
        "more cats and dogs",
        "cloud over the sea",
        "similar dogs 2019",
    ],
)
def test_a_query_that_begins_like_a_command_is_told_how_to_search(
    stub: StubDaemon, photosd: Photosd, typed: str
) -> None:
    """Nothing is done; options, paths and single words are no query."""
    ran = photosd(*typed.split())
    assert ran.code == 2 and not stub.requests
    assert ran.err.endswith(f"To search for these words: photosd query '{typed}'\n")
    for other in ("stop --hard", "last /p/a.jpg", "more 5", "model"):
        assert "To search" not in photosd(*other.split()).err


@pytest.mark.parametrize("typed", ["--person Noa", "-n 3 beach", "--weak beach"])
def test_an_option_of_query_is_told_where_it_belongs(photosd: Photosd, typed: str) -> None:
    """Instead of a similar one that photosd itself has."""
    ran = photosd(*typed.split())
    assert ran.code == 2 and "It is an option of: photosd query" in ran.err
    assert "Did you mean" not in ran.err
    assert "photosd query" not in photosd("--vers").err


def test_every_synonym_is_a_word_of_its_own_for_a_command() -> None:
    commands = {name for name, _ in every_command()}
    assert {meant.split()[0] for meant in SYNONYMS.values()} <= commands
    assert set(command_names.ALIASES.values()) <= commands
    assert not commands & {*SYNONYMS, *command_names.ALIASES}


def test_what_is_known_of_commands_is_true() -> None:
    """Subcommands, and which commands need arguments."""
    below = {
        name: set(command.commands)
        for name, command in every_command()
        if isinstance(command, click.Group)
    }
    assert {name: set(known) for name, known in command_names.SUBCOMMANDS.items()} == below
    needed = {
        name
        for name, command in every_command()
        if any(isinstance(p, click.Argument) and p.required for p in command.params)
    }
    lone = {name for name in needed if " " not in name}
    assert command_names.NEEDS_ARGUMENTS - {"query", "on"} == lone


@pytest.mark.parametrize("group", [(), ("cloud",), ("folders",)])
def test_help_shows_whole_sentences(photosd: Photosd, group: tuple[str, ...]) -> None:
    """In as many lines as it takes."""
    assert "..." not in photosd(*group, "--help").out.split("Options:")[1]


def test_version_is_ours(photosd: Photosd) -> None:
    """Without a daemon."""
    assert photosd("--version").out.split()[-1] == photosd_version()
    assert photosd("version").out == f"photosd {photosd_version()}\n"


def test_the_version_of_the_daemon_is_told(stub: StubDaemon, photosd: Photosd) -> None:
    stub.answers["hello"] = {"version": "0.0.9"}
    assert json.loads(photosd("version", "--json").out)["daemon"] == "0.0.9"
    assert "daemon  0.0.9" in photosd("version").out


def photosd_version() -> str:
    return photosd.__version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid(photosd: Photosd, shell: str) -> None:
    """As the shell itself judges, where it is here."""
    script = photosd("completion", shell).out
    assert "_PHOTOSD_COMPLETE" in script
    widget = photosd("completion", shell, "--widget").out
    if found := shutil.which(shell):
        for one in (script, widget):
            subprocess.run([found, "-n"], input=one.encode(), timeout=30, check=True)


def test_a_hidden_option_is_not_suggested(photosd: Photosd) -> None:
    """Others that are spelled so are."""
    ran = photosd("query", "--title", "x")
    assert "--until" in ran.err and "--table" not in ran.err and ran.code == 2
