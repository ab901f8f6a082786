"""What the pages about Hebrew show is what photosd does, and says of other scripts."""

from __future__ import annotations

import re
from pathlib import Path

from photosd.encoder.tokenizer import TextTokenizer
from photosd.models.spec import STARTER, read_model
from tests.conftest import ROOT, RunningDaemon
from tests.docs.examples import painted, run, with_photosd

DOCS = ROOT / "docs"
PAGE = (DOCS / "how-to/search-in-hebrew.md").read_text(encoding="utf-8")


def test_queries_are_read_as_the_page_says() -> None:
    tokenizer = TextTokenizer(read_model(STARTER), STARTER)
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 12
    for query, english in rows:
        assert tokenizer.readings(query)[0] == english
        assert tokenizer.understood(query)[1] == []
    assert len(tokenizer.readings("שעון")) == 2
    assert len({tokenizer.readings(one) for one in ("שֻׁלְחָן", "שלחן", "שולחן")}) == 1


def test_hebrew_finds_and_other_scripts_are_refused(daemon: RunningDaemon, tmp_path: Path) -> None:
    """In the words of the page; dates are understood in Hebrew, too."""
    painted(tmp_path / "Pictures", "sunset", taken="2019:08:31 18:00:00")
    painted(tmp_path / "Pictures", "forest", taken="2019:08:31 18:00:00")
    shell = with_photosd(tmp_path)
    daemon.wait_until("ready")
    daemon.index(tmp_path / "Pictures")
    asked = run('photosd query "שקיעה מעל הים" --weak', tmp_path, shell)
    assert "sunset" in asked.stdout.splitlines()[0], asked
    shown = re.findall(r"^(\$ photosd query .+)\n(! .+)\n(No good matches)", PAGE, re.MULTILINE)
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
