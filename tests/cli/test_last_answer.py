"""The last answer of a terminal: numbers, pages, what is kept and what is not."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.core.errors import NotFound
from photosd.core.paths import Home
from photosd_cli import last_answer, openers
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, hit, query_result
from tests.cli.test_terminal import on_a_terminal

Opened = list[list[bytes]]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    """A terminal with one name."""
    monkeypatch.setattr(last_answer, "terminal_name", lambda: "1-2-3")
    home.runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.runtime.chmod(0o700)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """What the desktop's programs are given."""
    calls: Opened = []
    for name in ("open_files", "reveal_files"):
        monkeypatch.setattr(openers, name, calls.append)
    monkeypatch.setattr(openers, "copy_text", lambda words: calls.append(words.split(b"\n")))
    monkeypatch.setattr(openers, "copy_picture", lambda file: calls.append([b"picture", file]))
    return calls


ODD_PATH = {"path": "/p/\\xff.jpg", "path_b64": "L3Av/y5qcGc="}
ODD = {**hit("/p/x.jpg"), **ODD_PATH}


@pytest.fixture
def asked(terminal: None, stub: StubDaemon, photosd: Photosd) -> Photosd:
    """A query with five photos was just shown."""
    stub.path.parent.chmod(0o700)
    names = ["/p/a.jpg", "/p/b.jpg", "/p/c.jpg", "/p/d.jpg"]
    stub.answers["query"] = query_result(*map(hit, names), ODD, cursor="c.5")
    ran = photosd("red", "car")
    assert ran.code == 0 and "more: photosd more\n" in ran.err
    return photosd


@pytest.mark.parametrize("command", ["open", "reveal", "copy"])
def test_numbers_ranges_and_paths(asked: Photosd, opened: Opened, command: str) -> None:
    """In the order given, each once; a name of digits is reached with a dot."""
    assert asked(command, "2", "4-5", "2", "./2", "x.jpg").code == 0
    here = os.fsencode(Path.cwd())
    wanted = [b"/p/b.jpg", b"/p/d.jpg", b"/p/\xff.jpg", here + b"/2", here + b"/x.jpg"]
    assert opened == [wanted]


def test_json_names_what_was_opened(asked: Photosd, opened: Opened) -> None:
    report = json.loads(asked("open", "1", "5", "--json").out)
    assert report["paths"] == [{"path": "/p/a.jpg"}, ODD_PATH]


def test_a_picture_is_copied_alone(asked: Photosd, opened: Opened) -> None:
    assert asked("copy", "--picture", "3").code == 0
    assert opened == [[b"picture", b"/p/c.jpg"]]
    assert asked("copy", "--picture", "1-2").code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["open", "6"], "the last answer has no photo 6: its numbers are 1 to 5"),
        (["open", "0"], "no photo 0"),
        (["open", "4-9"], "no photo 9"),
        (["open", "3-2"], "the range runs backwards"),
        (["similar", "9"], "for a file of this name: ./9"),
        (["show", "1-2"], "names 2 photos"),
        (["open", "9" * 20], "no photo 999"),
    ],
)
def test_wrong_numbers_are_explained(
    asked: Photosd, opened: Opened, arguments: list[str], told: str
) -> None:
    ran = asked(*arguments)
    assert ran.code in (1, 2) and told in ran.err and not opened


def test_digits_that_are_no_number_are_a_path() -> None:
    """Python refuses to read more than 4300 digits."""
    (path,) = last_answer.chosen(["9" * 5000])
    assert path.endswith(b"/" + b"9" * 5000)


def test_other_commands_take_numbers(asked: Photosd, stub: StubDaemon) -> None:
    stub.answers["show"] = {"error": {"code": "not_found", "title": "T", "message": "m"}}
    asked("show", "2")
    assert stub.params("show") == [{"path": "/p/b.jpg"}]
    asked("similar", "2")
    assert stub.params("query")[-1]["terms"] == [{"path": "/p/b.jpg"}]


def test_more_goes_on_counting(asked: Photosd, stub: StubDaemon, opened: Opened) -> None:
    """And earlier numbers stay."""
    page = query_result(hit("/p/f.jpg"), cursor=None)
    page["hits"][0]["rank"] = 6
    stub.answers["query"] = page
    ran = asked("more", "-n", "7")
    assert ran.out == "6  strong  /p/f.jpg\n" and "more:" not in ran.err
    assert stub.params("query")[-1].items() >= {"cursor": "c.5", "limit": 7}.items()
    assert asked("open", "1", "6").code == 0
    assert opened == [[b"/p/a.jpg", b"/p/f.jpg"]]
    ran = asked("more")
    assert ran.code == 1 and "no more photos" in ran.err


def test_shown_photos_are_numbered_without_gaps(
    asked: Photosd, stub: StubDaemon, opened: Opened
) -> None:
    """Weak matches between good ones are not shown and have no number; the next page continues."""
    kinds = ["strong", "weak", "fair", "weak", "fair"]
    first = query_result(
        *(hit(f"/p/{n}.jpg", strength=kind) for n, kind in enumerate(kinds, 1)), cursor="c.5"
    )
    stub.answers["query"] = first
    ran = asked("sunset")
    rows = ["1  strong  /p/1.jpg", "2  fair    /p/3.jpg", "3  fair    /p/5.jpg"]
    assert ran.out.splitlines() == rows and "more: photosd more\n" in ran.err
    later = query_result(
        *(hit(f"/p/{n}.jpg", strength=kind) for n, kind in enumerate(["weak", "fair"], 6)),
        hit("/p/8.jpg", strength="weak"),
        cursor="c.8",
        convincing=True,
    )
    for rank, one in enumerate(later["hits"], 6):
        one["rank"] = rank
    stub.answers["query"] = later
    ran = asked("more")
    assert ran.out == "4  fair    /p/7.jpg\n" and "more:" not in ran.err
    assert asked("last").out.splitlines()[1:] == [*rows, "4  fair    /p/7.jpg"]
    assert asked("open", "2-4").code == 0
    assert opened == [[b"/p/3.jpg", b"/p/5.jpg", b"/p/7.jpg"]]
    assert "its numbers are 1 to 4" in asked("open", "5").err


def test_a_page_of_weak_matches_is_not_empty(asked: Photosd, stub: StubDaemon) -> None:
    """It says that the good ones have ended, and how many others it has."""
    weak = [hit(f"/p/{name}.jpg", strength="weak") for name in "fg"]
    page = query_result(*weak, convincing=True)
    for rank, one in enumerate(page["hits"], 6):
        one["rank"] = rank
    stub.answers["query"] = page
    ran = asked("more")
    assert not ran.out and "No more good matches; 2 weaker" in ran.err


def test_the_last_answer_is_shown_again(asked: Photosd, stub: StubDaemon) -> None:
    """Without the daemon; for programs it is the whole object."""
    stub.close()
    ran = asked("last")
    assert ran.code == 0
    assert ran.out.splitlines()[:2] == ["sunset", "1  strong  /p/a.jpg"]
    assert json.loads(asked("last", "--json").out) == stub.answers["query"]


def test_the_file_is_private_and_ends(asked: Photosd, home: Home) -> None:
    """0600 in a directory of 0700; a day later it is not used, and the next answer deletes it."""
    (file,) = home.answers.iterdir()
    assert (file.stat().st_mode & 0o777, home.answers.stat().st_mode & 0o777) == (0o600, 0o700)
    answer = json.loads(file.read_text())
    file.write_text(json.dumps({**answer, "at": time.time() - last_answer.KEPT_SECONDS - 1}))
    ran = asked("open", "1")
    assert ran.code == 1 and 'photosd query "sunset"' in ran.err
    old = home.answers / "9-9-9.json"
    old.write_text("{}")
    os.utime(old, (1, 1))
    for number in range(last_answer.KEPT_FILES + 3):
        (home.answers / f"{number}-1-1.json").write_text("{}")
    assert asked("red", "car").code == 0
    assert not old.exists()
    assert len(list(home.answers.iterdir())) == last_answer.KEPT_FILES


@pytest.mark.parametrize("content", ["", "[]", "{", '{"at": "x"}', '{"at": 1, "result": {}}'])
def test_a_damaged_file_is_no_answer(asked: Photosd, home: Home, content: str) -> None:
    (file,) = home.answers.iterdir()
    file.write_text(content)
    ran = asked("last")
    assert ran.code == 1 and "no answer of this terminal" in ran.err


def test_without_a_terminal_paths_are_named(
    asked: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that a query in this terminal would help."""
    monkeypatch.setattr(last_answer, "terminal_name", lambda: None)
    for command in (("last",), ("more",), ("open", "1")):
        ran = asked(*command)
        assert ran.code == 1 and "kept for a terminal, and this command has none" in ran.err
        assert "by its path" in ran.err and "sunset" not in ran.err


def test_directories_of_others_are_not_used(asked: Photosd, home: Home, tmp_path: Path) -> None:
    """A link, or one that others may enter: nothing is read or written there."""
    (file,) = home.answers.iterdir()
    home.answers.chmod(0o755)
    assert asked("last").code == 1
    file.unlink()
    home.answers.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    home.answers.symlink_to(tmp_path / "elsewhere")
    ran = asked("red", "car")
    assert ran.code == 0 and "more: photosd query --cursor" in ran.err
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("form", ["--json", "--jsonl", "--paths", "-0"])
def test_answers_for_programs_are_not_kept(
    stub: StubDaemon, photosd: Photosd, home: Home, form: str
) -> None:
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    assert photosd("query", "sunset", form).code == 0
    assert not home.answers.exists()


def test_without_a_terminal_nothing_is_kept(
    stub: StubDaemon, photosd: Photosd, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "isatty", lambda _descriptor: False)
    stub.path.parent.chmod(0o700)
    stub.answers["query"] = query_result(hit("/p/a.jpg"))
    assert photosd("query", "sunset").code == 0
    assert not home.answers.exists()
    assert photosd("last").code == 1


def test_each_terminal_has_its_own(stub: StubDaemon, home: Home) -> None:
    """By its device, and by the session's leader, if that is known."""
    stub.path.parent.chmod(0o700)
    answers: list[dict[str, Any]] = [query_result(hit(f"/p/{n}.jpg")) for n in range(2)]
    for answer in answers:
        stub.answers["query"] = answer
        _, err, code = on_a_terminal("red car")
        assert code == 0, err
    names = [file.name.removesuffix(".json").split("-") for file in home.answers.iterdir()]
    session = os.getsid(0)  # 0 in a container whose session was begun outside it
    assert names and {name[1] for name in names} == {str(session)}
    assert all(device != "0" and (started != "0") == (session != 0) for device, _, started in names)


# -- the desktop's programs -----------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put programs on PATH that note their arguments and stdin; returns the notes."""
    tools, notes = tmp_path / "bin", tmp_path / "notes"
    tools.mkdir()
    for name in ("sh", "cat"):
        (tools / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def install(*names: str, platform: str = "linux", code: int = 0) -> Path:
        monkeypatch.setattr(openers, "sys", SimpleNamespace(platform=platform, stderr=sys.stderr))
        for name in names:
            script = f'#!/bin/sh\n{{ echo "{name} $@"; cat; echo; }} >> "{notes}"\nexit {code}\n'
            (tools / name).write_text(script)
            (tools / name).chmod(0o755)
        return notes

    return install


def test_the_clipboard_gets_bytes(programs: Callable[..., Path]) -> None:
    """From the first program that is there."""
    notes = programs("xsel", "xclip")
    openers.copy_text(b"/p/\xff.jpg")
    assert notes.read_bytes() == b"xclip -selection clipboard\n/p/\xff.jpg\n"
    notes.unlink()
    programs("pbcopy", platform="darwin")
    openers.copy_text(b"/p/a.jpg")
    assert notes.read_bytes() == b"pbcopy \n/p/a.jpg\n"


def test_the_clipboard_of_a_mac_takes_names_in_any_script(
    programs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the terminal sets no locale, pbcopy took UTF-8 for Mac Roman."""
    notes = programs("pbcopy", platform="darwin")
    (notes.parent / "bin" / "pbcopy").write_text(f'#!/bin/sh\necho "$LC_ALL" > "{notes}"\ncat\n')
    for name in ("LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_CTYPE", "C")
    openers.copy_text("/p/חוף.jpg".encode())
    assert notes.read_text() == "en_US.UTF-8\n"


def test_a_terminal_is_the_last_clipboard(
    programs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """By OSC 52, as over SSH; without one it is said what to install."""
    programs()
    with pytest.raises(openers.CannotOpen) as caught:
        openers.copy_text(b"/p/a.jpg")
    assert "xclip" in caught.value.remedy
    monkeypatch.setattr("photosd_cli.console.is_terminal", lambda _stream: True)
    openers.copy_text(b"/p/a.jpg")
    assert capsys.readouterr().err == "\x1b]52;c;L3AvYS5qcGc=\x07"


def test_a_picture_is_copied_with_its_type(programs: Callable[..., Path], tmp_path: Path) -> None:
    photo = tmp_path / "a, b.png"
    photo.write_bytes(b"pixels")
    with pytest.raises(openers.CannotOpen):
        programs()
        openers.copy_picture(os.fsencode(photo))
    notes = programs("xclip")
    openers.copy_picture(os.fsencode(photo))
    assert notes.read_text().startswith(f"xclip -selection clipboard -t image/png -i {photo}\n")
    with pytest.raises(NotFound, match="no such file"):
        openers.copy_picture(b"/p/gone.png")


def test_files_are_shown_selected_or_in_their_folder(
    programs: Callable[..., Path], tmp_path: Path
) -> None:
    """The file manager's D-Bus call; a folder if that fails."""
    photos = [tmp_path / "a, b.jpg", tmp_path / "c.jpg"]
    for photo in photos:
        photo.touch()
    files = [os.fsencode(photo) for photo in photos]
    notes = programs("dbus-send", "xdg-open")
    openers.reveal_files(files)
    assert (
        f"array:string:file://{tmp_path}/a%2C%20b.jpg,file://{tmp_path}/c.jpg" in notes.read_text()
    )
    notes.unlink()
    programs("dbus-send", code=1)
    openers.reveal_files(files)
    assert f"xdg-open {tmp_path}\n" in notes.read_text()
    with pytest.raises(NotFound):
        openers.reveal_files([b"/p/gone.jpg"])
