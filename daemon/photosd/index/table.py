"""The LanceDB table: its columns, and conversion of embeddings and traits."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from photosd.core import machine
from photosd.core.libraries import bare_package
from photosd.decode.messages import Source
from photosd.index.filters import Traits, traits
from photosd.index.labels import camera_key
from photosd.index.matrix import Vectors

REST_CLIENT = "lance_namespace_urllib3_client"  # its models are used, its calls are not
INDEX_CACHE = 16 << 20  # bytes
METADATA_CACHE = 1 << 20  # soon full of metadata of older versions: docs/adr/0004
UNSOUND = 1e-3  # deviation from unit length, squared: above rounding, below a flipped bit
IN_ONE_LIST = 500
FACTS = ("taken_at", "camera", "latitude", "longitude", "width", "height", "rating", "format")
NEEDED = ("key", "content", "tile", "vector")
TRAITS = ("labels", "moment", "latitude", "longitude")  # change with sidecars and paths
READ_FOR_TRAITS = ("labels", "camera", "moment", "latitude", "longitude")


def import_lancedb() -> Any:
    """The module `lancedb`; a second the first time.

    Without its client of a REST API: that is half of the time, 13 MB, and urllib3 opens a socket.
    """
    bare_package(REST_CLIENT)
    try:
        import lancedb
    except ImportError:  # another version of it: with everything
        del sys.modules[REST_CLIENT]
        import lancedb
    return lancedb


@contextlib.contextmanager
def errors_of_lance() -> Iterator[None]:
    """Turns a panic in LanceDB, which is not an Exception, into a RuntimeError."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise RuntimeError(str(error)) from error


class Embedding(msgspec.Struct, frozen=True):
    """One content: its vectors, (tiles, d) float32 unit length, its facts, its paths.

    ``modified``: modification time of its file, Unix seconds; ``place``: see placing.py;
    ``source``: what the vectors come from.
    """

    content: str
    vectors: Vectors
    facts: dict[str, Any]
    paths: tuple[bytes, ...] = ()
    modified: float | None = None
    place: dict[str, Any] = {}
    source: Source = "full"

    @property
    def traits(self) -> Traits:
        """Filterable values."""
        return traits(self.facts, self.paths, self.modified, self.place)


def open_table(directory: Path, name: str, dimension: int) -> Any:
    """Open the table, or create it."""
    _set_threads()
    lancedb = import_lancedb()
    session = lancedb.Session(
        index_cache_size_bytes=INDEX_CACHE, metadata_cache_size_bytes=METADATA_CACHE
    )
    connection: Any = lancedb.connect(directory, session=session)
    if (directory / f"{name}.lance").is_dir():
        table = connection.open_table(name)
        _check(table.schema, _schema(dimension))
        missing = [field for field in _schema(dimension) if field.name not in table.schema.names]
        if missing:  # from version 0.1.0; label sync fills the filter columns
            table.add_columns(missing)
        return table
    table = connection.create_table(name, schema=_schema(dimension))
    table.set_unenforced_primary_key("key")  # without it concurrent upserts may duplicate
    return table


def _check(found: Any, wanted: Any) -> None:
    """Raise ValueError if a column has another type: from another model or program."""
    for name in NEEDED:
        if found.field(name).type != wanted.field(name).type:
            raise ValueError(f"{name} is {found.field(name).type}, not {wanted.field(name).type}")


def _set_threads() -> None:
    """Lance reads these once. With a single I/O thread no commit ever ends."""
    os.environ.setdefault("LANCE_CPU_THREADS", str(machine.cores()))
    if os.environ.get("LANCE_IO_THREADS", "").strip() in ("0", "1"):
        del os.environ["LANCE_IO_THREADS"]


def rows_of(embeddings: Sequence[Embedding], dimension: int) -> Any:
    """An Arrow table of these, one row per tile."""
    import pyarrow as pa

    tiles = [(e, tile) for e in embeddings for tile in range(len(e.vectors))]
    flat = np.concatenate([e.vectors for e in embeddings]).astype(np.float32).ravel()
    found = {e.content: e.traits for e in embeddings}
    columns: dict[str, Any] = {
        "key": [f"{e.content}#{tile}" for e, tile in tiles],
        "content": [e.content for e, _ in tiles],
        "tile": [tile for _, tile in tiles],
        **{fact: [e.facts.get(fact) for e, _ in tiles] for fact in FACTS},
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(flat), dimension),
        "labels": [found[e.content].labels for e, _ in tiles],
        "moment": [found[e.content].moment for e, _ in tiles],
    }
    return pa.table(columns, schema=_schema(dimension))


def force_rewrite(table: Any) -> None:
    """Move one row, so that the next compaction rewrites fragments with deleted rows.

    Lance leaves a single fragment with few deleted rows unchanged, and the rows in its file.
    """
    for row in table.search().select(["key", "tile"]).limit(1).to_list():
        table.update(where=f"key = '{row['key']}'", values={"tile": row["tile"]})


def traits_of(batch: Any) -> list[Traits]:
    """Filterable values in the rows of a batch with READ_FOR_TRAITS."""
    return [
        Traits(tuple(labels or ()), camera_key(camera), *numbers)
        for labels, camera, *numbers in zip(
            *(batch.column(name).to_pylist() for name in READ_FOR_TRAITS), strict=True
        )
    ]


def traits_table(contents: Mapping[str, Traits]) -> Any:
    """An Arrow table of content and TRAITS."""
    import pyarrow as pa

    found = list(contents.values())
    return pa.table(
        {
            "content": list(contents),
            **{trait: [getattr(one, trait) for one in found] for trait in TRAITS},
        },
        schema=pa.schema([field for field in _schema(1) if field.name in ("content", *TRAITS)]),
    )


def relabelled(rows: Any, contents: Mapping[str, Traits]) -> Any:
    """These rows (Arrow) with other traits."""
    import pyarrow as pa

    names = rows.column("content").to_pylist()
    for trait in TRAITS:
        place = rows.schema.get_field_index(trait)
        field = rows.schema.field(trait)
        values = pa.array([getattr(contents[name], trait) for name in names], field.type)
        rows = rows.set_column(place, field, values)
    return rows


def has_index(table: Any) -> bool:
    """Whether its vectors are indexed."""
    return any(index.columns == ["vector"] for index in table.list_indices())


def quoted(contents: Sequence[str]) -> Iterator[str]:
    """Quoted lists of ids for SQL's IN, limited in length."""
    for start in range(0, len(contents), IN_ONE_LIST):
        yield ", ".join(f"'{content}'" for content in contents[start : start + IN_ONE_LIST])


def sound(vectors: Vectors) -> NDArray[np.bool_]:
    """Which rows have unit length. LanceDB has no checksums: this detects damage on disk."""
    with np.errstate(all="ignore"):  # garbage overflows
        found: NDArray[np.bool_] = np.abs((vectors * vectors).sum(axis=1) - 1) < UNSOUND
        return found


def sweep_staging(directory: Path) -> None:
    """A killed writer leaves ``.tmpXXXXXX`` files that LanceDB never deletes."""
    files: Iterable[Path] = directory.glob("*/**/.tmp??????") if directory.is_dir() else ()
    for file in list(files):
        file.unlink(missing_ok=True)


def _schema(dimension: int) -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("key", pa.string(), nullable=False),
            pa.field("content", pa.string(), nullable=False),
            pa.field("tile", pa.int32(), nullable=False),
            pa.field("taken_at", pa.float64()),
            pa.field("camera", pa.string()),
            pa.field("latitude", pa.float64()),
            pa.field("longitude", pa.float64()),
            pa.field("width", pa.int32()),
            pa.field("height", pa.int32()),
            pa.field("rating", pa.int32()),
            pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
            pa.field("labels", pa.list_(pa.int64())),
            pa.field("moment", pa.float64()),
            pa.field("format", pa.string()),
        ]
    )
