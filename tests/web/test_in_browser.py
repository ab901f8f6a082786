"""`photosd web` in a real Chromium, on a real daemon. Slow: run by name."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pytest
from PIL import Image

from photosd.core.paths import Home
from tests.cli.conftest import command, environment
from tests.cli.stub import StubDaemon, hit, query_result, status_result
from tests.conftest import RunningDaemon
from tests.docs.examples import painted
from tests.sheet.browser import Browser, chromium
from tests.web.conftest import CONTENT, jpeg

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium here"),
]
SIZES = [(1440, 900), (390, 844)]
SHOWN = "[...document.querySelectorAll('.tile img.there')].length"
FOCUSED = "document.activeElement.closest('.tile')?.querySelector('bdi').textContent"
SUMMARY = "document.querySelector('#summary').textContent"
MAX_SHIFT = 0.05
MAX_TILES = 400  # in the document, whatever the number of photos
SCENES = ("beach", "forest", "night-city", "snow", "soccer-ball", "sunflower", "sunset")
SHIFTS = """
globalThis.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


@contextmanager
def served() -> Iterator[str]:
    """`photosd web`; its address."""
    process = subprocess.Popen(
        command("web", "--no-open"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield cast("IO[str]", process.stdout).readline().strip()
    finally:
        process.kill()
        process.communicate()


Look = Callable[..., Browser]


@pytest.fixture
def look() -> Iterator[Look]:
    """A browser on the page, by size, scheme and language; what it complains of fails the test."""
    opened: list[tuple[Browser, str]] = []

    def at(
        url: str, size: tuple[int, int] = SIZES[0], *, dark: bool = False, language: str = "en"
    ) -> Browser:
        browser = Browser(width=size[0], height=size[1], dark=dark)
        opened.append((browser, url.partition("/enter")[0]))
        agent = browser.evaluate("navigator.userAgent")
        browser.send("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        browser.send("Page.addScriptToEvaluateOnNewDocument", source=SHIFTS)
        browser.send("Page.navigate", url=url)
        browser.until("location.pathname === '/' && document.readyState === 'complete'")
        return browser

    yield at
    for browser, origin in opened:
        with browser:
            others = [one for one in browser.requests if not one.startswith((origin, "about:"))]
            assert not others, others
            away = [one for one in browser.complaints if "503" not in one and "ERR_" not in one]
            assert not away, away


@pytest.fixture
def library(daemon: RunningDaemon, tmp_path: Path) -> RunningDaemon:
    """Scenes, in folders by year."""
    for number, name in enumerate(SCENES):
        painted(tmp_path / f"202{number % 4}" / "Trip", name)
    wide = tmp_path / "2023" / "wide.jpg"
    Image.new("RGB", (3000, 900), (40, 90, 160)).save(wide)
    daemon.wait_until("ready")
    daemon.index(tmp_path)
    return daemon


def typed(browser: Browser, text: str) -> None:
    """Text, letter by letter."""
    for letter in text:
        browser.press(letter)


def test_a_photo_is_found_and_its_path_copied_by_keyboard(
    library: RunningDaemon, look: Look, tmp_path: Path
) -> None:
    """Type, go down, open, copy, close; then select, similar, back."""
    with served() as url:
        browser = look(url)
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        browser.send("Browser.grantPermissions", permissions=permissions)
        browser.until(f"{SHOWN} >= 7")
        assert browser.evaluate("document.activeElement.id") == "box"
        typed(browser, "sunset")
        browser.until(f"{SUMMARY}.includes('match')")
        browser.press("ArrowDown")
        browser.until(f"{FOCUSED} === 'sunset.jpg'")
        browser.press("Enter")
        browser.until("document.querySelector('#light').open")
        browser.until("document.querySelector('.large').naturalWidth > 320")
        browser.press("i")
        browser.until("document.querySelector('.drawer').textContent.includes('Trip')")
        browser.press("c")
        browser.until("document.querySelector('#toast').textContent === 'Copied'")
        path = browser.evaluate("navigator.clipboard.readText()")
        assert path == f"{tmp_path}/2022/Trip/sunset.jpg"
        browser.press("Escape")
        browser.until("!document.querySelector('#light').open")
        browser.until(f"{FOCUSED} === 'sunset.jpg'")
        browser.press("x")
        assert browser.evaluate("document.querySelector('#selected').textContent") == "1 selected"
        browser.press("Escape")
        assert browser.evaluate("document.querySelector('#selection').hidden")
        browser.press("s")
        browser.until("document.querySelectorAll('#terms .chip').length === 1")
        browser.press("/")
        assert browser.evaluate("document.activeElement.id") == "box"
        typed(browser, "-snow beach")
        browser.until("document.querySelectorAll('#terms .minus').length === 1")
        assert browser.evaluate("document.querySelector('#box').value") == "beach"
        browser.press("Escape")
        browser.until(f"{SHOWN} >= 7 && {SUMMARY}.includes('8 photos')")
        browser.evaluate("document.querySelector('#box').blur()")
        browser.press("?")
        browser.until("document.querySelector('#panel').open")


@pytest.mark.parametrize(
    ("size", "dark", "language"), list(itertools.product(SIZES, [False, True], ["en", "he"]))
)
def test_every_look_is_whole(
    library: RunningDaemon,
    look: Look,
    tmp_path: Path,
    size: tuple[int, int],
    dark: bool,
    language: str,
) -> None:
    """Nothing shifts, nothing is wider than the window; the screenshots are for people."""
    views = Path(os.environ.get("PHOTOSD_SCREENSHOTS", tmp_path))
    name = f"{size[0]}-{'dark' if dark else 'light'}-{language}"
    with served() as url:
        browser = look(url, size, dark=dark, language=language)
        browser.until(f"{SHOWN} >= 4")
        assert browser.evaluate("document.documentElement.dir") == (
            "rtl" if language == "he" else "ltr"
        )
        browser.screenshot(views / f"{name}-home.png")
        typed(browser, "forest 2021" if language == "en" else "יער")
        browser.until(f"location.hash.includes('q=') && {SHOWN} >= 1")
        assert browser.evaluate("shifted") <= MAX_SHIFT
        browser.evaluate("document.querySelector('#filters').click()")
        browser.until(f"!!document.querySelector('.facet') || !{SUMMARY}.includes('match')")
        browser.screenshot(views / f"{name}-search.png")
        wide = "document.documentElement.scrollWidth"
        assert browser.evaluate(f"{wide} <= innerWidth"), browser.evaluate(wide)
        browser.evaluate("document.querySelector('.tile .open').click()")
        browser.until("document.querySelector('.large').naturalWidth > 0")
        browser.evaluate("document.querySelector('.info').click()")
        browser.until("document.querySelectorAll('.drawer dt').length > 5")
        browser.screenshot(views / f"{name}-viewer.png")
        browser.evaluate("document.querySelector('#light').close()")
        for panel in ("folders", "duplicates", "alerts"):
            browser.evaluate("document.querySelector('#panel').close()")
            browser.evaluate(f"document.querySelector('[data-panel={panel}]').click()")
            browser.until("document.querySelector('#panel .content').textContent.length > 0")
            browser.screenshot(views / f"{name}-{panel}.png")
        browser.evaluate("document.querySelector('#panel').close()")
        browser.evaluate("document.querySelector('#daemon').showPopover()")
        browser.screenshot(views / f"{name}-daemon.png")


def test_a_killed_daemon_is_waited_for(library: RunningDaemon, look: Look) -> None:
    """The page reports it, keeps its photos, and continues without a reload."""
    with served() as url:
        browser = look(url)
        browser.until(f"{SHOWN} >= 7")
        browser.evaluate("globalThis.same = true")
        library.process.kill()
        library.process.wait()
        browser.until("document.querySelector('#banner').textContent.includes('restarting')")
        typed(browser, "snow")
        assert browser.evaluate(SHOWN) >= 7
        again = RunningDaemon(library.home)
        try:
            browser.until("document.querySelector('#banner').hidden")
            browser.until(f"{SUMMARY}.includes('match')")
            assert browser.evaluate("same && document.querySelector('#dot').dataset.state !== ''")
        finally:
            again.stop()


def test_ten_thousand_results_are_scrolled(home: Home, look: Look) -> None:
    """Only what is near the window is in the document; the frames are counted."""
    photos = 10_000

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        start = int(params.get("cursor") or 0)
        end = min(photos, start + params["limit"])
        hits = [
            hit(
                f"/p/{n:05}.jpg",
                content_id=f"{n:x}-{'0' * 32}",
                width=900 + n % 5 * 100,
                height=800,
            )
            for n in range(start, end)
        ]
        return query_result(*hits, cursor=str(end) if end < photos else None, read_as=[])

    stub = StubDaemon(home.socket)
    data = base64.b64encode(jpeg(320, 240)).decode()
    small = {"width": 320, "height": 240, "form": "jpeg", "content_id": CONTENT, "data_b64": data}
    counts = {"query": "", "photos": photos, "convincing": True, "facets": {}, "warnings": []}
    stub.answers |= {
        "hello": {"version": "0", "pid": 1},
        "query": answer,
        "facets": counts,
        "thumbnail": small,
        "follow": [status_result(), status_result()],
    }
    try:
        with served() as url:
            browser = look(url)
            typed(browser, "x")
            browser.until(f"{SUMMARY}.startsWith('10,000')")
            frames = browser.evaluate(SCROLL)
            assert browser.evaluate(f"{FOCUSED} || document.querySelectorAll('.tile').length > 0")
            assert browser.evaluate("document.querySelectorAll('.tile').length") < MAX_TILES
            print(json.dumps(frames))  # a figure for people: machines differ
            assert frames["photos"] > 500
    finally:
        stub.close()


SCROLL = """
new Promise((done) => {
  const begun = performance.now(), times = [];
  let last = begun;
  const step = (now) => {
    times.push(now - last);
    last = now;
    scrollBy(0, 240);
    if (now - begun < 8000) requestAnimationFrame(step);
    else {
      times.sort((a, b) => a - b);
      const grid = document.querySelector('#grid');
      const bottom = [...grid.querySelectorAll('.tile')].map((tile) => Number(tile.dataset.index));
      done({frames: times.length, p95_ms: times[Math.floor(times.length * .95)],
            photos: Math.max(...bottom)});
    }
  };
  requestAnimationFrame(step);
})
"""


def test_a_hostile_name_is_text(home: Home, look: Look) -> None:
    """Also where it is spoken, in the viewer, and in captions."""
    stub = StubDaemon(home.socket)
    name = "</script><img src=x onerror=\"document.title='owned'\">.jpg"
    data = base64.b64encode(jpeg(320, 240)).decode()
    small = {"width": 320, "height": 240, "form": "jpeg", "content_id": CONTENT, "data_b64": data}
    facts = {"title": name, "caption": name, "tags": [name], "people": [name]}
    value = [{"value": name, "photos": 1}]
    facets = {"tag": value, "person": value, "folder": value, "place": value}
    counts = {"query": "", "photos": 1, "convincing": True, "facets": facets, "warnings": [name]}
    stub.answers |= {
        "hello": {"version": "0", "pid": 1},
        "query": query_result(hit(f"/p/{name}", content_id=CONTENT), warnings=[name], read_as=[]),
        "facets": counts,
        "thumbnail": small,
        "show": {"path": f"/p/{name}", "path_b64": None, "size": 1, "facts": facts},
        "follow": [status_result(warnings=[name]), status_result(warnings=[name])],
    }
    try:
        with served() as url:
            browser = look(url)
            browser.until(f"{SHOWN} === 1")
            browser.evaluate("document.querySelector('#filters').click()")
            browser.evaluate("document.querySelector('.tile .open').click()")
            browser.evaluate("document.querySelector('.info').click()")
            browser.until("document.querySelector('.drawer').textContent.includes('onerror')")
            time.sleep(0.3)
            assert browser.evaluate("document.title") == "photosd"
            assert not browser.evaluate("document.querySelector('img[src=x]')")
    finally:
        stub.close()
