"""Facets: how many photos there are of each year, place, person, tag, camera, folder and so on."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

import numpy as np
from msgspec import structs

from photosd.core import wording
from photosd.index.counting import Counts
from photosd.index.filters import FORMATS, Filter
from photosd.index.labels import KINDS, OF_KIND, camera_key, label
from photosd.index.vectors import VectorStore
from photosd.index.vocabulary import Vocabulary
from photosd.protocol.paths import path_b64, path_text
from photosd.protocol.replies import FacetValue
from photosd.protocol.requests import FACET_KINDS, FacetKind

LOOKED_UP_AT_ONCE = 250  # labels, of which only some have a name to be shown
MAX_CAMERAS = 300  # that are compared with all others
MONTHS = 12
EPOCH_YEAR = 1970
FORMAT_LABELS = {label("format", name): name for name in sorted(FORMATS)}
PLACES = ("place", "country")
LABELS_OF = {"folder": "in", "type": "format"}  # else labels have the kind of the facet


class Facets:
    """Counts photos of one model's table. Any thread may use it."""

    def __init__(self, store: VectorStore, vocabulary: Vocabulary) -> None:
        self._store, self._vocabulary = store, vocabulary

    def of(
        self,
        kinds: Collection[FacetKind],
        limit: int,
        begins: str,
        where: Filter | None,
        contents: Collection[str] | None = None,
    ) -> tuple[int, dict[str, list[FacetValue]]]:
        """How many photos pass ``where`` and are in ``contents``, if not None; and by kind the
        ``limit`` most frequent values that begin with ``begins``, the most frequent first, equally
        frequent ones in a fixed order.
        """
        counts = self._store.counts(where, contents)
        begun = wording.key(begins) if begins.strip() else ""
        found: dict[str, list[FacetValue]] = {}
        for kind in FACET_KINDS:
            if kind in kinds or not kinds:
                every = (
                    _by_month(kind, counts)
                    if kind in ("year", "month")
                    else self._by_label(kind, counts)
                )
                if kind == "camera":
                    every = _by_parts(every)
                values = (one for one in every if wording.key(one["value"]).startswith(begun))
                found[kind] = list(itertools.islice(values, limit))
                if kind in PLACES and not (where is not None and where.has_places):
                    self._join_places(found[kind], counts, where, contents)
        return counts.photos, found

    def _join_places(
        self,
        values: list[FacetValue],
        counts: Counts,
        where: Filter | None,
        contents: Collection[str] | None,
    ) -> None:
        """Count photos in the city or the country for a name of both (Singapore), as the filter
        finds both.
        """
        for one in values:
            labels = [label(kind, wording.key(one["value"])) for kind in PLACES]
            if np.isin(labels, counts.labels).all():
                either = structs.replace(where or Filter(), places=(one["value"],))
                one["photos"] = self._store.counts(either, contents).photos
        values.sort(key=lambda one: -one["photos"])

    def _by_label(self, kind: FacetKind, counts: Counts) -> Iterator[FacetValue]:
        """Every value of a kind, the most frequent first, then by name."""
        code = KINDS.index(LABELS_OF.get(kind, kind))
        best = iter(counts.best(lambda labels: labels & OF_KIND == code))
        while part := dict(itertools.islice(best, LOOKED_UP_AT_ONCE)):
            names = FORMAT_LABELS if kind == "type" else self._vocabulary.named(part)
            shown = sorted(((part[one], names[one]) for one in part if one in names), key=_rank)
            yield from (_value(name, number) for number, name in shown)


def _by_parts(cameras: Iterable[FacetValue]) -> Iterator[FacetValue]:
    """Count photos of an iPhone 15 Pro for ``iPhone 15`` as well, as the filter finds both."""
    known = list(cameras)
    every = [(camera_key(one["value"]) or "", one["photos"]) for one in known]
    for one, (name, _) in zip(known[:MAX_CAMERAS], every, strict=False):
        one["photos"] = sum(photos for other, photos in every if name in other)
    yield from sorted(known, key=lambda one: -one["photos"])


def _by_month(kind: FacetKind, counts: Counts) -> Iterator[FacetValue]:
    """Every year or month, as `since` and `until` take them, the most frequent first, then the
    latest.
    """
    found: Counter[str] = Counter()
    for months, photos in zip(counts.months.tolist(), counts.taken.tolist(), strict=True):
        year, month = divmod(months, MONTHS)
        text = f"{EPOCH_YEAR + year:04}"
        found[text if kind == "year" else f"{text}-{month + 1:02}"] += photos
    every = sorted(found.items(), key=lambda one: one[::-1], reverse=True)
    return (_value(text, photos) for text, photos in every)


def _rank(counted: tuple[int, str | bytes]) -> tuple[int, bytes]:
    """Sort key: the most frequent first, then by name."""
    number, name = counted
    if isinstance(name, str):
        name = wording.fold(name).encode("utf-8", "surrogatepass")
    return -number, name


def _value(name: str | bytes, photos: int) -> FacetValue:
    if isinstance(name, str):
        return {"value": name, "photos": photos}
    found: FacetValue = {"value": path_text(name), "photos": photos}
    if (encoded := path_b64(name)) is not None:
        found["value_b64"] = encoded
    return found
