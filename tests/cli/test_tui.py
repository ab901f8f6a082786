"""The interactive mode, driven by Textual's pilot: type and see, keys, sizes, failures."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from photosd_cli import openers, preview
from photosd_cli.tui.app import Photos
from photosd_cli.tui.asking import Chip
from photosd_cli.tui.panes import ChipLabel, Picture
from photosd_cli.tui.results import TILE, Results
from tests.cli.pilot import WAIT_SECONDS, drive, library, names, row, told, until
from tests.cli.stub import StubDaemon, error, hit, query_result, status_result

__all__ = ["library"]  # a fixture

# -- type and see ---------------------------------------------------------------------------------


def test_the_newest_photos_come_first(library: StubDaemon) -> None:
    """Before anything is typed; without strengths."""

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app))
        assert library.params("query")[0].items() >= {"text": "", "sort": "-date"}.items()
        assert len(names(app)) == 5 and told(app) == "The newest photos"
        assert row(app, 0).split() == ["1", "2019-05-01", "/p/a.jpg"]
        await until(pilot, lambda: "12,405 photos" in str(app.query_one("#state", Static).content))

    drive(script)


def test_typing_asks_once(library: StubDaemon) -> None:
    """After a rest; weak matches are counted, `w` shows them."""

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app))
        for typed in ("r", "re", "red", "red car"):
            app.query_one("#words", Input).value = typed
        await until(pilot, lambda: "good matches" in told(app))
        assert [asked["text"] for asked in library.params("query")] == ["", "red car"]
        assert names(app) == [f"/p/{name}.jpg" for name in "abcd"]
        assert told(app).startswith("4 good matches, 1 weaker, w shows them · 12,408 photos")
        assert row(app, 0).split()[:3] == ["1", "strong", "2019-05-01"]
        await pilot.press("enter", "w")
        assert names(app)[4] == "/p/weak.jpg" and told(app).startswith("4 good matches, 1 weaker ·")

    drive(script)


def test_an_answer_to_an_older_question_is_dropped(library: StubDaemon) -> None:
    """Even if it arrives later."""
    slow, arrived = threading.Event(), threading.Event()

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if params["text"] == "slow":
            slow.wait(WAIT_SECONDS)
            arrived.set()
        return query_result(hit(f"/p/{params['text'] or 'newest'}.jpg"))

    library.answers["query"] = answer

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: len(library.params("query")) == 1)
        words = app.query_one("#words", Input)
        words.value = "quick"
        await until(pilot, lambda: names(app) == ["/p/quick.jpg"])
        slow.set()
        await until(pilot, arrived.is_set)
        await pilot.pause(0.1)
        assert names(app) == ["/p/quick.jpg"]

    drive(script, "slow")


def test_what_is_wrong_is_told(library: StubDaemon) -> None:
    """What failed and what to do; the next answer replaces it."""
    library.answers["query"] = error("model_missing")

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: "the cause · the remedy" in told(app))
        assert app.query_one("#told").has_class("wrong")
        library.answers["query"] = query_result(unknown=["zorble"])
        app.query_one("#words", Input).value = "zorble"
        await until(pilot, lambda: "not understood: zorble" in told(app))
        assert told(app).startswith("No good matches") and not names(app)

    drive(script)


def test_a_daemon_that_starts_later_is_asked_again(
    library: StubDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photosd_cli.tui.app.STATUS_SECONDS", 0.2)
    library.close()

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: "photosd start" in told(app))
        again = StubDaemon(library.path)
        again.answers = library.answers
        await until(pilot, lambda: names(app))
        again.close()

    drive(script)


# -- parts of a question --------------------------------------------------------------------------


def test_chips_are_clicked_away(library: StubDaemon) -> None:
    """The question is asked without them; Escape brings it back."""
    read = {"kind": "place", "start": 0, "end": 1, "text": "Eilat", "value": "Eilat"}
    library.answers["query"] = query_result(hit("/p/a.jpg"), read_as=[read])

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: len(app.query(ChipLabel)) == 2)
        assert [str(chip.content) for chip in app.query(ChipLabel)] == [" - people × ", " Eilat × "]
        await until(pilot, lambda: all(chip.region for chip in app.query(ChipLabel)))
        await pilot.click("ChipLabel")
        await until(pilot, lambda: len(library.params("query")) == 2)
        assert library.params("query")[1]["text"] == "sea Eilat"
        assert "terms" not in library.params("query")[1]
        app.chip_removed(ChipLabel.Removed(Chip("place", "Eilat", "place")))
        await until(pilot, lambda: len(library.params("query")) == 3)
        assert library.params("query")[2]["without"] == ["place"]
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(library.params("query")) == 5)
        assert app.query_one("#words", Input).value == "sea Eilat -people"

    drive(script, "sea Eilat -people")


def test_hebrew_is_on_the_right(library: StubDaemon) -> None:
    """Its chips; names stay whole, and every line has the width of the screen."""
    library.answers["query"] = query_result(hit("/p/שְׁקִיעָה בים 日本.jpg"))

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app) and app.query(ChipLabel))
        assert app.query_one("#chips").has_class("rtl")
        assert "שְׁקִיעָה בים 日本.jpg" in row(app, 0)
        results = app.query_one(Results)
        assert results.render_line(0).cell_length == results.scrollable_content_region.width

    drive(script, "שקיעה -אנשים")


# -- keys and the mouse ---------------------------------------------------------------------------


def test_keys_act_on_the_photo(library: StubDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open, copy, show in its folder, find similar ones, and back."""
    done: list[tuple[str, Any]] = []
    monkeypatch.setattr(openers, "open_files", lambda files: done.append(("open", files)))
    monkeypatch.setattr(openers, "reveal_files", lambda files: done.append(("reveal", files)))
    monkeypatch.setattr(openers, "copy_by_program", lambda words: done.append(("copy", words)))

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app))
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: told(app) == "opened b.jpg")
        await pilot.press("y")
        await until(pilot, lambda: told(app) == "copied the path of b.jpg")
        assert app.clipboard == "/p/b.jpg"  # through the terminal, since no program took it
        await pilot.press("f")
        await until(pilot, lambda: len(done) == 3)
        assert done == [("open", [b"/p/b.jpg"]), ("copy", b"/p/b.jpg"), ("reveal", [b"/p/b.jpg"])]
        await pilot.press("s")
        await until(pilot, lambda: len(app.query(ChipLabel)) == 1)
        assert library.params("query")[-1]["terms"] == [{"path": "/p/b.jpg"}]
        assert len(names(app)) == 5  # the nearest, good or not
        await pilot.press("escape", "backspace")
        await until(pilot, lambda: not app.query(ChipLabel))
        await pilot.press("q")
        assert app.query_one("#words", Input).value == "q"

    drive(script)


def test_what_cannot_be_opened_is_told(
    library: StubDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_files: list[bytes]) -> None:
        raise openers.CannotOpen("no display", remedy="open the printed path")

    monkeypatch.setattr(openers, "open_files", refuse)

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "no display · open the printed path" in told(app))

    drive(script)


def test_the_mouse_chooses_and_opens(library: StubDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[bytes]] = []
    monkeypatch.setattr(openers, "open_files", opened.append)

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app))
        await pilot.click(Results, offset=(5, 2))
        assert app.query_one(Results).cursor == 2
        await pilot.click(Results, offset=(5, 2), times=2)
        await until(pilot, lambda: opened == [[b"/p/c.jpg"]])

    drive(script)


def test_the_preview_follows_the_cursor(library: StubDaemon) -> None:
    """A picture and a few facts; `d` shows all of them."""

    async def script(pilot: Pilot[None], app: Photos) -> None:
        def facts() -> str:
            return str(app.query_one("#facts", Static).content)

        await until(pilot, lambda: "a.jpg\n40 × 30 · Camera X\nNoa" in facts())
        drawn = app.query_one(Picture).drawn
        assert drawn is not None and drawn.strips[0].text == "▀" * 8
        await pilot.press("enter", "down")
        await until(pilot, lambda: facts().startswith("b.jpg"))
        await pilot.press("d")
        await until(pilot, lambda: "state: indexed" in facts())

    drive(script)


# -- sizes, pictures, colours ---------------------------------------------------------------------


def test_a_grid_of_thumbnails(library: StubDaemon) -> None:
    """As many columns as fit; the arrows move in it; what is out of sight is not fetched."""
    library.answers["query"] = query_result(*(hit(f"/p/{n}.jpg") for n in range(200)))

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: names(app))
        results = app.query_one(Results)
        await until(pilot, lambda: len(results.pictures) >= 6)
        await pilot.press("enter", "down", "right")
        across = results.scrollable_content_region.width // TILE.width
        assert across > 1 and results.cursor == across + 1
        assert results.render_line(0).text.startswith("▀" * 8)
        assert f"{across + 2} {across + 1}.jpg" in results.render_line(2 * TILE.height - 1).text
        assert len(library.params("thumbnail")) < 60
        await pilot.press("end")
        assert results.cursor == 199 and results.scroll_offset.y > 0
        await pilot.resize_terminal(60, 24)
        assert not app.query_one("#side").display
        assert results.render_line(0).cell_length == results.scrollable_content_region.width

    drive(script, "x", grid=True)


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 50), (400, 120)])
def test_every_size(library: StubDaemon, size: tuple[int, int]) -> None:
    """Rows fit; the preview only where there is room."""

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: "good matches" in told(app))
        assert app.query_one("#side").display == (size[0] >= 76)
        results = app.query_one(Results)
        assert results.render_line(0).cell_length == results.scrollable_content_region.width
        assert row(app, 0).rstrip().endswith("a.jpg")

    drive(script, "x", size=size)


def test_the_next_page_comes_by_itself(library: StubDaemon) -> None:
    """Near the end of the list; the cursor stays."""
    first = query_result(*(hit(f"/p/{n}.jpg") for n in range(60)), cursor="c.60")
    second = query_result(*(hit(f"/p/{n}.jpg") for n in range(60, 70)))
    library.answers["query"] = lambda params: second if params.get("cursor") else first

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: len(names(app)) == 60)
        await pilot.press("enter", "end")
        await until(pilot, lambda: len(names(app)) == 70)
        assert app.query_one(Results).cursor == 59
        assert [asked.get("cursor") for asked in library.params("query")] == [None, "c.60"]

    drive(script, "x")


def test_without_colours_there_are_no_pictures(
    library: StubDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(preview, "mode_of", lambda *_, **__: "off")

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: "a.jpg" in str(app.query_one("#facts", Static).content))
        await pilot.press("enter", "g")
        assert told(app) == "This terminal shows no pictures"
        assert not library.params("thumbnail")

    drive(script, grid=True)


def test_unfinished_words_stay_here(library: StubDaemon) -> None:
    """Gemini, if enabled, gets the words at Enter and not each letter."""
    library.answers["status"] = status_result(cloud={"mode": "hybrid"})

    async def script(pilot: Pilot[None], app: Photos) -> None:
        await until(pilot, lambda: str(app.query_one("#state", Static).content))
        app.query_one("#words", Input).value = "sea"
        await until(pilot, lambda: len(library.params("query")) == 2)
        assert library.params("query")[1].items() >= {"text": "sea", "mode": "local"}.items()
        await pilot.press("enter")
        await until(pilot, lambda: len(library.params("query")) == 3)
        assert library.params("query")[2]["text"] == "sea"
        assert "mode" not in library.params("query")[2]

    drive(script)
