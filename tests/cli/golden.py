"""What commands print on terminals of 40, 80 and 120 columns, kept in tests/cli/golden.

`make golden` writes the files; test_golden.py compares them.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import photosd
from photosd.core.paths import Home
from photosd_cli import console, last_answer
from photosd_cli.main import main
from tests.cli.stub import StubDaemon, error, hit, progress, query_result, status_result

FILES = Path(__file__).parent / "golden"
WIDTHS = (40, 80, 120)
LONG = (
    "the decoder process ended three times over this photo, which is therefore quarantined; convert"
    " '/home/me/My Photos/2019 in Rome/IMG 0001.jpg' to another format, or delete it"
)
DEEP = "/home/me/Pictures/2023 family and friends/Summer holidays in Eilat/day 3/IMG_2058.jpg"
HEBREW = "/home/me/Pictures/תמונות של המשפחה/שקיעה מעל הים באילת.jpg"
WIDE = "/home/me/写真/日本の旅行/京都の古い寺院と庭園の写真.jpg"
GOOD = (
    hit(DEEP, 0.497, taken="2023-05-07T10:00:00", copies=3),
    hit(HEBREW, 0.456, "fair", sources=["clip", "name"]),
    hit(WIDE, 0.41, "fair", taken="2019-08-01T00:00:00", taken_precision="month", offline=True),
)
FOLDER = {
    "path": "/home/me/Pictures",
    "state": "ok",
    "photos": 12408,
    "reason": None,
    "remedy": None,
}
AWAY = {
    "path": "/media/me/Disk of 2019", "state": "offline", "photos": 301,
    "reason": "the disk is not connected", "remedy": "connect it; nothing was lost",
}  # fmt: skip
FAILED = {"path": DEEP, "reason": LONG, "remedy": LONG, "attempts": 3}
SAME = {"daemon_version": photosd.__version__}
INDEXING = {
    "photos": 12408, "indexed": 4120, "pending": 8288, "failed": 3, "rate_per_s": 38.0,
    "eta_s": 218.0, "bytes": 41_000_000, "waiting_for": None,
}  # fmt: skip
PHOTO = {
    "path": DEEP, "state": "failed", "reason": LONG, "remedy": "convert it",
    "folder": "/home/me/Pictures", "content_id": "1-0a", "size": 12_345_678,
    "attempts": 3, "modified_at": None,
    "facts": {"camera": "Leica Q2", "tags": ["beach", "חוף"], "caption": LONG},
}  # fmt: skip
ALERT = {
    "id": 1, "text": "a dog on the beach", "kind": "stream", "argv": [], "directory": None,
    "below": None, "created_at": 0.0, "matches": 12, "waiting": 0, "failed": 1,
    "last_failure": LONG, "trouble": None, "acknowledged": 12,
}  # fmt: skip
PAIR = [
    {"path": DEEP, "size": 3_000_000, "relation": "keep", "likeness": 1.0},
    {"path": HEBREW, "size": 3_000_000, "relation": "copy", "likeness": 1.0},
]
FACETS = {"year": [{"value": "2023", "photos": 9120}, {"value": "2019", "photos": 288}],
          "place": [{"value": "Eilat (אילת), Israel", "photos": 120}]}  # fmt: skip
SETTING = {"name": "search.limit", "value": 30, "default": 20, "type": "whole number",
           "description": "Photos in an answer"}  # fmt: skip
COVERAGE = query_result()["coverage"]
NO_PHOTOS = {**dict.fromkeys(COVERAGE, 0), "offline_folders": []}

# A command line and the answers it gets; an answer stays for the next commands.
COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("help all", {}),
    ("version", {"hello": {"version": photosd.__version__}}),
    ("red car", {"query": query_result(*GOOD, cursor="c.3")}),
    ("last", {}),
    ("more", {"query": query_result(cursor=None)}),
    ("query sunset --scores", {"query": query_result(*GOOD, hit("/p/x.jpg", 0.1, "weak"))}),
    ("query sunset --weak", {}),
    ("similar 1", {"query": error("unreadable", message=LONG, remedy="convert it")}),
    ("query zorble", {"query": query_result(hit("/p/x.jpg", 0.1, "weak"), unknown=["zorble"],
                                            warnings=["zorble: did you mean marble?", LONG])}),
    ("query x", {"query": query_result(coverage={**COVERAGE, "indexed": 20, "pending": 105})}),
    ("query y", {"query": query_result(coverage=NO_PHOTOS)}),
    ("open 9", {}),
    ("stauts", {}),
    ("facets", {"facets": {"query": "", "photos": 12408, "convincing": True, "facets": FACETS,
                           "warnings": []}}),
    ("on --list", {"standing": {"standing": [ALERT]}}),
    ("add /home/me/Pictures", {"add": {**FOLDER, "cloud": False},
                               "status": status_result(folders=[FOLDER], index=INDEXING, **SAME)}),
    ("remove /home/me/Pictures", {"remove": {"path": "/home/me/Pictures", "photos": 12408}}),
    ("folders", {"folders": {"folders": [FOLDER, AWAY]}}),
    ("folders accept /home/me/Pictures", {"accept": {"path": "/home/me/Pictures", "photos": 9}}),
    ("index --wait", {"rescan": [progress(10, 5), progress(12408, 0, failed=3)]}),
    ("reindex", {"reindex": {"marked": 12408}}),
    ("list", {"list": [{"paths": [{"path": DEEP, "state": "indexed"}]}, {"count": 1}]}),
    (f"show {DEEP.replace(' ', '?')}", {"show": PHOTO}),
    ("duplicates", {"duplicates": [{"groups": [{"photos": PAIR, "bytes": 3_000_000}],
                                    "looked_at": 1, "of": 1}, {}]}),
    ("failures", {"failures": {"failures": [FAILED], "retried": 0}}),
    ("pause --for 2h", {"pause": {"paused": True, "seconds": 7200.0, "paused_until": None}}),
    ("resume", {"resume": {"paused": False, "seconds": 0.0, "paused_until": None}}),
    ("purge", {"purge": {"removed": 12}}),
    ("status", {"status": status_result(folders=[FOLDER, AWAY], index=INDEXING, warnings=[LONG],
                                       **SAME)}),
    ("config get search.limit", {"config": {"settings": [SETTING]}}),
    ("sockname", {}),
    ("logs", {}),
    ("query sunset --since", {}),
    ("stop me", {}),
]  # fmt: skip


class Terminal(io.StringIO):
    """A terminal that keeps what is written, in UTF-8."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def surroundings(width: int) -> Iterator[tuple[StubDaemon, Home]]:
    """A home, a daemon of answers, a dumb terminal of this width."""
    with tempfile.TemporaryDirectory(prefix="photosd-golden-", dir="/tmp") as directory:
        variables = {
            "PHOTOSD_HOME": directory, "HOME": "/home/me", "TERM": "dumb", "NO_COLOR": "1",
            "COLUMNS": str(width), "TZ": "UTC",
        }  # fmt: skip
        with (
            mock.patch.dict(os.environ, variables),
            mock.patch.object(console, "columns_of", lambda _stream: width),
            mock.patch.object(last_answer, "terminal_name", lambda: "1-2-3"),
            mock.patch("photosd_cli.commands.add.LOOK_SECONDS", 5.0),
        ):
            os.environ.pop("PHOTOSD_SOCKET", None)
            home = Home.from_environment()
            stub = StubDaemon(home.socket)
            home.runtime.chmod(0o700)
            yield stub, home
            stub.close()


def pages(width: int) -> str:
    """Every command and what it prints, results and messages in one stream."""
    parts = []
    with surroundings(width) as (stub, home):
        for line, answers in COMMANDS:
            stub.answers.update(answers)
            terminal = Terminal()
            with (
                mock.patch.object(sys, "stdout", terminal),
                mock.patch.object(sys, "stderr", terminal),
                mock.patch.object(sys, "stdin", io.StringIO()),
            ):
                words = [line] if line == "red car" else [w.replace("?", " ") for w in line.split()]
                code = main(words)
            shown = terminal.getvalue().replace(str(home.runtime.parent), "HOME")
            shown = shown.replace(photosd.__version__, "VERSION")
            ended = f"[exit code {code}]\n" if code else ""
            parts.append(f"$ photosd {line}\n{shown}{ended}")
    return "\n".join(parts)


def main_() -> None:
    """Write the files."""
    FILES.mkdir(exist_ok=True)
    for width in WIDTHS:
        (FILES / f"{width}.txt").write_text(pages(width), encoding="utf-8")


if __name__ == "__main__":
    main_()
