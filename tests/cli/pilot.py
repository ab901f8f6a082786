"""Drives the interactive mode without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from photosd_cli import preview
from photosd_cli.tui.app import Photos
from photosd_cli.tui.results import Results
from tests.cli.stub import StubDaemon, hit, query_result, status_result
from tests.cli.test_seeing import thumbnail

Script = Callable[[Pilot[None], Photos], Awaitable[None]]
WAIT_SECONDS = 10.0


@pytest.fixture
def library(stub: StubDaemon, monkeypatch: pytest.MonkeyPatch) -> StubDaemon:
    """A daemon with five photos, on a terminal that draws blocks."""
    for name in ("NO_COLOR", "TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM", "ACCESSIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setattr("photosd_cli.tui.app.DEBOUNCE_SECONDS", 0.4)  # keys come slowly here
    monkeypatch.setattr(preview, "mode_of", lambda *_, **__: "blocks")
    stub.answers.update(
        query=query_result(
            *(hit(f"/p/{name}.jpg", taken="2019-05-01T00:00:00") for name in "abcd"),
            hit("/p/weak.jpg", 0.1, "weak"),
        ),
        status=status_result(),
        thumbnail=thumbnail,
        show=lambda params: {
            **dict.fromkeys(("reason", "remedy", "folder", "content_id", "size", "modified_at")),
            "path": params["path"],
            "state": "indexed",
            "attempts": 0,
            "facts": {"width": 40, "height": 30, "camera": "Camera X", "people": ["Noa"]},
        },
    )
    return stub


def drive(
    script: Script, words: str = "", *, size: tuple[int, int] = (100, 30), **more: Any
) -> None:
    """Run the application without a terminal and do what ``script`` says."""

    async def run() -> None:
        app = Photos(words, **more)
        async with app.run_test(size=size) as pilot:
            await script(pilot, app)

    asyncio.run(asyncio.wait_for(run(), 60))


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Wait until it holds."""
    for _ in range(round(WAIT_SECONDS / 0.02)):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not happen")


def told(app: Photos) -> str:
    return str(app.query_one("#told", Static).content)


def names(app: Photos) -> list[str]:
    return [one["path"] for one in app.query_one(Results).hits]


def row(app: Photos, y: int) -> str:
    return app.query_one(Results).render_line(y).text
