"""The interactive mode: type and see.

Threads fetch answers and pictures; an answer to an older question is dropped.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Static

from photosd.core.errors import PhotosdError
from photosd_cli import paths, preview, query_output, text
from photosd_cli.tui import asking
from photosd_cli.tui.asking import Daemon, Question
from photosd_cli.tui.facts import facts, state
from photosd_cli.tui.panes import CSS, HELP, ChipLabel, Picture, is_rtl
from photosd_cli.tui.pictures import Drawer, Drawn
from photosd_cli.tui.results import TILE, Results
from photosd_cli.tui.threaded import Threaded

if TYPE_CHECKING:
    from photosd.protocol.replies import QueryResult

DEBOUNCE_SECONDS = 0.12
STATUS_SECONDS = 3.0
PREVIEW_SECONDS = 0.06  # the cursor rests this long before a large picture is fetched
MIN_PREVIEW_COLUMNS = 76  # narrower terminals have no room for the preview
KEPT_PICTURES = 400
MAX_QUESTIONS = 2  # at once


class Photos(Threaded):
    """The screen: words, chips, photos, preview, what happened, keys."""

    CSS = CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "quit", show=False, priority=True),
        Binding("q", "quit", show=False),
        Binding("escape", "leave", show=False),
        Binding("slash", "search", show=False),
        Binding("enter,o", "open", show=False),
        Binding("s", "similar", show=False),
        Binding("y,c", "copy", show=False),
        Binding("f", "reveal", show=False),
        Binding("d,i", "details", show=False),
        Binding("g", "grid", show=False),
        Binding("w", "weak", show=False),
    ]

    def __init__(self, words: str = "", *, grid: bool = False) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self.question = Question(words)
        self.result: QueryResult | None = None
        self.generation = 0
        self.weak = self.detailed = False
        self._grid = grid
        self._daemon, self._drawer = Daemon(), Drawer()
        self._earlier: list[Question] = []
        self._drawn: OrderedDict[tuple[bytes, int], Drawn] = OrderedDict()
        self._timer: Any = None
        self._preview_timer: Any = None
        self._fetching = self._paging = self._cloud = False
        self._asked: Question | None = None
        self._asking, self._waiting = 0, False
        self._seeing = self._polling = False
        self._failed_at = 0.0

    def compose(self) -> ComposeResult:
        """The widgets, from top to bottom."""
        with Horizontal(id="top"):
            yield Static("> ", id="prompt")
            yield Input(
                self.question.typed, placeholder="describe a photo", id="words", compact=True
            )
            yield Static("", id="state", markup=False)
        yield Horizontal(id="chips")
        with Horizontal(id="middle"):
            yield Results()
            with VerticalScroll(id="side", can_focus=False):
                yield Picture(id="picture")
                yield Static("", id="facts", markup=False)
        yield Static("", id="told", markup=False)
        yield Static(HELP, id="keys", markup=False)

    def on_mount(self) -> None:
        """Ask at once, and follow the state."""
        self._results.switch(grid=self._grid and self._drawer.mode != "off")
        self.query_one("#words", Input).focus()
        self._fit(self.size.width)
        self._ask()
        self._poll()
        self.set_interval(STATUS_SECONDS, self._poll)

    def on_unmount(self) -> None:
        """Leave no connection."""
        self._daemon.close()

    def on_resize(self, event: events.Resize) -> None:
        """The preview needs room."""
        if self.query("#side"):  # not before it is composed
            self._fit(event.size.width)
            self._see()

    @property
    def _results(self) -> Results:
        return self.query_one(Results)

    def _fit(self, width: int) -> None:
        self.query_one("#side").display = width >= MIN_PREVIEW_COLUMNS

    # -- asking -----------------------------------------------------------------------------------

    @on(Input.Changed, "#words")
    def typed(self, event: Input.Changed) -> None:
        """Ask once the typing rests."""
        if event.value == self.question.typed:
            return
        self.question = self.question._replace(typed=event.value, without=())
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_SECONDS, lambda: self._ask(typing=True))

    def _ask(self, *, typing: bool = False) -> None:
        """Ask the daemon in a thread; only the newest generation is shown.

        While the daemon is slow, few questions wait for it: the newest is asked when one ends.
        """
        self.generation += 1
        self._asked = self.question
        generation, question = self.generation, self.question
        if self._asking >= MAX_QUESTIONS:
            self._waiting = True
            return
        self._asking += 1

        def ask() -> None:
            try:
                result = self._daemon.ask(question, typing=typing)
            except PhotosdError as error:
                self.call(self._ended, self._failed, generation, error)
            else:
                self.call(self._ended, self._answered, generation, question, result)

        self.in_thread(ask)

    def _ended(self, then: Callable[..., None], *arguments: Any) -> None:
        self._asking -= 1
        then(*arguments)
        if self._waiting:
            self._waiting = False
            self._ask(typing=True)

    def _answered(self, generation: int, question: Question, result: QueryResult) -> None:
        if generation != self.generation:
            return
        self.result, self._failed_at = result, 0.0
        self._show_chips(question)
        self._show_hits()
        warnings = [f"! {warning}" for warning in text.warnings_of(result)]
        self.tell("\n".join([self._summary(), *warnings]))

    def _summary(self) -> str:
        if self.result is None:
            return ""
        if self.question.empty and self.result["hits"]:
            return "The newest photos"
        shown = len(self._results.hits)
        line = query_output.summary(self.result, shown).replace("show with --weak", "w shows them")
        if self.result["convincing"]:
            return line
        weaker = len(self.result["hits"])
        more = f"; {weaker} weaker, w shows them" if weaker and not shown else ""
        return f"{query_output.no_matches(self.result)}{more} · {line}"

    def _failed(self, generation: int, error: PhotosdError) -> None:
        if generation == self.generation:
            self._failed_at = time.monotonic()
            self.tell(asking.advice(error), wrong=True)

    def _show_hits(self, *, keep: bool = False) -> None:
        result = self.result
        if result is None:
            return
        weak = self.weak or self.question.empty or bool(self.question.like)
        hits = [hit for hit in result["hits"] if weak or hit["strength"] != "weak"]
        shown = hits if weak or result["convincing"] else []
        self._results.show(shown, matched=not self.question.empty, keep=keep)

    def _show_chips(self, question: Question) -> None:
        row = self.query_one("#chips", Horizontal)
        chips = asking.chips_of(question, self.result)
        row.set_class(is_rtl(question.typed), "rtl")
        row.remove_children()
        row.mount_all(ChipLabel(chip) for chip in chips)

    @on(ChipLabel.Removed)
    def chip_removed(self, event: ChipLabel.Removed) -> None:
        """Ask without it."""
        self._ask_instead(asking.without(self.question, event.chip))

    def _ask_instead(self, question: Question) -> None:
        """Ask another question; Escape returns to this one."""
        self._earlier.append(self.question)
        self._return_to(question)

    def _return_to(self, question: Question) -> None:
        self.question = question
        self.query_one("#words", Input).value = question.typed
        self._ask()

    # -- what is seen -----------------------------------------------------------------------------

    @on(Results.Needed)
    def rows_needed(self) -> None:
        """Fetch the thumbnails in view, and the next page near its end."""
        results = self._results
        if results.grid:
            self._fetch_tiles()
        result = self.result
        near = results.cursor >= len(results.hits) - 2 * max(1, results.size.height)
        if result is None or not result.get("cursor") or not near or self._paging:
            return
        if len(results.hits) == len(result["hits"]) or result["hits"][-1]["strength"] != "weak":
            self._next_page(self.generation, str(result["cursor"]))

    def _next_page(self, generation: int, cursor: str) -> None:
        self._paging = True

        def ask() -> None:
            try:
                page = self._daemon.ask(self.question, cursor)
            except PhotosdError:
                self.call(self._paged, generation, None)
            else:
                self.call(self._paged, generation, page)

        self.in_thread(ask)

    def _paged(self, generation: int, page: QueryResult | None) -> None:
        self._paging = False
        if generation != self.generation or self.result is None:
            return
        if page is None:  # ask no more for it
            self.result["cursor"] = None
            return
        page["hits"] = [*self.result["hits"], *page["hits"]]
        self.result = page
        self._show_hits(keep=True)

    def _fetch_tiles(self) -> None:
        """Fetch thumbnails that are in view and not here, in one thread."""
        size = self._drawer.room(TILE.width - 1, TILE.height - 1)
        key = TILE.width
        wanted = [
            path
            for path in map(paths.raw, self._results.in_view())
            if (path, key) not in self._drawn
        ]
        if not wanted or self._fetching or self._drawer.mode == "off":
            return
        self._fetching = True

        def fetch() -> None:
            try:
                with self._daemon.client() as client:
                    found = preview.pictures(client, wanted, self._drawer.mode, size)
                    for path, picture in zip(wanted, found, strict=True):
                        self.call(self._tile_here, path, picture)
            except PhotosdError:
                pass
            finally:
                self.call(self._tiles_done)

        self.in_thread(fetch)

    def _tile_here(self, path: bytes, picture: preview.DrawnPicture | None) -> None:
        self._keep(path, TILE.width, picture)
        self._results.pictures = {
            name: drawn for (name, key), drawn in self._drawn.items() if key == TILE.width
        }
        self._results.refresh()

    def _tiles_done(self) -> None:
        self._fetching = False
        if self._results.grid:
            self._fetch_tiles()

    def _keep(self, path: bytes, key: int, picture: preview.DrawnPicture | None) -> Drawn:
        drawn = Drawn([], 0) if picture is None else self._drawer.draw(picture)
        if drawn.sent:
            self._send(drawn.sent)
        self._drawn[path, key] = drawn
        while len(self._drawn) > KEPT_PICTURES:
            self._drawn.popitem(last=False)
        return drawn

    def _send(self, sequence: str) -> None:
        """Write to the terminal between two frames."""
        if self._driver is not None:
            self._driver.write(sequence)

    @on(Results.Moved)
    def moved(self) -> None:
        """Preview the photo once the cursor rests."""
        if self._preview_timer is not None:
            self._preview_timer.stop()
        self._preview_timer = self.set_timer(PREVIEW_SECONDS, self._see)

    def _see(self) -> None:
        """Fetch the large picture and the facts of the photo under the cursor."""
        if not self.query("#side"):  # the application ends
            return
        side, hit = self.query_one("#side"), self._results.current
        if not side.display or self._seeing:  # once that one is here, the cursor is looked at again
            return
        if hit is None:
            self.query_one(Picture).show(None)
            self.query_one("#facts", Static).update("")
            return
        size = self._drawer.room(
            side.content_size.width or self.size.width * 2 // 5, side.size.height - 7
        )
        path, detailed = paths.raw(hit), self.detailed
        self._seeing = True

        def fetch() -> None:
            picture, lines = None, [text.inert(hit["path"])]
            try:
                with self._daemon.client() as client:
                    if self._drawer.mode != "off" and not detailed:
                        picture = next(preview.pictures(client, [path], self._drawer.mode, size))
                    lines = facts(client.show(path), detailed=detailed)
            except PhotosdError as error:
                lines.append(asking.advice(error))
            self.call(self._seen, (path, detailed), size.columns << 8 | size.rows, picture, lines)

        self.in_thread(fetch)

    def _seen(
        self,
        asked: tuple[bytes, bool],
        key: int,
        picture: preview.DrawnPicture | None,
        lines: list[str],
    ) -> None:
        self._seeing = False
        hit = self._results.current
        if hit is None or (paths.raw(hit), self.detailed) != asked:
            self._see()
            return
        shown = self.query_one(Picture)
        shown.show(None if picture is None else self._keep(asked[0], key, picture))
        self.query_one("#facts", Static).update("\n".join(lines))

    # -- what is done -----------------------------------------------------------------------------

    @on(Input.Submitted, "#words")
    def submitted(self) -> None:
        """Go from the words to the photos; Gemini, if enabled, gets the words now."""
        if self._timer is not None:
            self._timer.stop()
        if self._cloud or self._asked != self.question:
            self._ask()
        self._results.focus()

    def on_key(self, event: events.Key) -> None:
        """Down leaves the words; Backspace removes the last chip of an empty question."""
        words = self.query_one("#words", Input)
        if self.focused is not words:
            return
        if event.key in ("down", "tab"):
            event.stop()
            self._results.focus()
        elif event.key == "backspace" and not words.value and self.question.like:
            self._ask_instead(self.question._replace(like=self.question.like[:-1]))

    @on(Results.Chosen)
    def chosen(self) -> None:
        """A double click opens."""
        self.action_open()

    def action_leave(self) -> None:
        """To the words; then to the question before; then away."""
        words = self.query_one("#words", Input)
        if self.focused is not words:
            words.focus()
        elif self._earlier:
            self._return_to(self._earlier.pop())
        elif not self.question.empty:
            self._return_to(Question())
        else:
            self.exit()

    def action_search(self) -> None:
        """To the words."""
        self.query_one("#words", Input).focus()

    def action_open(self) -> None:
        """Open the photo in the desktop's program."""
        self._with_file("opened", lambda openers, path: openers.open_files([path]))

    def action_reveal(self) -> None:
        """Show the photo in the file manager."""
        self._with_file("shown in its folder:", lambda openers, path: openers.reveal_files([path]))

    def action_copy(self) -> None:
        """Copy the path."""

        def copy(openers: Any, path: bytes) -> None:
            if not openers.copy_by_program(path):
                self.call(self.copy_to_clipboard, os.fsdecode(path))

        self._with_file("copied the path of", copy)

    def _with_file(self, done: str, act: Callable[[Any, bytes], None]) -> None:
        """Call ``act`` with the module `openers`, which costs time to import, and the photo."""
        hit = self._results.current
        if hit is None:
            return
        path, name = paths.raw(hit), text.inert(hit["path"]).rpartition("/")[2]

        def run() -> None:
            try:
                from photosd_cli import openers

                act(openers, path)
            except PhotosdError as error:
                self.call(self.tell_wrong, asking.advice(error))
            else:
                self.call(self.tell, f"{done} {name}")

        self.in_thread(run)

    def action_similar(self) -> None:
        """Find photos that look like this one."""
        if (hit := self._results.current) is not None:
            self._ask_instead(Question("", (paths.raw(hit),)))

    def action_details(self) -> None:
        """Everything known of the photo, or its picture."""
        self.detailed = not self.detailed
        self._see()

    def action_grid(self) -> None:
        """Thumbnails or lines."""
        if self._drawer.mode == "off":
            self.tell("This terminal shows no pictures", wrong=True)
            return
        self._results.switch(grid=not self._results.grid)

    def action_weak(self) -> None:
        """Show or hide weak matches."""
        self.weak = not self.weak
        self._show_hits(keep=True)
        self.tell(self._summary())

    # -- the state --------------------------------------------------------------------------------

    def _poll(self) -> None:
        """Show the daemon's state; after a failure ask again."""
        if self._polling:
            return
        self._polling = True

        def ask() -> None:
            try:
                with self._daemon.client() as client:
                    status = client.status()
            except PhotosdError as error:
                self.call(self._show_state, error.title)
                return
            self._cloud = (status.get("cloud") or {"mode": "local"})["mode"] != "local"
            self.call(self._show_state, state(status))

        self.in_thread(ask)

    def _show_state(self, words: str) -> None:
        self._polling = False
        self.query_one("#state", Static).update(words)
        if self._failed_at and time.monotonic() - self._failed_at > 1:
            self._ask()


def run(words: str, *, grid: bool) -> None:
    """Run the interactive mode until the user leaves it."""
    Photos(words, grid=grid).run()
