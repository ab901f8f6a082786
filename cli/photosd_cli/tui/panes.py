"""The small parts of the screen: chips, the large picture; their styles."""

from __future__ import annotations

import unicodedata

from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from photosd_cli.tui.asking import Chip
from photosd_cli.tui.pictures import Drawn

HELP = "Enter open  s similar  y copy  d details  g grid  w weak  / words  q quit"
CSS = """
#top { height: 1; }
#words { border: none; height: 1; padding: 0; width: 1fr; background: transparent; }
#prompt { width: 2; }
#state { width: auto; max-width: 50%; padding-left: 2; }
#chips { height: auto; max-height: 2; }
.chip { width: auto; height: 1; margin-right: 1; text-style: reverse; }
#chips.rtl { align-horizontal: right; }
#middle { height: 1fr; margin-top: 1; }
Results { width: 1fr; }
#side { width: 42%; max-width: 84; padding-left: 2; scrollbar-size-vertical: 1; }
#picture { height: auto; }
#told { height: auto; max-height: 4; }
#told.wrong { color: red; text-style: bold; }
#keys { height: 1; text-style: dim; }
"""


class ChipLabel(Static):
    """A part of the question; a click removes it."""

    class Removed(Message):
        """It was clicked."""

        def __init__(self, chip: Chip) -> None:
            super().__init__()
            self.chip = chip

    def __init__(self, chip: Chip) -> None:
        super().__init__(f" {chip.label} × ", classes="chip", markup=False)
        self._chip = chip

    def on_click(self) -> None:
        """Remove this part."""
        self.post_message(self.Removed(self._chip))


class Picture(Widget):
    """The large thumbnail."""

    drawn: Drawn | None = None

    def show(self, drawn: Drawn | None) -> None:
        """Show it, or nothing."""
        self.drawn = drawn
        self.styles.height = 0 if drawn is None else len(drawn.strips)
        self.refresh(layout=True)

    def render_line(self, y: int) -> Strip:
        """One row of cells."""
        if self.drawn is None or y >= len(self.drawn.strips):
            return Strip.blank(self.size.width)
        return self.drawn.strips[y].adjust_cell_length(self.size.width)


def is_rtl(words: str) -> bool:
    """Whether the first letter is of a script that is written from right to left."""
    return next((unicodedata.bidirectional(c) in ("R", "AL") for c in words if c.isalpha()), False)
