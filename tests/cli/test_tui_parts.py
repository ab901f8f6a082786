"""The interactive mode without its screen: questions, drawing, plain lines, how it starts."""

from __future__ import annotations

import io
from typing import Any

import pytest
from textual.pilot import Pilot

from photosd_cli import openers, preview
from photosd_cli.preview import DrawnPicture
from photosd_cli.tui import asking, pictures
from photosd_cli.tui.app import Photos
from photosd_cli.tui.asking import Question
from photosd_cli.tui.lines import Lines
from tests.cli.conftest import Photosd
from tests.cli.pilot import drive, library, names, until
from tests.cli.stub import StubDaemon, query_result
from tests.cli.test_startup import modules_of

__all__ = ["library"]  # a fixture


@pytest.mark.parametrize(
    ("typed", "words", "terms"),
    [
        ("beach -people +2:dog", "beach", [("-", "people"), ("+", "2:dog")]),
        ("check-in at 5 - 6", "check-in at 5 - 6", []),
        ("חוף -אנשים", "חוף", [("-", "אנשים")]),
        ("-3 degrees +", "-3 degrees +", []),
        ("", "", []),
    ],
)
def test_terms_are_words_after_a_sign(typed: str, words: str, terms: list[tuple[str, str]]) -> None:
    assert asking.split(typed) == (words, terms)


def test_parts_are_removed_one_by_one() -> None:
    question = Question("beach -people in Eilat", (b"/p/a.jpg", b"/p/b.jpg"))
    read: Any = query_result(
        read_as=[{"kind": "place", "value": "Eilat"}, {"kind": "rest", "value": "x"}]
    )
    chips = asking.chips_of(question, read)
    assert [chip.label for chip in chips] == ["like a.jpg", "like b.jpg", "- people", "Eilat"]
    for chip in chips:
        question = asking.without(question, chip)
    assert question == Question("beach in Eilat", (), ("place",))


# -- drawing ---------------------------------------------------------------------------------------


def test_kitty_draws_where_its_placeholders_are() -> None:
    """The picture's number is the colour of the text; each row has its mark."""
    drawn = pictures.placeholders(DrawnPicture(b"\0" * 12, 2, 2, 3, 2), 0x010203)
    assert [strip.cell_length for strip in drawn.strips] == [3, 3]
    assert [strip.text for strip in drawn.strips] == [
        "\U0010eeee\u0305\U0010eeee\U0010eeee",
        "\U0010eeee\u030d\U0010eeee\U0010eeee",
    ]
    style = next(iter(drawn.strips[0])).style
    assert style is not None and style.color is not None
    assert style.color.triplet == (1, 2, 3)
    assert drawn.sent.startswith("\x1b_Ga=T,f=24,o=z,s=2,v=2,c=3,r=2,C=1,q=2,U=1,i=66051,m=0;")


def test_256_colours_are_dithered() -> None:
    """Two shades mix where the colour itself is missing; a colour that exists stays."""
    grey = DrawnPicture(bytes((100, 60, 20)) * 64, 8, 8, 8, 4)
    codes = {
        code for line in preview.half_cells(grey, true_colour=False) for c in line for code in c
    }
    assert len(codes) > 1
    red = DrawnPicture(bytes((255, 0, 0)) * 64, 8, 8, 8, 4)
    codes = {
        code for line in preview.half_cells(red, true_colour=False) for c in line for code in c
    }
    assert codes == {"5;196"}


# -- lines, and starting --------------------------------------------------------------------------


def test_plain_lines(
    library: StubDaemon, monkeypatch: pytest.MonkeyPatch, photosd: Photosd
) -> None:
    """For screen readers, or a simple terminal: one question or command a line."""
    done: list[Any] = []
    monkeypatch.setattr(openers, "open_files", done.append)
    monkeypatch.setattr(openers, "copy_text", done.append)
    lines = "red car\n2\ny 3\nw\nd 1\ns 1\n9\n\nnever read\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    ran = photosd("tui", "--lines", "sea")
    assert ran.code == 0
    assert [asked["text"] for asked in library.params("query")] == ["sea", "red car", ""]
    assert library.params("query")[2]["terms"] == [{"path": "/p/a.jpg"}]
    assert done == [[b"/p/b.jpg"], b"/p/c.jpg"]
    for shown in ("1  strong  2019-05-01  /p/a.jpg", "5  weak    ", "state: indexed"):
        assert shown in ran.out
    assert "no photo has the number 9" in ran.err and "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [(["tui"], {}), (["tui"], {"ACCESSIBLE": "1"}), (["tui", "--lines"], {})],
)
def test_lines_where_no_screen_can_be_drawn(
    photosd: Photosd,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    variables: dict[str, str],
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(Lines, "run", lambda _self, words: begun.append(words))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setattr("photosd_cli.console.is_interactive", lambda: True)
    assert photosd(*arguments, "red", "car").code == 0
    assert begun == ["red car"]


def test_photosd_alone_starts_it_on_a_terminal(
    photosd: Photosd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the library is there; else the first commands are shown."""
    begun: list[tuple[str, bool]] = []
    monkeypatch.delenv("ACCESSIBLE", raising=False)
    monkeypatch.setattr("photosd_cli.console.is_interactive", lambda: True)
    monkeypatch.setattr("photosd_cli.tui.app.run", lambda words, grid: begun.append((words, grid)))
    assert photosd().code == 0
    assert photosd("tui", "red", "car", "--grid").code == 0
    assert begun == [("", False), ("red car", True)]
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert "photosd help all" in photosd().out
    ran = photosd("tui")
    assert ran.code != 0 and "textual" in ran.err and len(begun) == 2


def test_it_imports_nothing_heavy(stub: StubDaemon) -> None:
    """No model, no array library, no index."""
    code = "import photosd_cli.tui.app, photosd_cli.tui.lines"
    found = modules_of("sockname", before=code)
    assert "textual" in found
    assert not found & {"torch", "numpy", "lancedb", "pyarrow", "PIL", "photosd.runtime.main"}


def test_the_terminals_own_colours_are_used(library: StubDaemon) -> None:
    """Light or dark: the background is the terminal's."""

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app))
        assert app.current_theme.ansi

    drive(script)
