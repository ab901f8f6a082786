"""What reaches Gemini, of every operation and command: what privacy.md lists, and no more."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from photosd.core.errors import BadRequest, CloudNotPermitted, PhotosdError
from photosd.protocol.requests import OPERATIONS
from photosd_cli import mcp_server
from photosd_cli.command_names import SECTIONS
from photosd_cli.group import LazyGroup
from photosd_cli.main import main
from tests.conftest import ENCODER_STANDS_IN
from tests.gemini.conftest import MARKED, Cloudy
from tests.gemini.fake_gemini import wait_for

OURS = "שקיעה מעל הים"  # what a test of the key sends
NOTHING: list[str] = []

# Every operation: calls of it, and the words of these calls that may arrive.
OPERATION_CALLS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "hello": ([{}], NOTHING),
    "query": (
        [
            {"text": "by a person"},
            {"text": "by a person", "mode": "local"},
            {"text": "kept here", "mode": "local"},
            {"text": "by an agent", "asker": "agent"},
            {"text": "by a page", "asker": "page"},
            {"text": "by a page with a mode", "asker": "page", "mode": "hybrid"},
            {"text": "a sum", "terms": [{"text": "of words"}]},
            {"text": "a difference", "terms": [{"text": "of words", "weight": -1}]},
            {"terms": [{"path": "{photo}"}], "others": True},
            {
                "text": "by a person with filters",
                "where": {"below": ["{unmarked}"], "since": "last summer", "camera": "Secret"},
            },
        ],
        ["by a person", "by a person with filters"],
    ),
    "status": ([{}], NOTHING),
    "follow": ([{"wait": False}], NOTHING),
    "add": ([{"path": "{unmarked}"}], NOTHING),
    "remove": ([{"path": "/nowhere"}], NOTHING),
    "folders": ([{}], NOTHING),
    "accept": ([{"path": "{unmarked}"}], NOTHING),
    "rescan": ([{}], NOTHING),
    "reindex": ([{"path": "{other}"}], NOTHING),
    "list": ([{}], NOTHING),
    "show": ([{"path": "{photo}"}], NOTHING),
    "thumbnail": ([{"path": "{photo}"}], NOTHING),
    "duplicates": ([{"near": True}], NOTHING),
    "facets": ([{}, {"text": "facets of words"}], NOTHING),
    "failures": ([{"retry": True}], NOTHING),
    "purge": ([{}], NOTHING),
    "pause": ([{"seconds": 0.01}], NOTHING),
    "resume": ([{}], NOTHING),
    "config": ([{}], NOTHING),
    "config_set": ([{"name": "search.limit", "value": "20"}], NOTHING),
    "model": ([{"estimate": "starter"}], NOTHING),
    "cloud_status": ([{}], NOTHING),
    "cloud_terms": ([{"mode": "gemini"}], NOTHING),
    "cloud_enable": ([{"mode": "gemini", "digest": "guessed"}], NOTHING),
    "cloud_disable": ([], NOTHING),
    "cloud_forget": ([], NOTHING),
    "cloud_log": ([{}], NOTHING),
    "cloud_preview": ([{"path": "{photo}"}], NOTHING),
    "cloud_check": ([{}], [OURS]),
    "self_check": ([{}], NOTHING),
    "standing_add": (
        [
            {"text": "alert as a stream", "kind": "stream"},
            {"text": "alert that runs", "kind": "exec", "argv": ["true"]},
            {"text": "alert that links", "kind": "link", "directory": "{album}"},
            {"text": "alert that notifies", "kind": "notify"},
            {"text": "התראה", "kind": "stream"},
        ],
        NOTHING,
    ),
    "standing": ([{}], NOTHING),
    "standing_remove": ([{"id": 999}], NOTHING),
    "subscribe": ([{"id": 1, "wait": False}], NOTHING),
    "acknowledge": ([{"id": 1, "cursor": 0}], NOTHING),
    "stop": ([], NOTHING),
}
# Every command: its calls, and the words of these that may arrive; or why it is not run here.
COMMAND_CALLS: dict[str, tuple[list[list[str]], list[str]] | str] = {
    "query": (
        [
            ["typed by a person"],
            ["typed", "and kept", "--local"],
            ["typed", "--plus", "more"],
            ["typed with filters", "--in", "{unmarked}", "--since", "2019", "--camera", "Secret"],
            ["-"],
        ],
        ["typed by a person", "typed with filters", "from a pipe"],
    ),
    "similar": ([["{photo}"]], NOTHING),
    "open": ([["/nowhere.jpg"]], NOTHING),
    "reveal": ([["/nowhere.jpg"]], NOTHING),
    "copy": ([["{photo}"]], NOTHING),
    "more": ([[]], NOTHING),
    "last": ([[]], NOTHING),
    "help": ([["all"]], NOTHING),
    "tui": ([["--lines"]], ["from a pipe"]),
    "version": ([[]], NOTHING),
    "preview": ([["{photo}"]], NOTHING),
    "on": (
        [
            ["alert by command", "--no-wait"],
            ["alert by command", "--exec", "true"],
            ["alert by command", "--link", "{album}2"],
            ["alert by command", "--notify"],
            ["--list"],
        ],
        NOTHING,
    ),
    "mcp": "its tools are called below",
    "web": "its queries are those of a page: see the operation query",
    "add": ([["{unmarked}"]], NOTHING),
    "remove": ([["/nowhere"]], NOTHING),
    "folders": ([[]], NOTHING),
    "folders accept": ([["{unmarked}"]], NOTHING),
    "index": ([["--wait"]], NOTHING),
    "reindex": ([["{other}"]], NOTHING),
    "list": ([[]], NOTHING),
    "show": ([["{photo}"]], NOTHING),
    "duplicates": ([["--similar"]], NOTHING),
    "facets": ([[], ["facets by command"]], NOTHING),
    "failures": ([[]], NOTHING),
    "purge": ([[]], NOTHING),
    "pause": ([["--for", "1s"]], NOTHING),
    "resume": ([[]], NOTHING),
    "start": ([[]], NOTHING),
    "stop": "it ends the daemon",
    "restart": "it ends the daemon",
    "run": "it is the daemon",
    "status": ([[]], NOTHING),
    "logs": ([[]], NOTHING),
    "service install": "it changes the machine",
    "service uninstall": "it changes the machine",
    "service status": "it asks the machine",
    "sockname": ([[]], NOTHING),
    "config get": ([["search.limit"]], NOTHING),
    "config set": ([["search.limit", "20"]], NOTHING),
    "config path": ([[]], NOTHING),
    "model list": ([[]], NOTHING),
    "model use": ([["starter"]], NOTHING),
    "model pull": "it asks a hub, and no Gemini",
    "model import": "it reads a file and starts a process of its own",
    "model remove": "it deletes a model",
    "cloud enable": ([["hybrid"]], NOTHING),
    "cloud disable": "it ends it all",
    "cloud forget": "it ends it all",
    "cloud status": ([[]], NOTHING),
    "cloud log": ([[]], NOTHING),
    "cloud preview": ([["{photo}"]], NOTHING),
    "doctor": ([[], ["--cloud"]], [OURS]),
    "bugreport": ([[]], NOTHING),
    "demo": "a home of its own, where nobody has agreed to anything",
    "completion": ([["bash"]], NOTHING),
}


@pytest.fixture(scope="module")
def cloudy(make_cloudy: Callable[..., Cloudy], tmp_path_factory: pytest.TempPathFactory) -> Cloudy:
    programs = tmp_path_factory.mktemp("programs")
    for name in ("notify-send", "osascript"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    made = make_cloudy(prelude=ENCODER_STANDS_IN, PATH=path)
    made.put_key()
    made.paint()
    return made


@pytest.fixture(params=["hybrid", pytest.param("gemini", marks=pytest.mark.slow)])
def mode(request: pytest.FixtureRequest, cloudy: Cloudy) -> Iterator[str]:
    """A mode that is on and at work, with all marked photos sent and nothing on its way."""
    cloudy.enable(request.param)
    cloudy.set(deadline_seconds=10)
    cloudy.warm()
    if request.param == "gemini":
        wait_for(lambda: cloudy.status()["photos_sent"] == len(MARKED))
    cloudy.warm()  # earlier questions are on their way before this one
    cloudy.gemini.requests.clear()
    yield request.param
    cloudy.call("cloud_disable")


def test_of_every_operation_only_what_the_table_lists_arrives(cloudy: Cloudy, mode: str) -> None:
    assert set(OPERATION_CALLS) == set(OPERATIONS), "say what a new operation may send"
    allowed = NOTHING
    for operation, (calls, words) in OPERATION_CALLS.items():
        for params in calls:
            try:
                if OPERATIONS[operation].progress is not None:
                    with cloudy.daemon.client(timeout=120) as client:
                        list(client.stream(operation, _filled(params, cloudy)))
                else:
                    cloudy.call(operation, **_filled(params, cloudy))
            except BadRequest:
                raise  # a call that could not be made shows nothing
            except PhotosdError:
                pass  # what is refused may have been sent all the same
        allowed = allowed + words
    _only(cloudy, mode, allowed)


def test_of_every_command_only_what_the_table_lists_arrives(
    cloudy: Cloudy, mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert set(COMMAND_CALLS) == set(_commands()), "say what a new command may send"
    monkeypatch.setenv("PHOTOSD_HOME", str(cloudy.directory))
    monkeypatch.chdir(tmp_path)
    allowed = NOTHING
    for command, run in COMMAND_CALLS.items():
        if isinstance(run, str):
            continue
        for arguments in run[0]:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe\n")))
            filled = [_fill(argument, cloudy) for argument in arguments]
            assert main([*command.split(), *filled]) != 2, (command, filled)
        allowed = allowed + run[1]
    _only(cloudy, mode, allowed)


def test_questions_of_agents_take_a_consent_of_their_own(
    cloudy: Cloudy, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOSD_HOME", str(cloudy.directory))
    mcp_server.search(text="an agent asks", pictures=0)
    mcp_server.similar(path=str(cloudy.marked / "secret-snow.jpg"), pictures=0)
    answer = cloudy.query("an agent asks", asker="agent")
    assert (answer["mode_used"], answer["fallback_reason"]) == ("local", "consent")
    with pytest.raises(CloudNotPermitted, match="agents"):
        cloudy.query("an agent insists", asker="agent", mode=mode)
    _only(cloudy, mode, NOTHING)
    assert "without agents" in _said("cloud", "status")

    with pytest.raises(CloudNotPermitted, match="terms"):  # those without agents were shown
        digest = cloudy.call("cloud_terms", mode=mode)["digest"]
        cloudy.call("cloud_enable", mode=mode, digest=digest, agents=True)
    terms = cloudy.call("cloud_terms", mode=mode, agents=True)["terms"]
    assert any("from an agent" in term for term in terms)
    assert main(["cloud", "enable", mode, "--agents", "--yes"]) == 0
    assert cloudy.status()["agents"] and "with agents" in _said("cloud", "status")
    mcp_server.search(text="an agent with consent", pictures=0)
    cloudy.call("standing_add", text="an alert all the same", kind="stream")
    cloudy.query("a page all the same", asker="page")
    _only(cloudy, mode, ["an agent with consent"])

    cloudy.enable(mode)  # said again without agents, it is without them
    assert not cloudy.status()["agents"]
    mcp_server.search(text="an agent once more", pictures=0)
    _only(cloudy, mode, ["an agent with consent"])


def _only(cloudy: Cloudy, mode: str, allowed: Sequence[str]) -> None:
    """Exactly these words have arrived, and no picture but the grey square of a test.

    A permitted question is sent last: what was sent before it has arrived, too.
    """
    cloudy.enable(mode)
    last = f"the last question, at {time.monotonic()}"
    cloudy.query(last, mode=mode)
    wait_for(lambda: last in _words([request.body for request in cloudy.gemini.requests]))
    arrived = set(_words([request.body for request in cloudy.gemini.requests]))
    assert {word for word in arrived if not word.startswith("the last question")} == set(allowed)
    assert {len(image) < 400 for image in cloudy.gemini.images} <= {True}
    if mode == "hybrid":
        assert cloudy.gemini.images == []


def _words(body: Any) -> Iterator[str]:
    """What people or we have said, in requests; our instruction to the model apart."""
    if isinstance(body, dict):
        for name, value in body.items():
            if name == "text":
                yield value.removeprefix("task: search result | query: ")
            elif name not in ("systemInstruction", "system_instruction"):
                yield from _words(value)
    elif isinstance(body, list):
        for value in body:
            yield from _words(value)


def _commands() -> Iterator[str]:
    group = LazyGroup("photosd")
    context = click.Context(group)
    for name in (name for names in SECTIONS.values() for name in names):
        command = group.get_command(context, name)
        if isinstance(command, click.Group) and command.invoke_without_command:
            yield name
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in command.list_commands(context))
        else:
            yield name


def _filled(params: Any, cloudy: Cloudy) -> Any:
    if isinstance(params, dict):
        return {name: _filled(value, cloudy) for name, value in params.items()}
    if isinstance(params, list):
        return [_filled(value, cloudy) for value in params]
    return _fill(params, cloudy) if isinstance(params, str) else params


def _fill(text: str, cloudy: Cloudy) -> str:
    return (
        text.replace("{photo}", str(cloudy.marked / "secret-snow.jpg"))
        .replace("{other}", str(cloudy.unmarked / "secret-night-city.jpg"))
        .replace("{unmarked}", str(cloudy.unmarked))
        .replace("{album}", str(cloudy.directory / "album"))
    )


def _said(*arguments: str) -> str:
    import contextlib

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(list(arguments)) == 0
    return said.getvalue()
