"""Seeing results: thumbnails in the terminal, links, contact sheets, what opens them."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.core.paths import Home
from photosd_cli import openers, paths, preview
from photosd_cli.preview import DrawnPicture
from photosd_cli.query_options import spelled_out
from tests.cli.conftest import Photosd
from tests.cli.stub import StubDaemon, error, hit, query_result
from tests.cli.test_startup import heavy, modules_of
from tests.cli.test_terminal import on_a_terminal

PLAIN = {
    name: ""
    for name in (
        *("TMUX", "STY", "KITTY_WINDOW_ID", "TERM_PROGRAM", "VTE_VERSION", "COLORTERM", "CI"),
        *("WT_SESSION", "KONSOLE_VERSION", "INSIDE_EMACS", "TERM_PROGRAM_VERSION", "LC_TERMINAL"),
        "ALACRITTY_WINDOW_ID",
    )
}


def thumbnail(params: dict[str, Any]) -> dict[str, Any]:
    """Half red, half blue: 8 x 6, or what is asked for if that is less."""
    width, height = min(8, params["pixels"]), min(6, params["height"] or 6)
    red, blue = b"\xff\0\0", b"\0\0\xff"
    data = (red * width) * (height // 2) + (blue * width) * (height - height // 2)
    if params["form"] == "jpeg":
        data = b"\xff\xd8 a jpeg \xff\xd9"
    return {
        "width": width,
        "height": height,
        "form": params["form"],
        "content_id": "1-0",
        "data_b64": base64.b64encode(data).decode(),
    }


@pytest.fixture
def seen(stub: StubDaemon) -> StubDaemon:
    """Three hits, the middle one cannot be shown."""

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        return error("unreadable") if "broken" in params["path"] else thumbnail(params)

    stub.answers["thumbnail"] = answer
    stub.answers["query"] = query_result(
        hit("/p/a.jpg"), hit("/p/broken.jpg", 0.25, "fair"), hit("/p/c.jpg", 0.2, "weak")
    )
    return stub


# -- drawing --------------------------------------------------------------------------------------


def test_half_blocks_put_two_pixels_in_a_cell() -> None:
    """Colours change only where they do, and every line ends as it began."""
    red, blue = b"\xff\0\0", b"\0\0\xff"
    picture = DrawnPicture(red * 3 + blue * 3 + red * 3, 3, 3, 3, 2)
    assert preview.half_blocks(picture, true_colour=True) == [
        "\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀▀▀\x1b[0m",
        "\x1b[38;2;255;0;0m▀▀▀\x1b[0m",
    ]
    assert preview.half_blocks(picture, true_colour=False)[0].startswith("\x1b[38;5;196m")


@pytest.mark.parametrize(
    ("colour", "code"),
    [((0, 0, 0), 16), ((255, 255, 255), 231), ((128, 128, 128), 244), ((255, 135, 0), 208)],
)
def test_the_nearest_of_256_colours(colour: tuple[int, int, int], code: int) -> None:
    """The nearest colour comes from the cube or from the greys."""
    line = preview.half_blocks(DrawnPicture(bytes(colour), 1, 1, 1, 1), true_colour=False)[0]
    assert f"38;5;{code}m" in line


def test_kitty_gets_compressed_pixels_in_chunks() -> None:
    """As its protocol has it: no more than 4,096 characters each, all but the last announced."""
    pixels = os.urandom(60 * 40 * 3)
    escapes = re.findall(
        r"\x1b_G(.*?);(.*?)\x1b\\", preview.kitty(DrawnPicture(pixels, 60, 40, 6, 2))
    )
    assert escapes[0][0] == "a=T,f=24,o=z,s=60,v=40,c=6,r=2,C=1,q=2,m=1"
    assert [head[-3:] for head, _ in escapes[1:]] == ["m=1"] * (len(escapes) - 2) + ["m=0"]
    assert all(len(chunk) <= 4096 for _, chunk in escapes)
    whole = base64.b64decode("".join(chunk for _, chunk in escapes))
    assert zlib.decompress(whole) == pixels


def test_iterm_gets_a_jpeg() -> None:
    """With its size in cells, the cursor left where it is."""
    drawn = preview.iterm(DrawnPicture(b"\xff\xd8jpeg", 320, 240, 16, 6))
    assert drawn.startswith("\x1b]1337;File=inline=1;size=6;width=16;height=6;")
    assert base64.b64decode(drawn.rpartition(":")[2].rstrip("\x07")) == b"\xff\xd8jpeg"


# -- which way ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "mode"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "mintty"}, "iterm"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "screen-256color", "TMUX": "x", "KITTY_WINDOW_ID": "1"}, "blocks"),
        ({"TERM": "screen", "STY": "1", "TERM_PROGRAM": "iTerm.app"}, "blocks"),
        ({"TERM": "dumb"}, "off"),
        ({}, "off"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "off"),
    ],
)
def test_the_terminal_is_known_by_its_environment(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], mode: str
) -> None:
    """It is never asked, so nothing waits and nothing is read from it."""
    for name in (*PLAIN, "TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("photosd_cli.console.is_terminal", lambda _stream: True)
    monkeypatch.setattr("photosd_cli.console.can_write", lambda _text: True)
    assert preview.mode_of("auto") == mode
    assert preview.mode_of("blocks") == "blocks"
    monkeypatch.setattr("photosd_cli.console.is_terminal", lambda _stream: False)
    assert preview.mode_of("auto") == "off"


def test_thumbnails_stand_above_their_lines(seen: StubDaemon) -> None:
    """Side by side; one that cannot be shown keeps its line, and why is said once."""
    out, err, code = on_a_terminal(
        "query", "sunset", "--weak", "--preview", variables={**PLAIN, "COLORTERM": "truecolor"}
    )
    assert code == 0
    lines = out.decode().splitlines()
    assert [line.count("▀") for line in lines] == [16, 16, 16, 0, 0, 0]
    assert "\x1b[38;2;255;0;0m" in lines[0]
    for line, name in zip(lines[3:], ("/p/a.jpg", "/p/broken.jpg", "/p/c.jpg"), strict=True):
        assert line.endswith(name)
    assert "1 picture cannot be shown: the cause; the remedy" in err.decode()
    assert seen.params("thumbnail")[0]["form"] == "rgb"


def test_kitty_and_iterm_are_drawn_where_they_are(seen: StubDaemon) -> None:
    """In lines that were reserved before; the cursor then moves below them."""
    out, _, _ = on_a_terminal("query", "x", variables={**PLAIN, "TERM": "xterm-kitty"})
    assert b"\x1b_G" not in out
    out, _, _ = on_a_terminal("query", "x", "--preview=kitty", variables=PLAIN)
    assert out.count(b"\x1b_Ga=T") == 1
    assert b"\x1b[1A\x1b7\x1b_G" in out
    assert seen.params("thumbnail")[0]["height"] > 0
    out, _, _ = on_a_terminal("query", "x", "--preview=iterm", variables=PLAIN)
    assert b"\x1b]1337;File=inline=1" in out


def test_off_a_terminal_nothing_changes(seen: StubDaemon, photosd: Photosd) -> None:
    """Scripts get what they always get, and no thumbnail is made."""
    plain = photosd("query", "sunset")
    assert photosd("query", "sunset", "--preview") == plain
    assert photosd("query", "sunset", "--preview=off", "--hyperlink=auto") == plain
    for form in ("--json", "--jsonl", "--paths", "-0"):
        assert photosd("query", "sunset", form, "--preview=blocks") == photosd(
            "query", "sunset", form
        )
    assert not seen.params("thumbnail")


def test_lines_are_shown_though_the_daemon_ends(seen: StubDaemon) -> None:
    """The hits were there already."""
    seen.answers["thumbnail"] = b"nonsense\n"
    out, err, _ = on_a_terminal("query", "x", "--preview=blocks", variables=PLAIN)
    assert b"/p/a.jpg" in out and b"/p/broken.jpg" in out
    assert b"cannot be shown" in err


def test_an_option_without_a_value_takes_no_word() -> None:
    """`--html` takes the next word only if that is a page's name."""
    assert spelled_out(["--preview", "a", "dog"]) == ["--preview=auto", "a", "dog"]
    assert spelled_out(["a", "--html"]) == ["a", "--html="]
    assert spelled_out(["--html", "dog", "x.html"]) == ["--html=", "dog", "x.html"]
    assert spelled_out(["--html", "x.HTML", "dog"]) == ["--html=x.HTML", "dog"]
    assert spelled_out(["--html=-", "--preview=off"]) == ["--html=-", "--preview=off"]


def test_a_query_with_thumbnails_imports_nothing_heavy(seen: StubDaemon) -> None:
    """No imaging library; and without them not even ours."""
    modules = modules_of("query", "sunset", "--preview=blocks")
    assert not heavy(modules)
    assert "photosd_cli.preview" in modules
    assert not {"photosd_cli.preview", "base64", "zlib"} & modules_of("query", "sunset")


# -- one photo ------------------------------------------------------------------------------------


def test_one_photo_with_what_is_known(stub: StubDaemon, photosd: Photosd) -> None:
    """As large as told, and a line of facts."""
    stub.answers["thumbnail"] = thumbnail
    facts = {"taken_at": 1691841600.0, "width": 4000, "height": 3000, "camera": "Canon \x1b[2J"}
    stub.answers["show"] = {"facts": facts}
    ran = photosd("preview", "/p/\x1b[2J.jpg", "--as", "blocks", "--size", "4x3")
    assert ran.code == 0
    *drawn, line = ran.out.splitlines()
    assert [row.count("▀") for row in drawn] == [4, 4]
    assert line == "\\x1b[2J.jpg · 2023-08-12 · 4000 × 3000 · Canon \\x1b[2J"
    assert stub.params("thumbnail") == [
        {"path": "/p/\x1b[2J.jpg", "pixels": 4, "height": 4, "form": "rgb", "deadline_ms": 10000}
    ]


def test_in_fzf_it_fills_the_preview_window(
    stub: StubDaemon, photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose stdout is no terminal, and which draws characters only."""
    stub.answers["thumbnail"] = thumbnail
    stub.answers["show"] = error("not_found")
    monkeypatch.setenv("FZF_PREVIEW_COLUMNS", "6")
    monkeypatch.setenv("FZF_PREVIEW_LINES", "4")
    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ran = photosd("preview", "/p/a.jpg")
    assert ran.out.count("▀") == 6 * 3
    assert ran.out.splitlines()[-1] == "a.jpg"


def test_a_photo_that_cannot_be_shown_is_an_error(stub: StubDaemon, photosd: Photosd) -> None:
    """With its remedy, also as an object."""
    stub.answers["thumbnail"] = error("unreadable")
    stub.answers["show"] = error("not_found")
    ran = photosd("preview", "/p/a.jpg", "--as", "blocks")
    assert (ran.code, ran.out) == (1, "")
    assert "the remedy" in ran.err
    assert json.loads(photosd("preview", "/p/a.jpg", "--json").out)["error"]["code"]
    assert photosd("preview", "/p/a.jpg", "--size", "big").code == 2
    assert photosd("preview", "").code == 2


def test_one_photo_for_programs(stub: StubDaemon, photosd: Photosd) -> None:
    """A JPEG in base64."""
    stub.answers["thumbnail"] = thumbnail
    found = json.loads(photosd("preview", "/p/a.jpg", "--json").out)
    assert base64.b64decode(found["data_b64"]).startswith(b"\xff\xd8")


# -- links ----------------------------------------------------------------------------------------


def test_a_file_url_holds_the_bytes_of_the_name() -> None:
    """Whatever they are, and the host's name for terminals that show other machines."""
    path = b"/p/a b%20;'\"\n" + b"\xff" + "ש.jpg".encode()
    assert paths.file_url(path, "host") == ("file://host/p/a%20b%2520%3B%27%22%0A%FF%D7%A9.jpg")


def test_paths_are_links_on_terminals_that_have_them(stub: StubDaemon) -> None:
    """The text is the same; bytes that are not UTF-8 lead to the right file."""
    odd = hit("/p/\\xff;.jpg", path_b64=base64.b64encode(b"/p/\xff;.jpg").decode())
    stub.answers["query"] = query_result(odd, hit("/p/\x1b]8;;evil\x07.jpg"))
    out, _, _ = on_a_terminal("query", "x", variables={**PLAIN, "TERM": "xterm-kitty"})
    assert (
        f"\x1b]8;;file://{socket.gethostname()}/p/%FF%3B.jpg\x1b\\/p/\\xff;.jpg\x1b]8;;\x1b\\"
    ) in out.decode()
    assert b"evil\x07" not in out
    bare, _, _ = on_a_terminal("query", "x", variables=PLAIN)
    assert b"\x1b]8" not in bare
    always, _, _ = on_a_terminal("query", "x", "--hyperlink=always", variables=PLAIN)
    assert b"\x1b]8;;file://" in always


@pytest.mark.parametrize(
    ("told", "capable"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "alacritty"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4205"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode", "CI": "true"}, False),
        ({"TERM": "dumb", "TERM_PROGRAM": "vscode"}, False),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, True),
        (
            {"TERM": "tmux", "TMUX": "x", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.4a"},
            True,
        ),
        (
            {"TERM": "tmux", "TMUX": "x", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.3a"},
            False,
        ),
        ({"TERM": "tmux", "TMUX": "x", "VTE_VERSION": "7600"}, False),
        ({"TERM": "screen", "STY": "x", "KITTY_WINDOW_ID": "1"}, False),
    ],
)
def test_links_are_for_terminals_known_to_draw_them(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], capable: bool
) -> None:
    """Others would show the escape."""
    for name in (
        *PLAIN,
        "CI",
        "WT_SESSION",
        "KONSOLE_VERSION",
        "INSIDE_EMACS",
        "TERM_PROGRAM_VERSION",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("photosd_cli.console.is_terminal", lambda _stream: True)
    assert paths.links_wanted("auto") == capable
    assert paths.links_wanted("always")
    assert not paths.links_wanted("never")


# -- opening, and contact sheets ------------------------------------------------------------------


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desktop whose xdg-open notes what it is given; the file of notes."""
    notes, tools = tmp_path / "opened", tmp_path / "bin"
    tools.mkdir()
    program = tools / "xdg-open"
    program.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >> "{notes}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setattr(openers, "sys", SimpleNamespace(platform="linux"))
    return notes


def given(notes: Path) -> list[bytes]:
    return notes.read_bytes().split(b"\0")[:-1] if notes.exists() else []


def test_hits_are_opened_and_weak_ones_are_not(
    stub: StubDaemon, photosd: Photosd, desktop: Path, tmp_path: Path
) -> None:
    """Strong hits are opened, at most ten; weak ones are not."""
    names = [f"{number}.jpg" for number in range(12)] + ["-o \udcff.jpg"]
    for name in names:
        (tmp_path / name).touch()
    odd = os.fsencode(tmp_path / names[-1])
    hits = [hit("x", path_b64=base64.b64encode(odd).decode())]
    hits += [hit(str(tmp_path / name)) for name in names[:2]]
    stub.answers["query"] = query_result(*hits, hit(str(tmp_path / names[3]), 0.1, "weak"))
    ran = photosd("query", "x", "--open")
    assert ran.code == 0
    # The programs are started one after the other and then run beside each other.
    assert sorted(given(desktop)) == sorted(
        [odd, *(os.fsencode(tmp_path / name) for name in names[:2])]
    )
    desktop.unlink()
    stub.answers["query"] = query_result(*(hit(str(tmp_path / name)) for name in names[:12]))
    ran = photosd("query", "x", "--open")
    assert len(given(desktop)) == openers.MAX_WINDOWS
    assert "the first 10 are opened" in ran.err


def test_what_cannot_be_opened_is_said(
    stub: StubDaemon,
    photosd: Photosd,
    desktop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that is gone, a program that fails, no screen, no program."""
    stub.answers["query"] = query_result(hit(str(tmp_path / "gone.jpg")))
    assert "its disk is not connected" in photosd("query", "x", "--open").err
    photo = tmp_path / "a.jpg"
    photo.touch()
    stub.answers["query"] = query_result(hit(str(photo)))
    (tmp_path / "bin" / "xdg-open").write_text("#!/bin/sh\nexit 3\n")
    ran = photosd("query", "x", "--open")
    assert ran.code == 1
    assert "exit code 3" in ran.err
    assert str(photo) in ran.out  # the table came first
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "sudo apt install xdg-utils" in photosd("query", "x", "--open").err
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert "no display" in photosd("query", "x", "--open").err
    assert f"no display for {photo}: DISPLAY" in photosd("open", str(photo)).err
    assert "no such file" in photosd("open", str(tmp_path / "misspelled.jpg")).err


def test_a_sheet_without_a_file_is_private_and_opened(
    seen: StubDaemon, photosd: Photosd, desktop: Path, home: Home
) -> None:
    """Only you can read it, and old ones go."""
    home.sheets.mkdir(parents=True)
    for number in range(30):
        (home.sheets / f"2020-01-01-{number:06}-1.html").touch()
    ran = photosd("query", "sunset", "--html")
    assert ran.code == 0
    file = Path(ran.out.strip())
    assert file.parent == home.sheets
    assert (file.stat().st_mode & 0o777, home.sheets.stat().st_mode & 0o777) == (0o600, 0o700)
    assert given(desktop) == [os.fsencode(file)]
    assert len(list(home.sheets.iterdir())) == 20
    page = file.read_text()
    assert "c.jpg" in page and "the cause" in page  # weak ones, and what cannot be shown
    assert "2 good matches, 1 weaker · 12,408 photos searched" in ran.err


def test_a_sheet_is_written_where_the_user_says(
    seen: StubDaemon,
    photosd: Photosd,
    desktop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whole or not at all; opened only if asked; `-` is stdout."""
    monkeypatch.chdir(tmp_path)
    ran = photosd("query", "sunset", "--html", "new.html")
    assert ran.out == f"{tmp_path}/new.html\n"
    assert (tmp_path / "new.html").read_text().startswith("<!doctype html>")
    assert not given(desktop)
    assert not list(tmp_path.glob(".*"))
    photosd("query", "sunset", "--html=new.html", "--open")
    assert given(desktop) == [os.fsencode(tmp_path / "new.html")]
    assert photosd("query", "sunset", "--html=-").out.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--html=photo.jpg"], "is not the name of a page"),
        (["--html=nowhere/x.html"], "no such directory"),
        (["--html", "--json"], "a contact sheet shows one query"),
        (["--html", "-0"], "a contact sheet shows one query"),
    ],
)
def test_a_sheet_overwrites_nothing_else(
    seen: StubDaemon,
    photosd: Photosd,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    why: str,
) -> None:
    """A mistyped name must not cost a photo."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_text("precious")
    ran = photosd("query", "sunset", *arguments)
    assert ran.code == 2
    assert why in ran.err + ran.out
    assert (tmp_path / "photo.jpg").read_text() == "precious"
    assert not list(tmp_path.glob("*.html"))


def test_a_sheet_that_cannot_be_written_is_an_error(
    seen: StubDaemon, photosd: Photosd, tmp_path: Path
) -> None:
    """And leaves nothing behind; a bad name is refused before anything is asked."""
    if not Path("/proc/version").exists():
        pytest.skip("there is no /proc, where nobody may write")
    ran = photosd("query", "sunset", "--html=/proc/sheet.html")
    assert ran.code == 5
    assert "cannot be read or written" in ran.err
    seen.requests.clear()
    assert photosd("query", "sunset", "--html=/nowhere/at/all.html").code == 2
    assert not seen.requests


def test_what_is_no_photo_is_no_success_off_a_terminal(stub: StubDaemon, photosd: Photosd) -> None:
    """Although nothing would be drawn there."""
    stub.answers["show"] = error("not_found")
    stub.answers["thumbnail"] = error("unreadable")
    assert photosd("preview", "/etc/passwd").code == 1
    stub.answers["thumbnail"] = thumbnail
    ran = photosd("preview", "/p/a.jpg")
    assert (ran.code, ran.out) == (0, "a.jpg\n")
