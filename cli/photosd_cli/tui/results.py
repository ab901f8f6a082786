"""The photos of an answer as a list or a grid of thumbnails, drawn line by line."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from photosd_cli import console, paths, query_output
from photosd_cli.tui.pictures import Drawn

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit

TILE = Size(22, 9)  # cells of a thumbnail and its caption
STYLES = {"strong": Style(color="green"), "fair": Style(), "weak": Style(dim=True)}
CHOSEN = Style(reverse=True)
DIM = Style(dim=True)


class Results(ScrollView, can_focus=True):
    """Photos with a cursor; the keys and the mouse move it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("left,h", "sideways(-1)", show=False),
        Binding("right,l", "sideways(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown,space", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
    ]
    DEFAULT_CSS = "Results { overflow-x: hidden; scrollbar-size-vertical: 1; }"

    class Moved(Message):
        """Another photo is under the cursor."""

    class Chosen(Message):
        """The photo under the cursor was clicked again."""

    class Needed(Message):
        """Other rows came into view, or the last photo is near."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.hits: list[Hit] = []
        self.grid = False
        self.cursor = 0
        self.pictures: Mapping[bytes, Drawn] = {}
        self._columns: list[list[str]] = []

    # -- content ----------------------------------------------------------------------------------

    def show(self, hits: Sequence[Hit], *, matched: bool = True, keep: bool = False) -> None:
        """Show these photos; not ``matched``: all of them, without strengths; ``keep``: the cursor
        stays, as when more were added.
        """
        self.hits = list(hits)
        self._columns = query_output.columns_of(self.hits, matched=matched, recent=True)
        self.cursor = min(self.cursor, max(0, len(self.hits) - 1)) if keep else 0
        if not keep:
            self.scroll_to(y=0, animate=False)
        self._measure()
        self.post_message(self.Moved())

    def switch(self, *, grid: bool) -> None:
        """Show thumbnails or lines."""
        self.grid = grid
        self._measure()
        self._reveal()

    @property
    def current(self) -> Hit | None:
        """The photo under the cursor."""
        return self.hits[self.cursor] if self.hits else None

    def in_view(self) -> list[Hit]:
        """The photos in view, and the next row."""
        first = self.scroll_offset.y // self._height * self._across
        rows = self.size.height // self._height + 2
        return self.hits[first : first + rows * self._across]

    # -- geometry ---------------------------------------------------------------------------------

    @property
    def _across(self) -> int:
        return max(1, self.scrollable_content_region.width // TILE.width) if self.grid else 1

    @property
    def _height(self) -> int:
        return TILE.height if self.grid else 1

    def _measure(self) -> None:
        rows = -(-len(self.hits) // self._across)
        self.virtual_size = Size(self.size.width, rows * self._height)
        self.refresh()
        self.post_message(self.Needed())

    def on_resize(self) -> None:
        """The number of columns depends on the width."""
        self._measure()
        self._reveal()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other photos are in view."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Needed())

    def _at(self, x: int, y: int) -> int | None:
        across = self._across
        column = x // TILE.width if self.grid else 0
        place = (y + self.scroll_offset.y) // self._height * across + column
        return place if column < across and 0 <= place < len(self.hits) else None

    # -- the cursor -------------------------------------------------------------------------------

    def go_to(self, place: int) -> None:
        """Move the cursor, within the photos that there are."""
        place = max(0, min(place, len(self.hits) - 1))
        if self.hits and place != self.cursor:
            self.cursor = place
            self._reveal()
            self.refresh()
            self.post_message(self.Moved())
            self.post_message(self.Needed())

    def _reveal(self) -> None:
        top = self.cursor // self._across * self._height
        region = Region(0, top, max(1, self.size.width), self._height)
        self.scroll_to_region(region, animate=False, force=True)

    def action_move(self, rows: int) -> None:
        """Up or down; in a grid by a row."""
        self.go_to(self.cursor + rows * self._across)

    def action_sideways(self, photos: int) -> None:
        """Left or right in a grid."""
        if self.grid:
            self.go_to(self.cursor + photos)

    def action_page(self, pages: int) -> None:
        """By what fits on the screen."""
        self.go_to(self.cursor + pages * max(1, self.size.height // self._height) * self._across)

    def action_first(self) -> None:
        """To the best photo."""
        self.go_to(0)

    def action_last(self) -> None:
        """To the last one that is loaded."""
        self.go_to(len(self.hits) - 1)

    def on_click(self, event: events.Click) -> None:
        """The first click moves the cursor, another one opens."""
        place = self._at(event.x, event.y)
        if place is None:
            return
        again = place == self.cursor and event.chain > 1
        self.go_to(place)
        if again:
            self.post_message(self.Chosen())

    # -- drawing ----------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, line = self.scrollable_content_region.width, y + self.scroll_offset.y
        if self.grid:
            return self._tiles(line // TILE.height * self._across, line % TILE.height, width)
        if not 0 <= line < len(self.hits):
            return Strip.blank(width)
        return self._row(line, width)

    def _row(self, place: int, width: int) -> Strip:
        hit, cells = self.hits[place], self._columns[place]
        chosen = CHOSEN if place == self.cursor else Style()
        ends = "".join(f"  {note}" for note in query_output.notes_of(hit))
        head = [Segment(" " + cells[0] + "  ", chosen)]
        for cell in cells[1:]:
            is_strength = cell.strip() == hit["strength"]
            style = STYLES.get(hit["strength"], Style()) if is_strength else DIM
            head.append(Segment(cell + "  ", style + chosen))
        room = width - sum(segment.cell_length for segment in head) - console.cells(ends)
        path = paths.shortened(paths.shown(hit["path"]), max(query_output.MIN_PATH, room))
        head += [Segment(path, chosen), Segment(ends, DIM + chosen)]
        return Strip(head).adjust_cell_length(width, chosen)

    def _tiles(self, first: int, line: int, width: int) -> Strip:
        strips = []
        for place, hit in itertools.islice(enumerate(self.hits), first, first + self._across):
            strips.append(self._tile(place, hit, line))
        return Strip.join(strips).adjust_cell_length(width)

    def _tile(self, place: int, hit: Hit, line: int) -> Strip:
        wide = TILE.width - 1
        chosen = CHOSEN if place == self.cursor else Style()
        if line == TILE.height - 1:
            name = paths.shown(hit["path"]).rpartition("/")[2]
            number = str(place + 1)
            words = f"{number} {name}"
            if console.cells(words) > wide:
                words = f"{number} {paths.shortened(name, wide - len(number) - 1)}"
            style = STYLES.get(hit["strength"], Style()) + chosen
            caption = Strip([Segment(words, style)]).adjust_cell_length(wide, chosen)
            return Strip.join([caption, Strip([Segment(" ")], 1)])
        drawn = self.pictures.get(paths.raw(hit))
        strips = [] if drawn is None else drawn.strips
        if line < len(strips):
            return strips[line].adjust_cell_length(TILE.width)
        words = "·" if drawn is None and line == 0 else ""
        return Strip([Segment(words, DIM)]).adjust_cell_length(TILE.width)
