"""Sums, filters and pages on the command line: what the daemon is asked, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, hit, query_result

HIT = hit("/p/dog.jpg")
WEAK = hit("/p/cat.jpg", 0.1, "weak")


@pytest.fixture
def answering(stub: StubDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubDaemon:
    """A daemon that finds a dog; one stands in an empty directory."""
    stub.answers["query"] = query_result(HIT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    return stub


def asked(stub: StubDaemon) -> dict[str, Any]:
    (params,) = stub.params("query")
    assert params.pop("deadline_ms") == 3000
    return params


@pytest.mark.parametrize(
    ("arguments", "terms"),
    [
        (["--plus", "dog"], [{"text": "dog", "weight": 1.0}]),
        (["--plus", "2:dog"], [{"text": "dog", "weight": 2.0}]),
        (["--plus", ".5:a dog"], [{"text": "a dog", "weight": 0.5}]),
        (["--plus", "10:30 train"], [{"text": "30 train", "weight": 10.0}]),
        (["--minus", "people"], [{"text": "people", "weight": -1.0}]),
        (["--minus", "0.5:people"], [{"text": "people", "weight": -0.5}]),
        (["--plus", "a", "--plus", "b"], [{"text": "a", "weight": 1}, {"text": "b", "weight": 1}]),
        (["--plus", "שקיעה: ים"], [{"text": "שקיעה: ים", "weight": 1.0}]),
        (["--like", "/q/x.jpg"], [{"path": "/q/x.jpg", "weight": 1.0}]),
        (["--like", "3:/q/x.jpg"], [{"path": "/q/x.jpg", "weight": 3.0}]),
        (["--unlike", "/q/../x.jpg"], [{"path": "/x.jpg", "weight": -1.0}]),
    ],
)
def test_terms_are_added_and_taken_away(
    answering: StubDaemon, photosd: Photosd, arguments: list[str], terms: list[dict[str, Any]]
) -> None:
    """Each with its weight."""
    assert photosd("query", "beach", *arguments).code == 0
    assert asked(answering) == {"text": "beach", "terms": terms}


def test_pictures_are_files_as_the_shell_has_them(
    answering: StubDaemon, photosd: Photosd, tmp_path: Path
) -> None:
    """Relative to where one stands; a name with a colon and one that is not UTF-8, too."""
    Path("2:x.jpg").touch()
    assert photosd("query", "--like", "2:x.jpg", "--like", "\udcff.jpg").code == 0
    there = os.fsencode(tmp_path)
    first, second = asked(answering)["terms"]
    assert first == {"path": f"{tmp_path}/2:x.jpg", "weight": 1.0}
    import base64

    assert base64.b64decode(second["path_b64"]) == there + b"/\xff.jpg"


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--in", "/p/a/", "--in", "/p/b"], {"below": ["/p/a", "/p/b"]}),
        (["--in", "/p/\udcff"], {"below_b64": ["L3Av/w=="]}),
        (["--since", "2019", "--until", "last summer"], {"since": "2019", "until": "last summer"}),
        (["--camera", "EOS"], {"camera": "EOS"}),
        (["--near", "-33.8,151.2,5"], {"near": [-33.8, 151.2, 5.0]}),
        (["--near", "32.08, 34.78, 5km"], {"near": [32.08, 34.78, 5.0]}),
        (["--type", "heic,RAW", "--type", "png"], {"formats": ["heic", "RAW", "png"]}),
        (["--rating", "0"], {"rating": 0}),
        (["--orientation", "portrait"], {"orientation": "portrait"}),
        (["--person", "Noa", "--person", "דן"], {"people": ["Noa", "דן"]}),
        (["--tag", "beach house"], {"tags": ["beach house"]}),
        (["--caption", "the old harbour"], {"caption": "the old harbour"}),
        (["--place", "Eilat", "--place", "חיפה"], {"places": ["Eilat", "חיפה"]}),
        (["--near", "32.08,34.78"], {"near": [32.08, 34.78, 10.0]}),
        (["--near", "Haifa"], {"near_place": "Haifa"}),
        (["--near", "תל אביב,3.5"], {"near_place": "תל אביב", "near_km": 3.5}),
        (["--near", "Washington, DC, 20km"], {"near_place": "Washington, DC", "near_km": 20.0}),
        (["--near", "Washington, DC"], {"near_place": "Washington, DC"}),
        (["--near", "Nan"], {"near_place": "Nan"}),
    ],
)
@pytest.mark.parametrize("command", [["query", "dog"], ["similar", "/q/x.jpg"]])
def test_filters_are_the_same_everywhere(
    answering: StubDaemon,
    photosd: Photosd,
    command: list[str],
    arguments: list[str],
    where: dict[str, Any],
) -> None:
    """For words as for pictures."""
    assert photosd(*command, *arguments).code == 0
    assert asked(answering)["where"] == where


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        (["--literal"], {"literal": True}),
        (["--literal", "--in", "."], {"literal": True}),
        (["--not-date"], {"without": ["date"]}),
        (["--not-place", "--not-person"], {"without": ["place", "person"]}),
    ],
)
def test_what_is_read_can_be_taken_back(
    answering: StubDaemon, photosd: Photosd, arguments: list[str], params: dict[str, Any]
) -> None:
    """With other options or alone."""
    assert photosd("query", "Noa in 2019", *arguments).code == 0
    found = asked(answering)
    found.pop("where", None)
    assert found == {"text": "Noa in 2019", **params}


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        (["--person", "Noa"], {"text": "", "where": {"people": ["Noa"]}}),
        (["--sort", "-date"], {"text": "", "sort": "-date"}),
        (["dog", "--sort", "date"], {"text": "dog", "sort": "date"}),
        (["dog", "--sort", "match"], {"text": "dog"}),
    ],
)
def test_order_and_queries_without_words(
    answering: StubDaemon, photosd: Photosd, arguments: list[str], params: dict[str, Any]
) -> None:
    """A filter or an order is enough."""
    assert photosd("query", *arguments).code == 0
    assert asked(answering) == params


def test_what_was_read_is_shown(answering: StubDaemon, photosd: Photosd) -> None:
    """In one line: the words, the place, the date, the person; no line if nothing was read."""
    parts = [("person", "Noa"), ("rest", "beach"), ("place", "Eilat"), ("date", "Jun–Aug 2023")]
    read_as = [
        {"kind": kind, "start": 0, "end": 1, "text": "x", "value": value}
        for kind, value in (*parts, ("rest", "and \x1b[31mcake"), ("season", "spring"))
    ]
    answering.answers["query"] = query_result(HIT, read_as=read_as)
    shown = photosd("query", "Noa").err
    assert "read as: beach · and \\x1b[31mcake · Eilat · Jun–Aug 2023 · Noa · spring" in " ".join(
        shown.split()
    )
    assert json.loads(photosd("query", "Noa", "--json").out)["read_as"] == read_as
    nothing: list[dict[str, Any]] = [{}, {"read_as": []}]  # an older daemon's answer first
    for older in nothing:
        answering.answers["query"] = query_result(HIT, **older)
        assert "read as" not in photosd("query", "Noa").err


def test_a_folder_is_relative_to_where_one_stands(
    answering: StubDaemon, photosd: Photosd, tmp_path: Path
) -> None:
    """As every other program has it."""
    photosd("query", "dog", "--in", "2019")
    assert asked(answering)["where"] == {"below": [f"{tmp_path}/2019"]}


def test_similar_asks_with_a_picture_for_others(answering: StubDaemon, photosd: Photosd) -> None:
    """A name that looks like a weight is a name."""
    assert photosd("similar", "2:x.jpg", "-n", "3", "--all").code == 0
    here = str(Path.cwd())
    terms = [{"path": f"{here}/2:x.jpg"}]
    expected = {"text": "", "terms": terms, "limit": 3, "all": True, "others": True}
    assert asked(answering) == expected


def test_queries_from_stdin_share_what_is_added(
    answering: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One a line."""
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("dog\ncat\n"))
    assert photosd("query", "-", "--minus", "snow", "--rating", "3", "--jsonl").code == 0
    first, second = answering.params("query")
    assert (first.pop("text"), second.pop("text")) == ("dog", "cat")
    assert first == second and first["where"] == {"rating": 3}


# -- pages ----------------------------------------------------------------------------------------


def test_no_page_of_what_is_hidden_is_offered(answering: StubDaemon, photosd: Photosd) -> None:
    """What follows weak matches is weaker."""
    answering.answers["query"] = query_result(HIT, WEAK, cursor="abc.1.0.2")
    assert "--cursor" not in photosd("query", "dog").err


@pytest.mark.parametrize(
    "more", [["dog"], ["-"], ["--minus", "x"], ["--rating", "1"], ["--all"], ["--like", "x"]]
)
def test_a_cursor_stands_alone(answering: StubDaemon, photosd: Photosd, more: list[str]) -> None:
    """What was asked is remembered; what were added would be ignored."""
    ran = photosd("query", "--cursor", "abc", *more)
    assert ran.code == 2 and "photosd query --cursor abc" in ran.err
    assert not answering.requests


# -- what is shown --------------------------------------------------------------------------------


def test_copies_are_counted(answering: StubDaemon, photosd: Photosd) -> None:
    """One line for a photo however often it is kept."""
    answering.answers["query"] = query_result({**HIT, "copies": 3})
    assert photosd("query", "dog").out == "1  strong  /p/dog.jpg  (3 copies)\n"


def test_programs_can_decline_weak_matches(answering: StubDaemon, photosd: Photosd) -> None:
    """A script that deletes what it finds must not get merely near photos."""
    answering.answers["query"] = query_result(HIT, WEAK)
    assert photosd("query", "dog", "--paths").out == "/p/dog.jpg\n/p/cat.jpg\n"
    assert photosd("query", "dog", "--paths", "--no-weak").out == "/p/dog.jpg\n"
    answering.answers["query"] = query_result(WEAK)
    ran = photosd("query", "dog", "-0", "--no-weak")
    assert (ran.code, ran.out) == (1, "")


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--near", "5"], "--near 32.08,34.78,5"),
        (["--near", ",5"], "--near Haifa,5"),
        (["--near", "Haifa,0"], "above 0 to 20100"),
        (["--near", "Haifa,nan"], "above 0 to 20100"),
        (["--near", "1,2,3,4"], "--near 32.08,34.78,5"),
        (["-"], "photosd query - < queries.txt"),
        (["--rating", "6"], "0<=x<=5"),
        (["--orientation", "round"], "'landscape', 'portrait', 'square'"),
        (["--type", ","], "--type jpeg,heic"),
        (["--plus", "2:"], "--plus 2:dog"),
        (["--like", "2:"], "--like 2:dog.jpg"),
        (["--plus", "1000:dog"], "at most 100"),
        (["--near", "91,0,1"], "-90 to 90"),
    ],
)
def test_bad_options_are_refused_with_a_remedy(
    answering: StubDaemon, photosd: Photosd, arguments: list[str], remedy: str
) -> None:
    """Before anything is asked; as an object where one is wanted."""
    ran = photosd("query", "dog", *arguments)
    assert ran.code == 2 and remedy in ran.err + ran.out
    assert not answering.requests
    if "--json" not in arguments:
        assert json.loads(photosd("query", "dog", "--json", *arguments).out)["error"]["message"]
