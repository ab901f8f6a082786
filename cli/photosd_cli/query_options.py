"""Options of `photosd query` and `similar`: filters, number, deadline, output format."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from photosd.core.errors import BadRequest
from photosd.protocol import QUERY_DEADLINE_MS
from photosd.protocol.client import path_params
from photosd_cli import completed_values, paths, preview
from photosd_cli.group import FOLDER, PATH, Number
from photosd_cli.query_output import QueryOptions

if TYPE_CHECKING:
    from photosd.protocol.requests import Where

DATES = 'A date: 2019, 2019-05-31, "May 2019", "last summer", "the 90s", "3 weeks ago".'
NEAR_KM = 10.0  # as in the daemon
MAX_KM = 20_100  # half of the earth's circumference
# The value of each option that may be given without one: attached, so that the next word is free.
ALONE = {"--preview": "--preview=auto", "--html": "--html="}

FILTERS = (
    click.option(
        "--in",
        "below",
        type=FOLDER,
        multiple=True,
        metavar="DIR",
        help="Only photos in this folder or below; repeatable.",
    ),
    click.option("--since", metavar="DATE", help=f"Only photos taken on or after DATE. {DATES}"),
    click.option("--until", metavar="DATE", help="Only photos taken on or before DATE."),
    click.option(
        "--camera",
        metavar="NAME",
        shell_complete=completed_values.values("camera"),
        help="Only from cameras whose name contains NAME.",
    ),
    click.option(
        "--place",
        "places",
        multiple=True,
        metavar="NAME",
        shell_complete=completed_values.values("place", "country"),
        help="Only photos taken in this place, region or country; any of several.",
    ),
    click.option(
        "--near",
        metavar="NAME[,KM]",
        help="Only taken within KM (default 10) of a place; also LAT,LON[,KM]: 32.08,34.78,5.",
    ),
    click.option(
        "--type",
        "formats",
        multiple=True,
        metavar="FORMAT",
        help="Only files of this format: jpeg, heic, png, raw, cr2 …; comma-separated.",
    ),
    click.option(
        "--rating",
        type=click.IntRange(0, 5),
        metavar="STARS",
        help="Rated at least STARS; 0 excludes rejected photos.",
    ),
    click.option(
        "--orientation",
        type=click.Choice(["landscape", "portrait", "square"]),
        help="Only photos of this orientation.",
    ),
    click.option(
        "--person",
        "people",
        multiple=True,
        metavar="NAME",
        shell_complete=completed_values.values("person"),
        help="Only photos of this person, as named in their metadata; repeatable.",
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="TAG",
        shell_complete=completed_values.values("tag"),
        help="Only photos with this tag; repeatable.",
    ),
    click.option(
        "--caption",
        metavar="WORDS",
        help="Only photos whose title or caption has all of these words.",
    ),
)
FILTER_NAMES = (
    "below", "since", "until", "camera", "near", "formats", "rating", "orientation", "people",
    "tags", "places", "caption",
)  # fmt: skip
OUTPUT_OPTIONS = (
    click.option(
        "-n",
        "limit",
        type=click.IntRange(1, 1000),
        metavar="N",
        help="Number of photos; default: setting search.limit (20).",
    ),
    click.option(
        "--deadline",
        type=Number(0.05, 600),
        default=QUERY_DEADLINE_MS / 1000,
        show_default=True,
        metavar="SECONDS",
        help="Longest wait for an answer.",
    ),
    click.option("--all", "every_copy", is_flag=True, help="Show each copy of a photo."),
    click.option(
        "--weak/--no-weak",
        default=None,
        help="Include weak matches (default: only in --json and pipes).",
    ),
    click.option("--scores", is_flag=True, help="Show the figures behind the strengths."),
    click.option("--json", "form", flag_value="json", help="One JSON object on stdout."),
    click.option("--jsonl", "form", flag_value="jsonl", help="One JSON object per query and line."),
    click.option("--paths", "form", flag_value="paths", help="Only paths, weak matches included."),
    click.option("-0", "form", flag_value="print0", help="Only paths, each ended by a NUL byte."),
    click.option("form", "--table", flag_value="table", default="table", hidden=True),
    click.option(
        "--preview",
        type=click.Choice(preview.MODES),
        default="off",
        metavar="[=HOW]",
        help="Thumbnails in the terminal: kitty, iterm, blocks, off; without HOW: detected.",
    ),
    click.option(
        "--html",
        type=PATH,
        metavar="[FILE.html]",
        help="A contact sheet: one self-contained page. Without FILE it is kept privately"
        " and opened; - is stdout.",
    ),
    click.option("--open", "opened", is_flag=True, help="Open the photos, or the contact sheet."),
    click.option(
        "--hyperlink",
        type=click.Choice(paths.LINK_MODES),
        default="auto",
        show_default=True,
        help="Print clickable paths.",
    ),
)


class QueryCommand(click.Command):
    """A command that reads `--preview` as `--preview=auto`, and `--html` as `--html=`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Insert omitted values, up to `--`."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(context, spelled_out(args[:end]) + args[end:])


def spelled_out(words: Iterable[str]) -> list[str]:
    """Every option with its value; `--html` also takes the next word if it names a page."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == ALONE["--html"] and word.lower().endswith((".html", ".htm")):
            found[-1] += word
        else:
            found.append(ALONE.get(word, word))
    return found


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filter options to a command; it receives them as ``where``, None if none is given."""

    @functools.wraps(command)
    def with_where(*arguments: Any, **values: Any) -> Any:
        given = {name: values.pop(name) for name in FILTER_NAMES}
        return command(*arguments, where=where_of(**given), **values)

    return _decorated(with_where, FILTERS)


def output(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the output options to a command; it receives ``options`` and ``every_copy``."""

    @functools.wraps(command)
    def with_options(*arguments: Any, **values: Any) -> Any:
        values["deadline_ms"] = round(values.pop("deadline") * 1000)
        given = {name: values.pop(name) for name in QueryOptions._fields}
        return command(*arguments, options=QueryOptions(**given), **values)

    return _decorated(with_options, OUTPUT_OPTIONS)


def checked(options: QueryOptions, *, many: bool = False) -> QueryOptions:
    """The options, checked against each other and the terminal; raises BadRequest.

    ``many``: several queries run one after another.
    """
    if options.html is not None and (options.form != "table" or many):
        raise BadRequest(
            "a contact sheet shows one query, and is the only output",
            remedy='photosd query "sunset" --html',
        )
    if options.html not in (None, "", "-"):
        from photosd_cli import contact_sheet

        contact_sheet.checked_place(options.html)  # before any query runs
    # Output for programs does not change.
    plain = options.form != "table" or options.html is not None
    return options._replace(preview="off" if plain else preview.mode_of(options.preview))


def _decorated(command: Callable[..., Any], options: Sequence[Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def where_of(
    *,
    below: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
    camera: str | None = None,
    near: str | None = None,
    formats: Sequence[str] = (),
    rating: int | None = None,
    orientation: str | None = None,
    people: Sequence[str] = (),
    tags: Sequence[str] = (),
    places: Sequence[str] = (),
    caption: str | None = None,
) -> Where | None:
    """The filters in the daemon's format, without those that were not given."""
    separate = [name.strip() for given in formats for name in given.split(",")]
    if formats and not any(separate):
        raise BadRequest("--type contains no format", remedy="--type jpeg,heic")
    named: dict[str, Any] = {
        **_below(below),
        "since": since,
        "until": until,
        "camera": camera,
        **({} if near is None else _near(near)),
        "formats": [name for name in separate if name] or None,
        "rating": rating,
        "orientation": orientation,
        "people": list(people) or None,
        "tags": list(tags) or None,
        "places": list(places) or None,
        "caption": caption,
    }
    where: Any = {name: value for name, value in named.items() if value is not None}
    return where or None


def _below(directories: Sequence[str]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for directory in directories:
        fields = path_params(paths.absolute(directory))
        kind = "path_b64" if "path_b64" in fields else "path"
        found.setdefault(kind.replace("path", "below"), []).append(fields[kind])
    return found


def _near(text: str) -> dict[str, Any]:
    """Coordinates and kilometres, or a name with or without kilometres."""
    *parts, last = (part.strip() for part in text.split(","))
    km = _number(last.removesuffix("km"))
    if not parts and km is not None and not math.isfinite(km):  # Nan is a town in Thailand
        km = None
    if all(_number(part) is not None for part in parts) and (parts or km is not None):
        return {"near": _place(text)}
    name = text if km is None else text.rpartition(",")[0]
    if not name.strip():
        raise BadRequest("--near contains no place", remedy="--near Haifa or --near Haifa,5")
    if km is not None and not 0 < km <= MAX_KM:
        raise BadRequest(f"distance out of range: {text!r}", remedy="kilometres above 0 to 20100")
    return {"near_place": name.strip(), "near_km": km}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _place(text: str) -> tuple[float, float, float]:
    try:
        latitude, longitude, *more = (float(part) for part in text.removesuffix("km").split(","))
        (km,) = more or [NEAR_KM]
        if not all(math.isfinite(number) for number in (latitude, longitude, km)):
            raise ValueError(text)
    except ValueError as error:
        raise BadRequest(
            f"cannot read the place {text!r}",
            remedy="--near Haifa,5 or --near 32.08,34.78,5: latitude, longitude, kilometres",
        ) from error
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and 0 < km <= MAX_KM):
        raise BadRequest(
            f"coordinates out of range: {text!r}",
            remedy="latitude -90 to 90, longitude -180 to 180, kilometres above 0 to 20100",
        )
    return latitude, longitude, km
