"""Tools for agents: search, find similar photos, view one, get the library's status.

Calls overlap, so each opens its own connection. Only photos of the library are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from mcp_types import CallToolResult, ContentBlock, ImageContent, TextContent
from pydantic import Field

from photosd.core.errors import NotFound, PhotosdError
from photosd.protocol.client import Client, path_params
from photosd_cli import paths
from photosd_cli.asking_options import where_of, words

PIXELS = 320  # pixels of a thumbnail in a list of hits
DEADLINE_MS = 10_000

Pictures = Annotated[int, Field(ge=0, le=20, description="How many hits get a thumbnail.")]
Limit = Annotated[int, Field(ge=1, le=100, description="Maximum number of photos.")]
PathOf = Annotated[str, Field(description="Absolute path, as returned by `search`.")]
Base64 = Annotated[str, Field(description="`path_b64` of the hit, if it had one.")]
Folders = Annotated[list[str], Field(description="Only photos in or below one of these folders.")]
Date = Annotated[
    str | None, Field(description='"2019", "2019-05-31", "last summer", "3 weeks ago".')
]
Camera = Annotated[str | None, Field(description="Part of the camera's name.")]
Near = Annotated[
    tuple[float, float, float] | None, Field(description="Latitude, longitude, kilometres.")
]
Formats = Annotated[list[str], Field(description="jpeg, heic, png, raw …")]
Stars = Annotated[int | None, Field(ge=0, le=5, description="At least this many stars.")]
Orientation = Literal["landscape", "portrait", "square"] | None
Terms = Annotated[list[str], Field(description='Words; "2:dog" counts twice.')]


def search(
    text: Annotated[str, Field(description="What the photo shows, in plain words.")] = "",
    limit: Limit = 10,
    pictures: Pictures = 4,
    plus: Terms = [],  # noqa: B006 (read only; the schema shows it)
    minus: Terms = [],  # noqa: B006
    folders: Folders = [],  # noqa: B006
    since: Date = None,
    until: Date = None,
    camera: Camera = None,
    near: Near = None,
    formats: Formats = [],  # noqa: B006
    rating: Stars = None,
    orientation: Orientation = None,
    weak: Annotated[bool, Field(description="Include weak matches.")] = False,
    cursor: Annotated[str | None, Field(description="Cursor of the previous page.")] = None,
) -> CallToolResult:
    """Find photos by describing them, best first; `convincing` tells whether any is a match."""
    where = where_of(
        below=folders,
        since=since,
        until=until,
        camera=camera,
        near=None if near is None else ",".join(map(str, near)),
        formats=formats,
        rating=rating,
        orientation=orientation,
    )
    terms = [*(words(term, 1) for term in plus), *(words(term, -1) for term in minus)]
    with Client() as client:
        answer = client.query(
            text,
            limit,
            DEADLINE_MS,
            terms=terms,
            where=where,
            cursor=cursor or None,
            asker="agent",
        )
        return _hits(client, answer, pictures, weak=weak)


def similar(
    path: PathOf,
    limit: Limit = 10,
    pictures: Pictures = 4,
    folders: Folders = [],  # noqa: B006
    weak: Annotated[bool, Field(description="Include weak matches.")] = True,
    path_b64: Base64 = "",
) -> CallToolResult:
    """Find photos similar to one of the library, without it and its copies."""
    with Client() as client:
        term: Any = path_params(_known(client, path, path_b64))
        where = where_of(below=folders)
        answer = client.query(
            "", limit, DEADLINE_MS, terms=[term], where=where, others=True, asker="agent"
        )
        return _hits(client, answer, pictures, weak=weak)


def show(path: PathOf, path_b64: Base64 = "") -> CallToolResult:
    """Details of one photo: date, camera, place, size, stars, and a thumbnail."""
    with Client() as client:
        photo = _path(path, path_b64)
        known = client.show(photo)
        seen = known["state"] in ("indexed", "pending")
        return _result(dict(known), _thumbnails(client, [photo] if seen else [], PIXELS))


def thumbnail(
    path: PathOf,
    pixels: Annotated[
        Literal[320, 640, 1280, 2560], Field(description="Pixels of the longer side.")
    ] = 1280,
    path_b64: Base64 = "",
) -> CallToolResult:
    """A photo of the library as a JPEG, large enough for details."""
    with Client() as client:
        photo = _known(client, path, path_b64)
        small = client.thumbnail(photo, pixels)
        picture = ImageContent(type="image", data=small["data_b64"], mime_type="image/jpeg")
        size = {"path": path, "width": small["width"], "height": small["height"]}
        return _result(size, [picture])


def status() -> CallToolResult:
    """Number of indexed and pending photos, folders, model."""
    with Client() as client:
        told = client.status()
    index = told["index"]
    return _result(
        {
            "state": told["state"],
            "model": told["encoder"]["model"],
            "photos": index["photos"],
            "indexed": index["indexed"],
            "pending": index["pending"],
            "failed": index["failed"],
            "folders": told["folders"],
            "warnings": told["warnings"],
        }
    )


def _hits(client: Client, answer: Any, pictures: int, *, weak: bool) -> CallToolResult:
    """An answer reduced to fields an agent needs, and the first hits as pictures."""
    shown = [hit for hit in answer["hits"] if weak or hit["strength"] != "weak"]
    told = {name: answer[name] for name in ("convincing", "unknown", "warnings", "coverage")}
    told |= {"hits": shown, "weak_hits_left_out": len(answer["hits"]) - len(shown)}
    if answer.get("cursor"):
        told["cursor"] = answer["cursor"]
    return _result(told, _thumbnails(client, map(paths.raw, shown[:pictures]), PIXELS))


def _thumbnails(client: Client, photos: Iterable[bytes], pixels: int) -> Iterator[ContentBlock]:
    """A picture for each, in order; the reason for those that cannot be shown."""
    for small in client.thumbnails(photos, pixels, deadline_ms=DEADLINE_MS):
        if isinstance(small, PhotosdError):
            yield TextContent(type="text", text=f"no picture: {small}")
        else:
            yield ImageContent(type="image", data=small["data_b64"], mime_type="image/jpeg")


def _result(told: dict[str, Any], pictures: Iterable[ContentBlock] = ()) -> CallToolResult:
    """JSON text for every client, an object for clients that support it; then the pictures."""
    text = TextContent(type="text", text=json.dumps(told, ensure_ascii=False))
    return CallToolResult(content=[text, *pictures], structured_content=told)


def _known(client: Client, path: str, path_b64: str) -> bytes:
    """The path of a photo of the library; raises NotFound for any other file."""
    photo = _path(path, path_b64)
    if (known := client.show(photo))["state"] == "gone":
        raise NotFound(
            known["reason"] or "that photo is no longer in the library", remedy="search again"
        )
    return photo


def _path(path: str, path_b64: str) -> bytes:
    return paths.raw({"path": path, "path_b64": path_b64})
