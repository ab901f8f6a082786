"""Nothing is broken in the middle of a word on a terminal, and pipes get whole lines."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import termios
from typing import Any

import click
import pytest
from wcwidth import width

from photosd.core.paths import Home
from photosd_cli import console, group
from photosd_cli.progress import Bar
from tests.cli.conftest import Photosd, command, environment
from tests.cli.stub import StubDaemon
from tests.cli.test_hostile_values import commands

WORDS = (
    "the decoder process ended three times over this photo, which is therefore quarantined; convert"
    " '/home/me/My Photos/2019 in Rome/IMG 0001.jpg' to another format, or delete it"
)
TEXTS = [
    WORDS,
    "שלום לכל מי שמחפש תמונות של שקיעה מעל הים, ושל כלב שרץ על החוף בשעת ערב מאוחרת " * 2,
    "日本語の写真 を さがす ひと の ため の ながい ぶんしょう " * 4,
    "👨‍👩‍👧‍👦 a family, e\u0301te\u0301, and more words that follow until the line is full " * 2,
    "  " + WORDS,
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [24, 40, 80, 200])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_lines_fit_and_words_stay_whole(
    text: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "columns_of", lambda _stream: columns)
    shown = console.fit(text, Terminal(), hang=4)
    assert shown.split() == text.split()
    whole = {*text.split(), *(found[0] for found in console.QUOTED.finditer(text))}
    for line in shown.splitlines():
        assert width(line) <= columns or line.strip(" ,;") in whole, (width(line), line)
    for found in console.QUOTED.finditer(text):
        assert found[0] in shown  # in one piece, so that it can be copied
    indents = {len(line) - len(line.lstrip(" ")) for line in shown.splitlines()[1:]}
    assert indents <= {4 + len(text) - len(text.lstrip(" "))}


def test_a_pipe_gets_one_line() -> None:
    assert console.fit(WORDS, io.StringIO(), hang=4) == WORDS
    assert console.fit(WORDS, None) == WORDS


def test_a_progress_line_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer line would wrap, and the first part could not be cleared."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with Bar("indexing") as bar:
        bar.say("x" * 200)
    _, line, _ = terminal.getvalue().split("\x1b[K")
    assert len(line.rstrip("\r")) == 79


def pages() -> list[tuple[str, ...]]:
    return [(), *(path for path, _ in commands(group.cli))]


@pytest.mark.parametrize("path", pages(), ids=" ".join)
def test_help_fits_80_columns(path: tuple[str, ...], photosd: Photosd) -> None:
    with click.Context(group.cli):
        for line in photosd(*path, "--help").out.splitlines():
            assert len(line) <= 80, line


def on_80_columns(*arguments: str) -> str:
    """What a terminal of 80 columns gets on stdout and stderr, without colours."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    running = subprocess.Popen(
        command(*arguments),
        env={**environment(), "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(mine, 65536):
            written += piece
    except OSError:  # EIO: the other side is closed
        pass
    os.close(mine)
    running.wait(30)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode()).replace("\r", "")


FAILURE = {"path": "/p/x.jpg", "reason": WORDS, "remedy": WORDS, "attempts": 3}
FOLDER = {"path": "/p", "state": "offline", "photos": 3, "reason": WORDS, "remedy": WORDS}
ANSWERS: dict[str, Any] = {
    "failures": {"failures": [FAILURE], "retried": 0},
    "folders": {"folders": [FOLDER]},
    "show": {"error": {"code": "not_found", "title": "T", "message": WORDS, "remedy": WORDS}},
}


@pytest.mark.parametrize("words", [("failures",), ("folders",), ("show", "x.jpg")], ids=" ".join)
def test_answers_fit_80_columns(words: tuple[str, ...], stub: StubDaemon, photosd: Photosd) -> None:
    """And are one line each where no terminal reads them."""
    stub.answers.update(ANSWERS)
    shown = on_80_columns(*words)
    assert "decoder" in shown
    for line in shown.splitlines():
        assert width(line) <= 80, line
    ran = photosd(*words)
    assert WORDS in ran.out + ran.err


def test_the_list_of_models_fits_80_columns(home: Home) -> None:
    shown = on_80_columns("model", "list")
    (line,) = [line for line in shown.splitlines() if line.startswith("starter ")]
    assert "English, Hebrew and 5 more" in line
    for line in shown.splitlines():
        assert width(line) <= 80, line


def test_usage_errors_fit_80_columns() -> None:
    """Whole words; the message is one line where no terminal reads it."""
    shown = on_80_columns("facets", "--kind", "rating")
    assert "'country'" in shown and "'type'" in shown
    for line in shown.splitlines():
        assert width(line) <= 80, line


def test_reasons_are_indented(stub: StubDaemon, photosd: Photosd) -> None:
    """Below their first line."""
    photo = {"path": "/p/x.jpg", "state": "failed", "reason": WORDS, "remedy": WORDS}
    missing = ("attempts", "folder", "size", "modified_at", "content_id")
    stub.answers["show"] = {**photo, **dict.fromkeys(missing), "facts": {}}
    lines = on_80_columns("show", "/p/x.jpg").splitlines()
    assert len(lines) > 4 and lines[3].startswith(" " * 12)
    for line in lines:
        assert width(line) <= 80, line
