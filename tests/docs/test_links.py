"""Every local link in the Markdown files leads to a file, and every anchor to a heading."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?^ {0,3}\1[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)|(?:src|srcset|href)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages() -> list[str]:
    """Paths of the Markdown files git knows, relative to the root."""
    known = subprocess.run(
        ["git", "ls-files", "-z", "--", "*.md"], cwd=ROOT, capture_output=True, check=True
    )
    return sorted(filter(None, known.stdout.decode().split("\0")))


def prose(text: str) -> str:
    """The text without fenced blocks, in which a bracket is no link and a # no heading."""
    return FENCE.sub("", text)


def anchors(text: str) -> set[str]:
    """The anchors GitHub gives the headings of a page, and those the page sets itself."""
    found: set[str] = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text))
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", prose(text), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        name, again = slug, 0
        while name in found:
            again += 1
            name = f"{slug}-{again}"
        found.add(name)
    return found


def broken(page: Path) -> list[str]:
    """Links of a page that lead nowhere on this disk."""
    text = prose(page.read_text(encoding="utf-8"))
    bad = []
    for link in (one or other for one, other in LINK.findall(re.sub(r"`[^`\n]*`", "", text))):
        if ELSEWHERE.match(link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            bad.append(f"{link}: no such file")
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            bad.append(f"{link}: no such heading")
    return bad


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    assert broken(ROOT / page) == []


def test_every_page_is_found_from_the_first() -> None:
    """By following links from README.md, no matter how many."""
    found, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in found or page.suffix != ".md":
            continue
        found.add(page)
        links = (one or other for one, other in LINK.findall(prose(page.read_text("utf-8"))))
        local = (unquote(link).partition("#")[0] for link in links if not ELSEWHERE.match(link))
        left += [(page.parent / path).resolve() for path in local if path]
    assert [page for page in pages() if ROOT / page not in found] == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n# One\n[a](#one-1) [b](#two) [c](gone.md)\n```\n[d](in-code.md)\n```\n",
        encoding="utf-8",
    )
    assert broken(page) == ["#two: no such heading", "gone.md: no such file"]
