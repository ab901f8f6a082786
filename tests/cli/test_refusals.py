"""What the command refuses, by which exit code, and with which remedy."""

from __future__ import annotations

import importlib

import click
import pytest

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd_cli.group import AnyPath
from photosd_cli.main import wants_json
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, error


@pytest.mark.parametrize("kind", PhotosdError.__subclasses__(), ids=lambda kind: kind.code)
@pytest.mark.parametrize("line", ["query cat", "folders"])
def test_each_error_has_its_exit_code(
    stub: StubDaemon, photosd: Photosd, kind: type[PhotosdError], line: str
) -> None:
    """The codes of the contract, the same on the quick way and on click's."""
    stub.answers.update(query=error(kind.code), folders=error(kind.code))
    assert photosd(*line.split()).code == kind.exit_code


def test_the_exit_codes_are_those_of_the_contract() -> None:
    """Scripts rely on them."""
    codes = {kind.code: kind.exit_code for kind in PhotosdError.__subclasses__()}
    assert codes["bad_request"] == 2
    assert codes["not_running"] == 3
    assert codes["warming"] == 4
    assert codes["encoder_unavailable"] == codes["deadline_exceeded"] == 5


def test_wants_json_looks_at_options_only() -> None:
    """After `--` everything is words."""
    assert wants_json(["query", "x", "--json"])
    assert wants_json(["query", "-", "--jsonl"])
    assert not wants_json(["query", "--", "--json"])


@pytest.mark.parametrize("name", ["add", "remove", "show", "reindex"])
def test_the_daemon_judges_paths_not_click(name: str) -> None:
    """Its refusal has a remedy; click's "is not readable" has none."""
    module = importlib.import_module(f"photosd_cli.commands.{name}")
    paths = [p.type for p in module.command.params if isinstance(p.type, click.Path)]
    assert paths and all(isinstance(path, AnyPath) for path in paths)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("model use nosuch", 1),
        ("model use ../evil", 1),
        ("model remove nosuch", 1),
        ("model remove starter", 2),
        ("model pull nosuch", 1),
        ("model pull ViT-B-32/nosuch/x", 2),
        ("model import /nosuch.pt --arch ViT-B-32", 2),
        ("model import /dev/null --arch nosuch", 1),
        ("model import /dev/null --name starter", 2),
        ("model import /dev/null --name a/b/c", 2),
    ],
)
def test_a_model_that_is_misnamed_is_no_error_of_the_daemon(
    photosd: Photosd, home: Home, line: str, code: int
) -> None:
    """Scripts tell by 5 that something is broken."""
    ran = photosd(*line.split())
    assert ran.code == code, ran.err
    assert "photosd model" in ran.err or "path" in ran.err or "--name" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ["on", ""],
        ["on", " ", "--notify"],
        ["on", "", ""],
        ["model", "use", ""],
        ["model", "remove", ""],
        ["model", "pull", ""],
        ["model", "import", ""],
        ["config", "get", ""],
        ["config", "set", "", "5"],
        ["cloud", "preview", "/p", "-o", ""],
        ["bugreport", "-o", ""],
        ["folders", "accept", ""],
        ["add", ""],
    ],
    ids=" ".join,
)
def test_an_empty_value_is_refused_as_such(
    stub: StubDaemon, photosd: Photosd, words: list[str]
) -> None:
    """As a script's unset variable gives it; `model import` took it for the folder it ran in."""
    ran = photosd(*words)
    assert ran.code == 2 and "empty" in ran.err, ran
    assert not stub.requests


def test_a_name_that_no_model_can_have_gets_a_remedy_that_works(
    photosd: Photosd, home: Home
) -> None:
    """`--name ../evil` would be refused, too."""
    assert "photosd model list" in photosd("model", "use", "../evil").err
