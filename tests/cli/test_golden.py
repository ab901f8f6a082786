"""What commands print on terminals of three widths; the same counts everywhere."""

from __future__ import annotations

import pytest
from wcwidth import width

from tests.cli import golden

# Lines that may be wider: quoted paths and commands are kept whole, to be copied.
MAY_BE_WIDE = ("/home/", "~/", "photosd ", "HOME/")


@pytest.mark.parametrize("columns", golden.WIDTHS)
def test_output_is_as_it_was_and_fits(columns: int) -> None:
    """After an intended change: `make golden`, and read the difference."""
    shown = golden.pages(columns)
    assert shown == (golden.FILES / f"{columns}.txt").read_text(encoding="utf-8")
    for page in shown.split("\n$ photosd "):
        if page.startswith("help all") and columns < 80:
            continue  # the exit codes are a table
        for line in page.splitlines()[1:]:
            assert width(line) <= columns or any(one in line for one in MAY_BE_WIDE), line


def test_thirty_commands_are_kept() -> None:
    assert len({line.split()[0] for line, _ in golden.COMMANDS if line}) >= 25
    assert len(golden.COMMANDS) >= 30
