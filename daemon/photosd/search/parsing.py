"""Parses a client's query: terms of words and pictures, weights, filters; refuses invalid ones."""

from __future__ import annotations

import math
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec
from msgspec import structs

from photosd.core import wall_clock
from photosd.core.config import SearchSettings
from photosd.core.errors import BadRequest, NotFound, quoted
from photosd.core.log import printable
from photosd.index.catalog import Catalog
from photosd.index.filters import FORMATS, Filter, format_name
from photosd.index.folders import Folders
from photosd.index.labels import camera_key
from photosd.index.vocabulary import Vocabulary
from photosd.protocol.paths import path_from
from photosd.protocol.requests import QueryParams, Sort, Term, Where
from photosd.search.place_names import PlaceNames
from photosd.search.query_cache import normalise
from photosd.search.reading import NameHint, Reading

Real = Callable[[bytes], bytes]  # a path as stored in the library
Captioned = Callable[[str], frozenset[str]]  # contents with these words in title or caption

EXAMPLE = 'photosd query "sunset"'
MAX_TERMS = 32
NEAR_KM = 10.0  # around a place given by its name


def filter_of(where: Where | None, real: Real = lambda path: path) -> Filter | None:
    """The filter; None if it accepts everything. Raises BadRequest."""
    if where is None:
        return None
    since, until = _moment(where.get("since"), "begin"), _moment(where.get("until"), "end")
    if since is not None and until is not None and since >= until:
        raise BadRequest(
            f"--since {where['since']} comes after --until {where['until']}",
            remedy="swap them: the earlier date is --since",
        )
    found = Filter(
        below=tuple(real(path_from(path, None)) for path in where.get("below", ()))
        + tuple(real(path_from(None, path)) for path in where.get("below_b64", ())),
        since=since,
        until=until,
        camera=(where.get("camera") or "").strip() or None,
        near=_near(where.get("near")),
        formats=_formats(where.get("formats", ())),
        rating=where.get("rating"),
        orientation=where.get("orientation"),
        people=_names(where.get("people", ())),
        tags=_names(where.get("tags", ())),
        places=_names(where.get("places", ())),
        caption=(where.get("caption") or "").strip() or None,
    )
    return None if found == Filter() else found


def _moment(date: str | float | None, side: Literal["begin", "end"]) -> float | None:
    """Wall-clock seconds of the start of a date, or of its end.

    A number is Unix seconds, converted by this machine's clock.
    """
    if date is None:
        return None
    try:
        if isinstance(date, (int, float)):
            return wall_clock.wall_seconds(wall_clock.shown_here(date))
    except OverflowError as error:
        raise BadRequest(f"{date:g} is too large for a date", remedy="give Unix seconds") from error
    from photosd.search import dates  # has words of ten languages: imported on first use

    return dates.since(date) if side == "begin" else dates.until(date)


def _names(names: Sequence[str]) -> tuple[str, ...]:
    """The given names, without empty ones."""
    return tuple(name.strip() for name in names if name.strip())


def _near(near: Sequence[float] | None) -> tuple[float, float, float] | None:
    if near is None:
        return None
    latitude, longitude, km = near
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and 0 < km <= 20_100):
        raise BadRequest(
            f"{latitude:g},{longitude:g},{km:g} is not a valid place and distance",
            remedy="latitude, longitude, kilometres: 32.08,34.78,5",
        )
    return latitude, longitude, km


def _formats(names: Sequence[str]) -> tuple[str, ...]:
    formats = tuple(format_name(name) for name in names)
    for name, shown in zip(formats, names, strict=True):
        if name not in FORMATS:
            raise BadRequest(
                f"{shown!r} is not a format that photosd reads",
                remedy="jpeg, heic, png, webp, tiff, gif, raw, or a suffix such as cr2",
            )
    return formats


class Parser:
    """Parses queries of clients of one library. Any thread may use it."""

    def __init__(
        self,
        catalog: Catalog,
        folders: Folders,
        vocabulary: Vocabulary,
        places: PlaceNames,
        captioned: Captioned = lambda _text: frozenset(),
    ) -> None:
        self._catalog, self._folders, self._vocabulary = catalog, folders, vocabulary
        self._places, self._captioned = places, captioned

    def parse(self, params: QueryParams) -> Question:
        """The query; raises BadRequest, or NotFound for a filter by a directory, a person, a tag
        or a place that the library does not have.
        """
        question = question_of(params, self.where(params.where))
        terms = tuple(map(self._looked_up, question.terms))
        asked_with = frozenset(term.content for term in terms if term.content is not None)
        excluded = self._with_partners(asked_with) if params.others else frozenset()
        return structs.replace(question, terms=terms, excluded=excluded)

    def where(self, where: Where | None) -> Filter | None:
        """The filter; raises what `parse` does."""
        located, within = self._located(where)
        found = filter_of(located, self._folders.real)
        if within:
            found = structs.replace(found or Filter(), within=within)
        if found is not None:
            self._refuse_unknown(found.below)
            self._refuse_unknown_names("person", found.people)
            self._refuse_unknown_names("tag", found.tags)
            if found.caption is not None:
                found = structs.replace(found, among=self._captioned(found.caption))
        return found

    def _located(self, where: Where | None) -> tuple[Where | None, tuple[tuple[str, ...], ...]]:
        """The filter with the library's spellings of place names, and coordinates instead of
        ``near_place``; then the parts of names such as ``Paris, Texas``.
        """
        found: Any = dict(where or {})
        within: list[tuple[str, ...]] = []
        if names := _names(found.get("places", ())):
            found["places"] = []
            for name in names:
                if parts := self._places.parts_in_library(name):
                    within.append(parts)
                else:
                    found["places"] += self._places.in_library(name)
        km, name = found.pop("near_km", None), found.pop("near_place", None)
        if name:
            if found.get("near") is not None:
                raise BadRequest("--near has two places", remedy="give one, or --place as well")
            found["near"] = (*self._places.centre(name), NEAR_KM if km is None else km)
        return found or None, tuple(within)

    def _looked_up(self, term: QuestionTerm) -> QuestionTerm:
        if term.path is None:
            return term
        return structs.replace(term, content=self._content_of(term.path))

    def _with_partners(self, contents: frozenset[str]) -> frozenset[str]:
        """With those of the files that are the same photos."""
        paths = self._catalog.paths_of(list(contents)).values()
        pairs = (self._catalog.partners(path) for places in paths for path, _ in places)
        return contents.union(content for pair in pairs for _, content in pair)

    def _content_of(self, path: bytes) -> str | None:
        if (content := self._known(self._folders.real(path))) is not None:
            return content
        try:
            filesystems = self._folders.filesystems
            return self._known(filesystems.spelled(filesystems.resolve(path)))
        except OSError:  # its disk does not answer
            return None

    def _known(self, path: bytes) -> str | None:
        photo = self._catalog.get(path)
        return photo.content if photo is not None and photo.state == "indexed" else None

    def _refuse_unknown(self, directories: Sequence[bytes]) -> None:
        for directory in directories:
            if not self._catalog.has_below(directory):
                why, remedy = self._why_empty(directory)
                raise NotFound(why, remedy=remedy)

    def _why_empty(self, directory: bytes) -> tuple[str, str]:
        """Why there are no photos in a directory, and the remedy."""
        shown, folder = printable(directory), self._folders.containing(directory)
        try:
            mode = self._folders.filesystems.ask(directory, "name")[0]
        except (FileNotFoundError, NotADirectoryError):
            if folder is None or folder.present:
                return f"no such folder: {shown}", "check the spelling; photosd folders"
        except OSError:  # it may not be read, or its disk does not answer
            pass
        else:
            if not stat.S_ISDIR(mode):
                return f"{shown} is not a folder", "name the folder that it is in"
        if folder is None:
            watch = f"photosd add {quoted(shown)}   (photosd folders shows what is watched)"
            return f"{shown} is not in a watched folder", watch
        return f"there are no photos in {shown}", "photosd index --wait   (if there are new ones)"

    def _refuse_unknown_names(self, kind: str, names: Sequence[str]) -> None:
        for name in names:
            if self._vocabulary.get(kind, name) is None:
                raise NotFound(
                    f"no photo has the {kind} {name!r}",
                    remedy=f"{self._meant(kind, name)}To list all: photosd facets --kind {kind}",
                )

    def _meant(self, kind: str, name: str) -> str:
        """Suggestions for an unknown name: similar ones, or those that it lists; may be empty."""
        listed = [value for part in name.split(",") if (value := self._vocabulary.get(kind, part))]
        if "," in name and listed:
            each = " ".join(f"--{kind} {value.shown!r}" for value in listed)
            return f"one each time: {each}. "
        near = " or ".join(map(repr, self._vocabulary.near(kind, name)))
        return f"did you mean {near}? " if near else ""

    def unknown_camera(self, where: Filter | None) -> list[str]:
        """A warning, with similar ones, if no camera has this name in its own."""
        if where is None or where.camera is None:
            return []
        part = camera_key(where.camera) or ""
        known = self._vocabulary.beginning("camera", "", sys.maxsize)
        if any(part in (camera_key(one.shown) or "") for one in known):
            return []
        meant = self._meant("camera", part)
        every = f"{'To' if meant else 'to'} list all: photosd facets --kind camera"
        return [f"no photo is from a camera {where.camera!r}; {meant}{every}"]


class QuestionTerm(msgspec.Struct, frozen=True):
    """Words (normalised) or the path of a picture; a negative weight subtracts.

    ``content``: of a photo of the library, or of a link's target; None for other files.
    """

    weight: float
    text: str = ""
    path: bytes | None = None
    content: str | None = None


class Question(msgspec.Struct, frozen=True):
    """A query; at least one term has a positive weight, unless ``reading`` left no words.

    ``asked``: the query as text. ``reading``: the conditions found in it, which are part of
    ``where``. ``only_conditions``: all its words are of conditions that were dropped. ``hints``:
    tags, people and places that its words name; they rank photos. ``understood``: words (folded) of
    dropped conditions.
    """

    terms: tuple[QuestionTerm, ...]
    asked: str = ""
    limit: int = SearchSettings().limit
    every_copy: bool = False
    where: Filter | None = None
    excluded: frozenset[str] = frozenset()  # contents to leave out
    sort: Sort = "match"
    reading: Reading | None = None
    only_conditions: bool = False
    hints: tuple[NameHint, ...] = ()
    understood: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        """All positive words."""
        return " ".join(term.text for term in self.terms if term.text and term.weight > 0)

    @property
    def plain(self) -> str | None:
        """The text of a query that is only text; None for others."""
        return self.terms[0].text if len(self.terms) == 1 and self.terms[0].text else None


def question_of(params: QueryParams, where: Filter | None = None) -> Question:
    """The query in these parameters with this filter; raises BadRequest without a positive term."""
    terms = tuple(_terms(params))
    if not terms and where is None and params.sort == "match":
        raise BadRequest("the query is empty", remedy=EXAMPLE)
    if terms and all(term.weight < 0 for term in terms):
        raise BadRequest(
            "it has no positive term",
            remedy='add what to search for: photosd query "beach" --minus people;'
            ' to exclude a person: photosd query "beach without Noa"',
        )
    if len(terms) > MAX_TERMS:
        raise BadRequest(
            f"the query has {len(terms)} terms; the limit is {MAX_TERMS}",
            remedy="leave some out",
        )
    asked = params.text if not params.terms else " ".join(map(_in_words, terms))
    limit = params.limit or SearchSettings().limit
    return Question(terms, asked, limit, params.all, where, sort=params.sort)


def _terms(params: QueryParams) -> Iterator[QuestionTerm]:
    if text := normalise(params.text):
        yield QuestionTerm(1.0, text)
    for term in params.terms:
        yield _term(term)


def _term(term: Term) -> QuestionTerm:
    weight, path, path_b64 = term.get("weight", 1.0), term.get("path"), term.get("path_b64")
    if not math.isfinite(weight) or weight == 0:
        raise BadRequest(f"a weight of {weight:g} has no effect", remedy="use 1, 2 or -1")
    text, picture = normalise(term.get("text") or ""), path or path_b64
    if bool(text) == bool(picture):
        raise BadRequest(
            "each term is either text or the path of a picture",
            remedy='send {"text": "dog", "weight": 2} or {"path": "/photos/dog.jpg"}',
        )
    if text:
        return QuestionTerm(weight, text)
    return QuestionTerm(weight, path=path_from(path, path_b64))


def _in_words(term: QuestionTerm) -> str:
    """A term as shown in answers: ``beach``, ``+2:dog``, ``-people``, ``like /p/x.jpg``."""
    weight = "" if abs(term.weight) == 1 else f"{abs(term.weight):g}:"
    sign = "-" if term.weight < 0 else "+" if weight else ""
    what = f"like {printable(term.path)}" if term.path is not None else term.text
    return f"{sign}{weight}{what}"
