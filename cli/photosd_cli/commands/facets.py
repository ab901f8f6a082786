"""`photosd facets`: how many photos there are of each year, place, person, tag and so on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import click

from photosd.core.formats import RAW_SUFFIXES
from photosd.protocol.client import Client
from photosd_cli import console, paths, query_options, text
from photosd_cli.group import Number, json_option

if TYPE_CHECKING:
    from photosd.protocol.replies import FacetValue
    from photosd.protocol.requests import FacetKind, Where

# As in the protocol, which is slow to import.
MAX_VALUES = 10_000
KINDS = ("year", "month", "place", "country", "person", "tag", "camera", "folder", "type")

PLURALS = {"people": "person", "countries": "country"}


class Kind(click.Choice[str]):
    """A kind, also in the plural: ``people``, ``tags``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        singular = PLURALS.get(value, value.removesuffix("s"))
        return super().convert(singular if singular in KINDS else value, param, ctx)


@click.command()
@click.argument("words", metavar="[QUERY]", nargs=-1)
@click.option(
    "--kind", "kinds", type=Kind(KINDS), multiple=True, help="Only this kind; repeatable."
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 10_000),
    metavar="N",
    default=10,
    show_default=True,
    help="Number of values of each kind.",
)
@query_options.filters
@click.option(
    "--deadline",
    type=Number(0.05, 600),
    default=3.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for an answer.",
)
@json_option
def command(
    words: tuple[str, ...],
    kinds: tuple[str, ...],
    limit: int,
    where: Where | None,
    deadline: float,
    as_json: bool,
) -> int:
    """Count photos by year, month, place, person, tag, camera, folder and type.

    Without QUERY all photos are counted, or those that pass the filters; with it, its good matches.
    The most frequent values come first, of years and months the newest.

    \b
    photosd facets
    photosd facets --kind person --kind tag
    photosd facets "beach" --since 2019
    """
    readable = os.fsencode(" ".join(words)).decode("utf-8", "replace")
    with Client() as client:
        result = client.facets(
            readable,
            where=where,
            kinds=cast("tuple[FacetKind, ...]", kinds),
            limit=limit if as_json else min(limit + 1, MAX_VALUES),  # whether there are more
            deadline_ms=round(1000 * deadline),
        )
    if as_json:
        console.out_json(result)
        return 0 if result["convincing"] else 1
    cut = list[str]()
    for kind, values in result["facets"].items():
        if not values:
            continue
        console.out(console.styled(kind, "bold"))
        width = max(len(f"{one['photos']:,}") for one in values)
        for one in _ordered(kind, values[:limit]):
            console.out(f"  {one['photos']:>{width},}  {_shown(kind, one['value'])}")
        if len(values) > limit:
            cut.append(kind)
    console.flush()
    for warning in result["warnings"]:
        console.warn(text.inert(warning))
    if not result["convincing"]:
        console.note("No good matches", "")
    console.note(f"{text.count(result['photos'], 'photo')} counted")
    if cut:
        more = min(10 * limit, MAX_VALUES)
        console.note(f"There are more values of {', '.join(cut)}: -n {more}")
    return 0 if result["convincing"] else 1


def _ordered(kind: str, values: list[FacetValue]) -> list[FacetValue]:
    """Years and months from the newest; all raw files before each kind of them."""
    if kind in ("year", "month"):
        return sorted(values, key=lambda one: one["value"], reverse=True)
    if kind == "type":
        return sorted(values, key=lambda one: (-one["photos"], _is_raw(one["value"])))
    return values


def _shown(kind: str, value: str) -> str:
    if kind == "folder":
        return paths.shown(value)
    return f"raw: {value}" if kind == "type" and _is_raw(value) else text.inert(value)


def _is_raw(kind: str) -> bool:
    """Whether files of this type are also counted as ``raw``."""
    return f".{kind}".encode() in RAW_SUFFIXES
