"""The contact sheet as text: one file that needs nothing, and names that stay names."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

from photosd_cli.contact_sheet import render
from tests.sheet.pages import HEBREW, HOSTILE, found, hostile, sheet_of

VOID = {"meta", "link", "img", "input", "br"}


class Outline(HTMLParser):
    """The elements of a page, and whether they are closed as they were opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID and not tag.endswith(("path", "svg")):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not tag.endswith(("path", "svg")):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        """The attributes of each such element, of one class if told."""
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and kind in [*(attrs.get("class") or "").split(), ""]
        ]


def test_a_sheet_needs_nothing_but_itself() -> None:
    """Every picture and rule is inside, and a policy lets nothing else in."""
    page = render(sheet_of(found("/p/a.jpg"), found("/p/b.jpg", "fair")))
    outline = Outline(page)
    assert not outline.open
    assert all((image.get("src") or "data:").startswith("data:") for image in outline.all("img"))
    assert len(outline.all("script")) == len(outline.all("style")) == 1
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", page)
    policy = next(m["content"] for m in outline.all("meta") if "http-equiv" in m) or ""
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for kind in ("script", "style"):
        inside = page.split(f"<{kind}>")[1].split(f"</{kind}>")[0]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_harmful_names_add_no_element_and_no_attribute() -> None:
    """Neither do queries, warnings, folders or errors; and each link leads to its very bytes."""
    page, tame = render(hostile()), sheet_of(*[found("/p/a.jpg")] * len(HOSTILE) * 2)
    outline = Outline(page)
    known = {(tag, name) for tag, attrs in Outline(render(tame)).elements for name in attrs}
    extra = {(tag, name) for tag, attrs in outline.elements for name in attrs} - known
    assert extra <= {("ul", "class"), ("li", "class"), ("span", "class"), ("b", "class")}
    assert len(outline.all("script")) == 1
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", page
    )
    links = [a["href"] or "" for a in outline.all("a", "frame")]
    names = [unquote_to_bytes(link.removeprefix("file:///p/")) for link in links[: len(HOSTILE)]]
    assert names == [name.replace(b"/", b"\xe2\x88\x95") for name in HOSTILE]
    for link in links:
        assert re.fullmatch(r"file:///[\w.~%/-]+", link, re.ASCII)


def test_what_was_not_seen_is_admitted() -> None:
    """No good matches, photos that wait, failed ones, disks that are away, unknown words."""
    page = render(
        sheet_of(
            found("/p/a.jpg", "weak"),
            convincing=False,
            unknown=["zorble"],
            warnings=["the model reads English only"],
            coverage={
                "photos": 20_100,
                "indexed": 18_000,
                "pending": 2_000,
                "failed": 100,
                "offline_folders": ["/media/card"],
            },
        )
    )
    words = " ".join(Outline(page).words)
    for expected in (
        "No good matches",
        "among 18,000 photos",
        "2,000 still to be indexed",
        "100 cannot be read",
        "/media/card is offline",
        "not understood: zorble",
        "the model reads English only",
        "Show 1 weak match",
    ):
        assert expected in words, expected


def test_nothing_found_is_a_page_too() -> None:
    """An empty library, or filters that leave nothing."""
    page = render(sheet_of())
    assert "No matches in 12,408 photos." in page
    assert not Outline(page).all("figure")


def test_facts_are_there_for_eyes_and_for_ears() -> None:
    """Name, folder, date and match are shown and described; a photo on an absent disk is marked."""
    hit = found(HEBREW, taken_at=1_565_625_600.0, offline=True)
    outline = Outline(render(sheet_of(hit)))
    words = " ".join(outline.words)
    for expected in ("תמונות", "ילדים בחוף 2019", "שקיעה בים (1).jpg", "August 2019", "away"):
        assert expected in words
    (image,) = (image for image in outline.all("img") if image.get("src"))
    assert image["alt"] and "שקיעה בים (1).jpg" in image["alt"] and "strong match" in image["alt"]
    assert {name["dir"] for name in outline.all("bdi", "name")} == {"auto"}


def test_a_date_is_as_precise_as_it_is_known() -> None:
    """A year has no day, and a day no time; below the picture, too. The place is told."""
    eilat = {"city": "Eilat", "country": "Israel"}
    for precision, date in (("year", "2019"), ("month", "August 2019"), ("day", "3 August 2019")):
        hit = {**found("/p/a.jpg"), "taken": "2019-08-03T00:00:00", "taken_precision": precision}
        words = Outline(render(sheet_of({**hit, "place": eilat}))).words
        assert date in words and "Eilat, Israel" in words and not any("00:00" in w for w in words)
    exact = {**found("/p/a.jpg"), "taken": "2019-08-03T12:30:00"}
    assert "3 August 2019, 12:30" in Outline(render(sheet_of(exact))).words


def test_what_was_read_is_told() -> None:
    """As below an answer in the terminal."""
    part = {"kind": "person", "start": 0, "end": 3, "text": "Noa", "value": "Noa Levi"}
    page = render(sheet_of(found("/p/a.jpg"), read_as=[part]))
    assert "read as: Noa Levi" in Outline(page).words
