"""`photosd duplicates`, as people and scripts see it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon


def photo(path: Path | str, relation: str, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "size": 2_000_000, "relation": relation, **more}


@pytest.fixture
def pair(stub: StubDaemon, tmp_path: Path) -> list[Path]:
    """Two files, of which the daemon says that they are the same; and a larger group after it."""
    best, other = tmp_path / "a.jpg", tmp_path / "a (1).jpg"
    for file in (best, other):
        file.touch()
    small = {"photos": [photo(best, "keep"), photo(other, "copy")], "bytes": 2_000_000}
    large = {
        "photos": [
            photo(best, "keep", width=4000, height=3000),
            photo("/p/\x1b[2J.jpg", "burst", likeness=0.93, offline=True),
            photo("/p/c.jpg", "alike", likeness=0.981),
        ],
        "bytes": 4_000_000,
    }
    stub.answers["duplicates"] = [
        {"groups": [small], "looked_at": 1, "of": 2},
        {"groups": [large], "looked_at": 2, "of": 2},
        {"groups": 2, "photos": 3, "bytes": 6_000_000},
    ]
    return [best, other]


@pytest.mark.usefixtures("pair")
def test_what_people_see(photosd: Photosd, stub: StubDaemon, tmp_path: Path) -> None:
    """What takes the most room first; names are inert; the sum says that all is still there."""
    ran = photosd("duplicates", "--similar", "--in", str(tmp_path))
    assert ran.code == 0
    assert stub.params("duplicates") == [{"path": str(tmp_path), "near": True}]
    large, small, *_ = ran.out.split("\n\n")
    assert large.splitlines() == [
        f"keep   {tmp_path}/a.jpg  4000×3000, 2.0 MB",
        "burst  /p/\\x1b[2J.jpg  2.0 MB, likeness 0.93, its folder is offline",
        "alike  /p/c.jpg  2.0 MB, likeness 0.98",
    ]
    assert small.splitlines()[1] == f"copy   {tmp_path}/a (1).jpg  2.0 MB"
    assert "2 groups: 3 extra copies (6.0 MB). Nothing was deleted." in ran.err


@pytest.mark.usefixtures("pair")
def test_what_scripts_read(photosd: Photosd) -> None:
    """The sums, and every group."""
    answer = json.loads(photosd("duplicates", "--json").out)
    assert (answer["version"], answer["photos"], answer["bytes"]) == (1, 3, 6_000_000)
    assert [len(group["photos"]) for group in answer["groups"]] == [3, 2]


def test_paths_are_those_that_need_not_be_kept(
    stub: StubDaemon, process: Callable[..., subprocess.CompletedProcess[bytes]], tmp_path: Path
) -> None:
    """By their bytes; and none of a group whose best photo is gone: it would be the last one."""
    odd = os.fsencode(tmp_path) + b"/\xff.jpg"
    (tmp_path / "a.jpg").touch()
    Path(os.fsdecode(odd)).touch()
    here = [
        photo(tmp_path / "a.jpg", "keep"),
        photo("x", "copy", path_b64=base64.b64encode(odd).decode()),
        photo(tmp_path / "away.jpg", "copy"),
    ]
    gone = [photo(tmp_path / "gone.jpg", "keep"), photo(tmp_path / "last.jpg", "copy")]
    stub.answers["duplicates"] = [
        {"groups": [{"photos": p, "bytes": 1} for p in (here, gone)], "looked_at": 0, "of": 0},
        {"groups": 2, "photos": 2, "bytes": 2},
    ]
    ran = process("duplicates", "-0")
    assert ran.stdout == odd + b"\0"
    assert b"gone.jpg is missing: its duplicates are left out" in ran.stderr
    assert b"1 extra copy left out, not available now" in ran.stderr


def test_none_is_an_answer(stub: StubDaemon, photosd: Photosd) -> None:
    """With what one may do next."""
    stub.answers["duplicates"] = [
        {"groups": [], "looked_at": 0, "of": 0},
        {"groups": 0, "photos": 0, "bytes": 0},
    ]
    ran = photosd("duplicates")
    assert (ran.code, ran.out) == (0, "")
    assert "photosd duplicates --similar also finds" in ran.err
