"""Output files: nothing of the user's is replaced, nothing is put among photos."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from photosd.core.errors import OutputRefused
from photosd.core.outputs import check_output, write_output
from photosd.core.paths import Home
from tests.cli.conftest import Photosd, photosd, stub
from tests.cli.stub import StubDaemon

__all__ = ["photosd", "stub"]  # fixtures
MARK = b'<meta name="generator" content="photosd'


@pytest.fixture
def watched(home: Home, tmp_path: Path) -> Path:
    folder = tmp_path / "Pictures"
    folder.mkdir()
    entry = {"path": str(folder), "path_b64": base64.b64encode(os.fsencode(folder)).decode()}
    home.config.mkdir(parents=True, exist_ok=True)
    (home.config / "folders.json").write_text(json.dumps([entry]))
    return folder


def test_a_file_of_the_user_stays(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "x.jpg"
    place.write_bytes(b"precious")
    with pytest.raises(OutputRefused, match="exists"):
        write_output(place, b"new", home)
    with pytest.raises(OutputRefused, match="exists"):
        write_output(place, b"new", home, mark=MARK)
    assert place.read_bytes() == b"precious"
    write_output(place, b"new", home, force=True)
    assert place.read_bytes() == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["x.jpg"]


def test_what_photosd_made_is_replaced(home: Home, tmp_path: Path) -> None:
    place = tmp_path / "sheet.html"
    write_output(place, b"<!doctype html>" + MARK + b" 0.1.0>", home, mark=MARK)
    write_output(place, MARK + b" 0.2.0>", home, mark=MARK)
    assert b"0.2.0" in place.read_bytes()


def test_nothing_is_put_among_photos(home: Home, watched: Path, tmp_path: Path) -> None:
    """Not below a watched folder, not through a link, not with force."""
    (watched / "2019").mkdir()
    (tmp_path / "link").symlink_to(watched / "2019")
    for place in (watched / "a.jpg", watched / "2019" / "a.html", tmp_path / "link" / "a.jpg"):
        for force in (False, True):
            with pytest.raises(OutputRefused, match="watched folder"):
                write_output(place, b"x", home, force=force)
    assert not list(watched.rglob("a.*"))


def test_a_link_is_no_way_to_a_photo(home: Home, watched: Path, tmp_path: Path) -> None:
    photo = watched / "x.jpg"
    photo.write_bytes(b"precious")
    link = tmp_path / "out.jpg"
    link.symlink_to(photo)
    with pytest.raises(OutputRefused):
        write_output(link, b"new", home)
    write_output(link, b"new", home, force=True)
    assert photo.read_bytes() == b"precious" and link.read_bytes() == b"new"


def test_a_name_taken_meanwhile_stays(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "x"
    real = os.path.lexists

    def appears(path: object) -> bool:
        found = real(path)  # type: ignore[arg-type]
        if path == place and not found and any(tmp_path.glob(".x.*")):
            place.write_bytes(b"theirs")
        return found

    monkeypatch.setattr("photosd.core.outputs.os.path.lexists", appears)
    with pytest.raises(OutputRefused):
        write_output(place, b"ours", home)
    assert place.read_bytes() == b"theirs"


def test_streams_and_directories(home: Home, tmp_path: Path) -> None:
    write_output(Path("/dev/null"), b"x", home)
    with pytest.raises(OutputRefused, match="directory"):
        check_output(tmp_path, home)
    with pytest.raises(OutputRefused, match="no directory"):
        check_output(tmp_path / "a" / "b", home)


def test_every_command_that_writes_a_file_asks(
    stub: StubDaemon, photosd: Photosd, tmp_path: Path, watched: Path
) -> None:
    """`cloud preview -o`, `--html`, `bugreport -o`."""
    jpeg = base64.b64encode(b"\xff\xd8copy").decode()
    stub.answers["cloud_preview"] = {
        "jpeg_b64": jpeg, "width": 1, "height": 1, "bytes": 6, "may_be_sent": False,
    }  # fmt: skip
    photo = tmp_path / "x.jpg"
    photo.write_bytes(b"precious")
    page = tmp_path / "page.html"
    page.write_text("<p>mine")
    for words in (
        ["cloud", "preview", str(photo), "-o", str(photo)],
        ["cloud", "preview", str(photo), "-o", str(watched / "new.jpg")],
        ["query", "dog", f"--html={page}"],
        ["query", "dog", f"--html={watched / 'new.html'}"],
        ["bugreport", "-o", str(photo)],
        ["bugreport", "-o", str(watched / "r.tar.gz")],
    ):
        ran = photosd(*words)
        assert ran.code == 2, words
        assert "not written" in ran.err
    assert photo.read_bytes() == b"precious" and page.read_text() == "<p>mine"
    assert not list(watched.iterdir())
    new = tmp_path / "copy.jpg"
    assert photosd("cloud", "preview", str(photo), "-o", str(new)).code == 0
    assert new.read_bytes() == b"\xff\xd8copy"
