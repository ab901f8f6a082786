"""Every error a person may meet is explained in docs/troubleshooting.md, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from release import reference

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"


def test_every_error_is_explained_and_no_other() -> None:
    explained = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    titles = re.findall(r"^\| \d+ \| `\w+` \| (.+) \|$", reference.exit_codes(), re.MULTILINE)
    assert len(titles) > 15
    assert sorted(explained) == sorted(titles)
