"""The contact sheet: an answer as one self-contained HTML page, and where it goes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import photosd
from photosd.core.errors import BadRequest, PhotosdError
from photosd.core.output_files import check_output, write_output
from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli import console, openers, paths, text
from photosd_cli.progress import Bar

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit, QueryResult, ThumbnailResult

PARTS = Path(__file__).parent / "sheet"
LARGE, SMALL = 640, 320  # pixels of an embedded photo
MANY = 150  # sheets with this many photos use small ones
KEPT = 20  # sheets in the private place
STDOUT = "-"
MADE_BY_US = b'<meta name="generator" content="photosd'
PAGES = (".html", ".htm")


class Sheet(NamedTuple):
    """Content of a sheet: an answer, a picture or an error for each hit, whether weak ones show."""

    result: QueryResult
    pictures: Sequence[ThumbnailResult | PhotosdError]
    weak: bool = False
    made_at: float | None = None  # Unix seconds; default: now


def show(client: Client, result: QueryResult, file: str, *, weak: bool, opened: bool) -> None:
    """Write the sheet of an answer; ``file`` is its path, `-`, or empty for a private one.

    The path is printed; a private sheet is opened, another one if ``opened``.
    """
    if file == STDOUT:
        console.out(render(_sheet(client, result, weak=weak)), end="")
        return
    place = checked_place(file) if file else _private_place()
    page = render(_sheet(client, result, weak=weak)).encode()
    home, mode = Home.from_environment(), 0o666 if file else 0o600
    write_output(place, page, home, mark=MADE_BY_US, mode=mode)
    paths.write({"path": str(place)})
    console.flush()
    if opened or not file:
        openers.open_files([os.fsencode(place)])


def _sheet(client: Client, result: QueryResult, *, weak: bool) -> Sheet:
    hits = result["hits"]
    pictures: list[ThumbnailResult | PhotosdError] = []
    with Bar("contact sheet") as bar:
        for picture in client.thumbnails([paths.raw(hit) for hit in hits], pixels_for(len(hits))):
            pictures.append(picture)
            bar.say(f"{len(pictures):,}/{len(hits):,}")
    return Sheet(result, pictures, weak)


def checked_place(file: str) -> Path:
    """The path of the user's file; raises BadRequest, OutputRefused.

    Its suffix must be that of a page. Only a contact sheet is replaced.
    """
    place = Path(os.fsdecode(paths.absolute(file)))
    if place.suffix.lower() not in PAGES or place.is_dir():
        raise BadRequest(f"{file} is not the name of a page", remedy="--html=sheet.html")
    check_output(place, Home.from_environment(), mark=MADE_BY_US)
    return place


def _private_place() -> Path:
    """A new name among the sheets of this home; the oldest are deleted."""
    directory = Home.from_environment().sheets
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.chmod(0o700)
    for old in sorted(directory.glob("*.html"))[: -KEPT + 1]:
        with contextlib.suppress(OSError):
            old.unlink()
    return directory / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}.html"


# -- the page -------------------------------------------------------------------------------------


def pixels_for(photos: int) -> int:
    """Longest side of the pictures on a sheet with this many photos."""
    return SMALL if photos > MANY else LARGE


def render(sheet: Sheet) -> str:
    """The page as HTML; names and queries are escaped."""
    result, hits = sheet.result, sheet.result["hits"]
    weak = sum(_is_weak(hit, result) for hit in hits)
    style, script = (PARTS / "style.css").read_text(), (PARTS / "script.js").read_text()
    made = time.localtime(sheet.made_at)
    query = text.inert(result["query"]) or "Photos"
    photos = (_photo(hit, seen, sheet) for hit, seen in zip(hits, sheet.pictures, strict=True))
    values = {
        "style_hash": _hash(style),
        "script_hash": _hash(script),
        "style": style,
        "script": script,
        "version": escape(photosd.__version__),
        "title": escape(f"{query} · photosd"),
        "query": escape(query),
        "query_class": "endless" if len(query) > 200 else "long" if len(query) > 50 else "",
        "body_class": "with-weak" if sheet.weak else "",
        "longest": str(pixels_for(len(hits))),
        "made": f"{made.tm_mday} {time.strftime('%B %Y', made)}",
        "made_iso": time.strftime("%Y-%m-%d", made),
        "summary": _summary(result, len(hits) - weak),
        "notices": _notices(result),
        "weak_button": _weak_button(weak, sheet.weak),
        "photos": "\n".join(photos),
        "model": escape(text.inert(result["model"])),
        "milliseconds": f"{result['timings_ms']['total']:.0f}",
    }
    # One pass, so that inserted text is not searched for placeholders.
    page = (PARTS / "page.html").read_text()
    return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], page)


def _hash(part: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()


# -- header and footer ---------------------------------------------------------------------------


def _summary(result: QueryResult, convincing: int) -> str:
    every = text.count(result["coverage"]["indexed"], "photo")
    if not result["hits"]:
        return f"No matches in {every}."
    if not convincing:
        return f"<strong>No good matches</strong> among {every}."
    found = [hit["strength"] for hit in result["hits"]]
    parts = [f"{found.count(kind):,} {kind}" for kind in ("strong", "fair") if kind in found]
    return f"<strong>{convincing:,} of {every}</strong> · {', '.join(parts)}"


def _notices(result: QueryResult) -> str:
    """What was not searched, and warnings."""
    coverage = result["coverage"]
    quiet = [told] if (told := text.read_as(result)) else []
    if coverage["pending"]:
        quiet.append(f"{coverage['pending']:,} still to be indexed, not searched yet")
    if coverage["failed"]:
        quiet.append(f"{coverage['failed']:,} cannot be read")
    quiet += [f"{text.inert(folder)} is offline" for folder in coverage["offline_folders"]]
    items = [
        f'<li class="loud"><bdi>{escape(words)}</bdi></li>' for words in text.warnings_of(result)
    ]
    items += [f"<li><bdi>{escape(words)}</bdi></li>" for words in quiet]
    return f'<ul class="notices">{"".join(items)}</ul>' if items else ""


def _weak_button(weak: int, shown: bool) -> str:
    if not weak:
        return ""
    words = text.count(weak, "weak match", "weak matches")
    show, hide = f"Show {words}", f"Hide {words}"
    return (
        f'<button type="button" id="weak" aria-pressed="{str(shown).lower()}" aria-keyshortcuts="w"'
        f' data-show="{show}" data-hide="{hide}">{hide if shown else show}</button>'
    )


# -- one photo ------------------------------------------------------------------------------------


def _photo(hit: Hit, seen: ThumbnailResult | PhotosdError, sheet: Sheet) -> str:
    path = paths.raw(hit)
    folders, name = _shown_parts(hit["path"])
    kind = "weak" if _is_weak(hit, sheet.result) else hit["strength"]
    date = _date(hit, "%B")
    spoken = escape(f"{name}, {date or 'no date'}, {kind} match")
    picture, (width, height) = _picture(seen, spoken)
    away = '<span class="away">away</span>' if hit["offline"] else ""
    brief = f"<time>{_date(hit, '%b', clock=False)}</time>" if date else ""
    return (
        f'<figure class="photo {kind}" data-width="{width}" data-height="{height}">'
        f'<a class="frame" href="{escape(paths.file_url(path))}">{picture}{away}</a>'
        f'<figcaption class="caption"><i class="dot {kind}" title="{kind}"></i>'
        f'<bdi class="name" dir="auto" title="{escape(name)}">{escape(name)}</bdi>{brief}'
        "</figcaption>"
        f'<div class="about-text" hidden>{_about(hit, kind, folders, name, date)}</div></figure>'
    )


def _picture(seen: ThumbnailResult | PhotosdError, spoken: str) -> tuple[str, tuple[int, int]]:
    if isinstance(seen, PhotosdError):
        why = escape(text.inert(f"{seen}"))
        return f'<span class="missing"><b class="hidden">{spoken}</b>{why}</span>', (3, 2)
    width, height = int(seen["width"]), int(seen["height"])
    data = base64.b64encode(base64.b64decode(seen["data_b64"], validate=True)).decode()
    image = (
        f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}"'
        f' alt="{spoken}" decoding="async">'
    )
    return image, (width, height)


def _about(hit: Hit, kind: str, folders: list[str], name: str, date: str) -> str:
    """The details shown in the lightbox."""
    crumbs = "".join(f'<bdi class="crumb">{escape(folder)}</bdi>' for folder in folders)
    rows = [
        ("Date", escape(date)),
        ("Place", escape(text.inert(text.place(hit["place"]))) if "place" in hit else ""),
        ("Folder", crumbs),
        ("Match", f"{kind}, {text.why(hit)}".removesuffix(", ")),
    ]
    if hit["offline"]:
        rows.append(("Disk", "away"))
    cells = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in rows if v)
    return f'<p class="title" dir="auto">{escape(name)}</p><dl class="details">{cells}</dl>'


def _is_weak(hit: Hit, result: QueryResult) -> bool:
    return hit["strength"] not in ("strong", "fair") or not result["convincing"]


def _shown_parts(path: str) -> tuple[list[str], str]:
    """Folders and name, inert; the user's home directory is ``~``."""
    *folders, name = (text.inert(part) for part in paths.below_home(path).split("/"))
    return [folder for folder in folders if folder], name


def _date(hit: Hit, month: str, *, clock: bool = True) -> str:
    """When the photo was taken, the day first, as precise as it is known; empty if unknown.

    ``month``: its form in strftime; ``clock``: with the time of day.
    """
    moment, precision = text.taken(hit), hit.get("taken_precision")
    if moment is None:
        return ""
    if precision == "year":
        return time.strftime("%Y", moment)
    day = "" if precision == "month" else f"{moment.tm_mday} "
    exact = clock and precision is None
    return day + time.strftime(f"{month} %Y, %H:%M" if exact else f"{month} %Y", moment)
