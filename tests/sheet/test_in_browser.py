"""The contact sheet in a real Chromium: keys, links, nothing asked of any network, no harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photosd_cli.contact_sheet import Sheet, render
from tests.sheet.browser import Browser, chromium
from tests.sheet.pages import HOSTILE, found, hostile, sheet_of

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium here")

FOCUSED = "document.activeElement.closest('.photo')?.querySelector('.name').textContent"
SHOWN = "[...document.querySelectorAll('.photo')].filter((p) => p.offsetParent).length"
IN_LIGHT = (
    "document.querySelector('#light').open && document.querySelector('#light .title').textContent"
)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser(width=1200, height=900) as browser:
        yield browser
        assert not browser.complaints, browser.complaints
        others = [url for url in browser.requests if not url.startswith(("file:///", "data:"))]
        assert not others, others


def opened(browser: Browser, sheet: Sheet, tmp_path: Path) -> Path:
    file = tmp_path / "sheet.html"
    file.write_text(render(sheet))
    browser.open(file.as_uri())
    return file


def real(tmp_path: Path, name: str) -> str:
    """A photo that is there: browsers complain of what they do not find."""
    file = tmp_path / "album" / name
    file.parent.mkdir(exist_ok=True, parents=True)
    Image.new("RGB", (30, 20), (10, 120, 30)).save(file, "JPEG")
    return str(file)


def rows_of(browser: Browser) -> list[list[dict[str, float]]]:
    """The boxes of the pictures, row by row."""
    boxes: list[dict[str, float]] = browser.evaluate(
        "[...document.querySelectorAll('.photo:not([hidden]) .frame')].map((frame) => {"
        " const b = frame.getBoundingClientRect();"
        " return {x: b.left, y: b.top, w: b.width, h: b.height}; })"
    )
    rows: dict[float, list[dict[str, float]]] = {}
    for box in boxes:
        rows.setdefault(round(box["y"]), []).append(box)
    return list(rows.values())


def test_everything_works_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Arrows move, Enter looks and opens, Escape returns, / filters, w toggles, ? helps."""
    hits = [found(real(tmp_path, f"{number:02}x.jpg")) for number in range(12)]
    hits += [found(real(tmp_path, f"weak-{number}.jpg"), "weak") for number in range(3)]
    opened(browser, sheet_of(*hits), tmp_path)
    assert browser.evaluate(SHOWN) == 12
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert browser.evaluate(FOCUSED) == "01x.jpg"
    browser.press("ArrowLeft")
    assert browser.evaluate(FOCUSED) == "00x.jpg"
    browser.press("ArrowRight")
    per_row = len(rows_of(browser)[0])
    browser.press("ArrowDown")
    below = browser.evaluate(FOCUSED)
    assert per_row <= int(below[:2]) < 2 * per_row + 1
    browser.press("ArrowUp")
    assert browser.evaluate(FOCUSED) == "01x.jpg"
    browser.press("End")
    assert browser.evaluate(FOCUSED) == "11x.jpg"
    browser.press("Home")
    assert browser.evaluate(FOCUSED) == "00x.jpg"

    browser.press("Enter")
    assert browser.evaluate(IN_LIGHT) == "00x.jpg"
    assert not browser.evaluate("document.querySelector('#light .back').checkVisibility()")
    browser.press("ArrowRight")
    browser.press("ArrowRight")
    assert browser.evaluate(IN_LIGHT) == "02x.jpg"
    browser.press("Escape")
    browser.until("!document.querySelector('#light').open")
    browser.until(f"{FOCUSED} === '02x.jpg'")

    browser.press("w")
    assert browser.evaluate(SHOWN) == 15
    browser.press("w")
    browser.press("/")
    for letter in "1x album":
        browser.press(letter)
    assert browser.evaluate(SHOWN) == 2  # 01x and 11x, below this folder
    browser.press("Escape")
    assert browser.evaluate(SHOWN) == 12
    browser.press("?")
    assert browser.evaluate("document.querySelector('#keys').open")
    browser.press("Escape")
    browser.until("!document.querySelector('#keys').open")


def test_enter_twice_opens_the_original(browser: Browser, tmp_path: Path) -> None:
    """Whatever bytes its name has; it is shown large before, in place of the small one."""
    for name in ("שקיעה %23#?&.jpg", "bad\udcff.jpg"):
        file = tmp_path / name
        Image.new("RGB", (1500, 1000), (10, 120, 30)).save(file, "JPEG")
        opened(browser, sheet_of(found(str(file))), tmp_path)
        browser.press("ArrowRight")
        browser.press("Enter")
        browser.until("document.querySelector('.large').naturalWidth === 1500")
        browser.press("Enter")
        browser.until("document.contentType === 'image/jpeg'")
        browser.until("document.images[0].naturalWidth === 1500")


def test_a_mouse_is_enough(browser: Browser, tmp_path: Path) -> None:
    """Click to look, click on, click beside it to return."""
    hits = [found(real(tmp_path, name)) for name in ("a.jpg", "b.jpg")]
    opened(browser, sheet_of(*hits), tmp_path)
    browser.click(".frame")
    assert browser.evaluate(IN_LIGHT) == "a.jpg"
    browser.click("#light .on")
    assert browser.evaluate(IN_LIGHT) == "b.jpg"
    browser.click("#light .close")
    browser.until("!document.querySelector('#light').open")


@pytest.mark.parametrize("width", [360, 800, 2400])
def test_rows_are_justified_and_whole(browser: Browser, tmp_path: Path, width: int) -> None:
    """At any width: equal heights in a row, full rows from edge to edge, no scrolling sideways."""
    browser.size(width, 900)
    opened(browser, sheet_of(*(found(f"/p/{number}.jpg") for number in range(23))), tmp_path)
    rows = rows_of(browser)
    assert sum(len(row) for row in rows) == 23
    ends = {round(row[-1]["x"] + row[-1]["w"]) for row in rows[:-1]}
    assert max(ends) - min(ends) <= 2
    for row in rows:
        assert max(b["h"] for b in row) - min(b["h"] for b in row) < 1
        assert 60 < row[0]["h"] < 420
    assert browser.evaluate("document.documentElement.scrollWidth") <= width


def test_harmful_names_do_nothing(browser: Browser, tmp_path: Path) -> None:
    """No script of theirs runs, no element of theirs exists, and every photo can be looked at."""
    opened(browser, hostile(), tmp_path)
    photos = 2 * len(HOSTILE)
    assert browser.evaluate(SHOWN) == photos
    assert "owned" not in browser.evaluate("document.title").replace("='owned'", "")
    assert browser.evaluate("document.scripts.length") == 1
    browser.press("ArrowRight")
    browser.press("Enter")
    names = [browser.evaluate(IN_LIGHT)]
    for _ in range(photos - 1):
        browser.press("ArrowRight")
        names.append(browser.evaluate(IN_LIGHT))
    assert names[0].startswith("</script><script>") or names[0].startswith("<∕script>")
    assert len(names) == photos
    assert "{script} {style} {photos}.jpg" in names
    assert "\\u202egpj.exe\\u2066.jpg" in names
    assert "bad\\xff\\xfe.jpg" in names
    assert browser.evaluate("document.documentElement.scrollWidth") <= 1200
    # Their originals do not exist: those requests, of files, fail and that is all.
    browser.complaints = [c for c in browser.complaints if "ERR_FILE_NOT_FOUND" not in c]


def test_the_policy_stops_what_should_not_be_there(tmp_path: Path) -> None:
    """Were there a hole, nothing could leave through it: the test above can fail."""
    hole = (
        "<img src='http://127.0.0.1:9/leak'><script>document.title='owned'</script>"
        "<style>body{background:url(http://127.0.0.1:9/leak)}</style>"
        "<iframe src='http://127.0.0.1:9/'></iframe><form action='http://127.0.0.1:9/'></form>"
    )
    page = render(sheet_of(found("/p/a.jpg"))).replace("</main>", hole + "</main>")
    file = tmp_path / "sheet.html"
    file.write_text(page)
    with Browser() as browser:
        browser.open(file.as_uri())
        assert browser.evaluate("document.title") != "owned"
        blocked = [c for c in browser.complaints if "Content Security Policy" in c]
        assert len(blocked) >= 4, browser.complaints


def test_hebrew_runs_from_right_to_left(browser: Browser, tmp_path: Path) -> None:
    """In the heading, below the photo and in the light; folders keep their order."""
    file = real(tmp_path / "תמונות" / "ילדים בחוף 2019", "שקיעה בים (1).jpg")
    sheet = sheet_of(found(file), found("/p/a.jpg"), query="שקיעה בים (1)")
    opened(browser, sheet, tmp_path)
    assert browser.evaluate("getComputedStyle(document.querySelector('h1 bdi')).direction") == "rtl"
    name: Any = "getComputedStyle(document.querySelectorAll('.name')[{}]).direction"
    assert browser.evaluate(name.format(0)) == "rtl"
    assert browser.evaluate(name.format(1)) == "ltr"
    # The first letter stands right of the last one.
    first, last = browser.evaluate(
        "(() => { const text = document.querySelector('h1 bdi').firstChild;"
        " const at = (n) => { const range = document.createRange(); range.setStart(text, n);"
        " range.setEnd(text, n + 1); return range.getBoundingClientRect().left; };"
        " return [at(0), at(8)]; })()"
    )
    assert first > last
    browser.press("ArrowRight")
    browser.press("Enter")
    crumbs = browser.evaluate(  # in lines, if the path is long
        "[...document.querySelectorAll('#light .crumb')].map((c) => c.getBoundingClientRect())"
        ".map((place) => [place.top, place.left])"
    )
    assert crumbs == sorted(crumbs) and len(crumbs) >= 4


def test_it_follows_the_desktop_into_the_dark(tmp_path: Path) -> None:
    """And is not a white page at night."""
    shades = []
    for dark in (False, True):
        with Browser(dark=dark) as browser:
            opened(browser, sheet_of(found("/p/a.jpg")), tmp_path)
            shot = tmp_path / "shot.png"
            browser.screenshot(shot)
            with Image.open(shot) as image:
                shades.append(image.convert("RGB").tobytes()[3 * (20 * image.width + 700)])
    assert shades[0] > 230 and shades[1] < 40
