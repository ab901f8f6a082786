"""`python -m photosd_cli.reference docs` writes the pages into that directory (`make docs`)."""

from __future__ import annotations

import sys
from pathlib import Path

from photosd_cli.reference import markdown, roff

PAGES = {
    "reference/commands.md": markdown.commands,
    "reference/settings.md": markdown.settings,
    "reference/exit-codes.md": markdown.exit_codes,
    "man/photosd.1": roff.manual,
}


def write(docs: Path) -> None:
    """Every page of ``PAGES`` below ``docs``."""
    for name, render in PAGES.items():
        file = docs / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(render())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
