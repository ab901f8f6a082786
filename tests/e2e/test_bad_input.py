"""What cannot be done is refused once, clearly, with a remedy; nothing else breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.errors import BadRequest, FolderError, PhotosdError
from tests.conftest import ROOT, RunningDaemon
from tests.household.daemon import shared_daemon


@pytest.fixture(scope="module")
def daemon() -> Iterator[RunningDaemon]:
    with shared_daemon() as running:
        yield running


def refused(daemon: RunningDaemon, op: str, **params: object) -> PhotosdError:
    with daemon.client() as client, pytest.raises(PhotosdError) as caught:
        client.call(op, params)
    assert caught.value.remedy
    return caught.value


def test_folders_that_cannot_be_watched(daemon: RunningDaemon, tmp_path: Path) -> None:
    """Missing, a file, repeated, nested either way, relative: each has its own words."""
    outer = tmp_path / "outer"
    inner = outer / "inner"
    inner.mkdir(parents=True)
    (outer / "file").write_text("x")
    assert isinstance(refused(daemon, "add", path=str(tmp_path / "nothing")), FolderError)
    assert isinstance(refused(daemon, "add", path=str(outer / "file")), FolderError)
    assert isinstance(refused(daemon, "add", path="relative"), BadRequest)
    with daemon.client() as client:
        client.call("add", {"path": str(inner)})
    assert "already" in str(refused(daemon, "add", path=str(inner)))
    assert "inside" in str(refused(daemon, "add", path=str(outer)))
    (tmp_path / "link").symlink_to(inner)
    assert "already" in str(refused(daemon, "add", path=str(tmp_path / "link")))
    with daemon.client() as client:
        client.call("remove", {"path": str(inner)})
        client.call("add", {"path": str(outer)})
    assert "inside" in str(refused(daemon, "add", path=str(inner)))
    assert isinstance(refused(daemon, "remove", path=str(inner)), FolderError)


def test_a_folder_that_was_moved_can_be_added_where_it_is(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    """It is the same directory, as far as device and inode tell, and no longer watched there."""
    (tmp_path / "before").mkdir()
    with daemon.client() as client:
        client.call("add", {"path": str(tmp_path / "before")})
        (tmp_path / "before").rename(tmp_path / "after")
        client.call("add", {"path": str(tmp_path / "after")})


def test_an_empty_query_is_a_mistake(daemon: RunningDaemon) -> None:
    """So is one of spaces; the daemon lives on."""
    for text in ("", "   ", "\n"):
        assert isinstance(refused(daemon, "query", text=text), BadRequest)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to become somebody else")
def test_an_unreadable_folder(tmp_path: Path) -> None:
    """An unprivileged user's daemon says that it may not read the folder."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == 0 and directory != Path("/"):
            directory.chmod(directory.stat().st_mode | 0o011)
    script = (
        "import os, sys; os.setgid(65534); os.setuid(65534);"
        "from photosd.watch.folder_state import probe_folder;"
        "p = probe_folder(os.fsencode(sys.argv[1]), None); print(p.state, p.remedy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(closed)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "daemon")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "ModuleNotFoundError" in done.stderr or "PermissionError" in done.stderr:
        pytest.skip("this checkout or its Python cannot be read by another user")
    assert done.stdout.startswith("no_permission "), done.stderr
    assert len(done.stdout.split()) > 1
