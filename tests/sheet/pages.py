"""Answers to make sheets of: coloured pictures, and names that mean harm."""

from __future__ import annotations

import base64
import io
import os
from typing import Any, cast

from PIL import Image

from photosd.core.errors import NotFound, PhotosdError
from photosd.protocol.paths import path_fields
from photosd.protocol.replies import QueryResult, ThumbnailResult
from photosd_cli.contact_sheet import Sheet
from tests.cli.stub import hit, query_result

HOSTILE = [
    b"</script><script>document.title='owned'</script>",
    b'"><img src=x onerror="document.title=\'owned\'">.jpg',
    b"' onmouseover='document.title=1' x='.jpg",
    b"<!--<style>*{display:none}</style>.jpg",
    b"{script} {style} {photos}.jpg",
    b"&lt;b&gt; &amp; &#x27;.jpg",
    b"javascript:document.title='owned'",
    b"new\nline\r\n\ttab.jpg",
    b"\x1b]8;;http://evil\x07.jpg",
    "\u202egpj.exe\u2066.jpg".encode(),
    b"bad\xff\xfe.jpg",
    b"%2e%2e%2f#frag?query=%00.jpg",
    ("x" * 240 + ".jpg").encode(),
]
HEBREW = "/תמונות/ילדים בחוף 2019/שקיעה בים (1).jpg"


def picture(colour: tuple[int, int, int], width: int = 640, height: int = 427) -> ThumbnailResult:
    """What the daemon answers."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "JPEG")
    return {
        "width": width,
        "height": height,
        "form": "jpeg",
        "content_id": "1-0",
        "data_b64": base64.b64encode(buffer.getvalue()).decode(),
    }


def found(path: bytes | str, strength: str = "strong", **more: Any) -> dict[str, Any]:
    """A hit at any path."""
    raw = os.fsencode(path)
    fields = cast("dict[str, Any]", path_fields(raw))
    return {**hit(fields.pop("path"), 0.3, strength), **fields, **more}


def sheet_of(*hits: dict[str, Any], weak: bool = False, **more: Any) -> Sheet:
    """A sheet of these hits, in colours of their own and in the shapes that photos have."""
    shapes = [(640, 427), (427, 640), (640, 360), (480, 480), (640, 214)]
    seen: list[ThumbnailResult | PhotosdError] = [
        picture((30 + 23 * n % 200, 90 + 41 * n % 140, 200 - 31 * n % 150), *shapes[n % 5])
        for n in range(len(hits))
    ]
    ranked = [{**one, "rank": place + 1} for place, one in enumerate(hits)]
    result = cast("QueryResult", query_result(*ranked, **more))
    return Sheet(result, seen, weak, 1_764_072_000.0)


def hostile() -> Sheet:
    """Every harmful name, in folders and as the name, in the query, a warning and a folder."""
    evil = "</title></script><script>document.title='owned'</script>{script}\u202e"
    hits = [found(b"/p/" + name.replace(b"/", b"\xe2\x88\x95")) for name in HOSTILE]
    hits += [found(b"/" + name + b"/a.jpg", "fair", taken_at=1e300) for name in HOSTILE]
    sheet = sheet_of(
        *hits,
        query=evil,
        model=evil,
        warnings=[evil],
        unknown=[evil],
        coverage={
            "photos": 2,
            "indexed": 2,
            "pending": 1,
            "failed": 1,
            "offline_folders": ["/" + evil],
        },
    )
    pictures = [*sheet.pictures]
    pictures[1] = NotFound(evil)
    return sheet._replace(pictures=pictures)
