"""What the pages about Hebrew show is what photosd says, as it comes."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import painted, run, with_photosd

DOCS = ROOT / "docs"


def test_the_starter_says_that_it_reads_no_hebrew(daemon: RunningDaemon, tmp_path: Path) -> None:
    """In the words of the page; dates are understood in Hebrew all the same."""
    painted(tmp_path / "Pictures", "sunset", taken="2019:08:31 18:00:00")
    shell = with_photosd(tmp_path)
    daemon.wait_until("ready")
    daemon.index(tmp_path / "Pictures")
    page = (DOCS / "how-to/search-in-hebrew.md").read_text(encoding="utf-8")
    shown = re.findall(r"^(\$ photosd query .+)\n(! .+)\n(No good matches)", page, re.MULTILINE)
    assert len(shown) == 1
    for command, warning, verdict in shown:
        asked = run(command.removeprefix("$ "), tmp_path, shell)
        assert asked.returncode == 1
        assert warning in asked.stderr.splitlines() and verdict in asked.stderr
    hebrew = (DOCS / "he/README.md").read_text(encoding="utf-8")
    dated = re.findall(r"photosd (query [^<]* --since \"[^\"]+\")", hebrew)
    assert len(dated) == 1
    asked = run(f"photosd {dated[0]} --weak", tmp_path, shell)
    assert asked.returncode == 1 and "sunset" not in asked.stdout, asked
