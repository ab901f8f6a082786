"""Output files: nothing of the user's is replaced, nothing is put among photos."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from photosd.core.errors import OutputRefused
from photosd.core.output_files import check_output, write_output
from photosd.core.paths import Home
from photosd.index.database import Database
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
    with pytest.raises(OutputRefused, match="exists") as refused:
        write_output(place, b"new", home)
    assert "--force" in refused.value.remedy
    with pytest.raises(OutputRefused, match="exists") as refused:
        write_output(place, b"new", home, mark=MARK)
    assert "--force" not in refused.value.remedy  # `photosd query --html` has no such option
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


def test_a_private_sheet_may_be_written(home: Home, tmp_path: Path) -> None:
    """Sheets may be written even if a folder above photosd's state is watched, such as the home."""
    home.config.mkdir(parents=True, exist_ok=True)
    home.sheets.mkdir(parents=True)
    above = [{"path_b64": base64.b64encode(os.fsencode(home.state.parent)).decode()}]
    (home.config / "folders.json").write_text(json.dumps(above))
    write_output(home.sheets / "one.html", b"page", home)
    for place in (home.sheets.parent / "one.html", home.config / "one.html"):
        with pytest.raises(OutputRefused, match="watched"):
            write_output(place, b"page", home)


def test_a_link_is_no_way_to_a_photo(home: Home, watched: Path, tmp_path: Path) -> None:
    photo = watched / "x.jpg"
    photo.write_bytes(b"precious")
    link = tmp_path / "out.jpg"
    link.symlink_to(photo)
    with pytest.raises(OutputRefused):
        write_output(link, b"new", home)
    write_output(link, b"new", home, force=True)
    assert photo.read_bytes() == b"precious" and link.read_bytes() == b"new"


@pytest.mark.parametrize("links", [True, False])
def test_a_name_taken_meanwhile_stays(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    """Also where the file system has no hard links."""
    place = tmp_path / "x"
    really = os.fdopen

    def appears(*arguments: Any) -> Any:
        place.write_bytes(b"theirs")
        return really(*arguments)

    monkeypatch.setattr("photosd.core.output_files.os.fdopen", appears)
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _refused)
    with pytest.raises(OutputRefused):
        write_output(place, b"ours", home)
    assert place.read_bytes() == b"theirs"
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def _refused(*_: object) -> None:
    raise PermissionError


def test_a_users_draft_stays(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be made is not tidied away either."""
    theirs = tmp_path / f".x.{os.getpid()}.new"
    theirs.write_bytes(b"theirs")
    monkeypatch.setattr("photosd.core.output_files.os.urandom", lambda _: b"same")
    ours = tmp_path / ".photosd-73616d65.new"
    ours.write_bytes(b"theirs, too")
    with pytest.raises(FileExistsError):
        write_output(tmp_path / "x", b"new", home)
    assert theirs.read_bytes() == b"theirs" and ours.read_bytes() == b"theirs, too"


def test_the_longest_name_can_be_written(home: Home, tmp_path: Path) -> None:
    """In Hebrew a letter is two bytes."""
    place = tmp_path / ("\u05e9" * 125 + ".html")
    write_output(place, b"x", home)
    assert place.read_bytes() == b"x"


@pytest.mark.parametrize("damage", ["no list", '[{"path": "/x"}]', None])
def test_a_damaged_list_of_folders_opens_no_folder(
    home: Home, watched: Path, damage: str | None
) -> None:
    """The catalog knows them as well."""
    database = Database(home.catalog)
    with database.write() as db:
        db.execute("INSERT INTO folders(path, state) VALUES(?, 'ok')", (os.fsencode(watched),))
    for running in (True, False):
        (home.config / "folders.json").unlink(missing_ok=True)
        if damage is not None:
            (home.config / "folders.json").write_text(damage)
        with pytest.raises(OutputRefused, match="watched folder"):
            check_output(watched / "a.jpg", home)
        if running:
            database.close()


def test_streams_and_directories(home: Home, tmp_path: Path) -> None:
    write_output(Path("/dev/null"), b"x", home)
    with pytest.raises(OutputRefused, match="directory"):
        check_output(tmp_path, home)
    with pytest.raises(OutputRefused, match="no such directory"):
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


def test_a_directory_that_is_not_there_is_no_defect(
    stub: StubDaemon, photosd: Photosd, tmp_path: Path
) -> None:
    """The directory of a file to be written is the user's to name."""
    jpeg = base64.b64encode(b"\xff\xd8copy").decode()
    stub.answers["cloud_preview"] = {
        "jpeg_b64": jpeg, "width": 1, "height": 1, "bytes": 6, "may_be_sent": False,
    }  # fmt: skip
    place = tmp_path / "nowhere" / "x.jpg"
    ran = photosd("cloud", "preview", "x.jpg", "-o", str(place))
    assert ran.code == 2 and f"no such directory: {place.parent}" in ran.err
