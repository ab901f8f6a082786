"""Stand-ins for the worker processes of a daemon under test: a decoder and an encoder in threads.

Everything else is the real daemon. The decoder's own code reads and decodes photos; the encoder
computes a vector from the content alone (`vector_of`), so that a test can tell whose vector is in
the index. `install` runs in the daemon before it starts; a test starts such a daemon with
`StandInDaemon` of tests.household.daemon.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import importlib
import logging
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from photosd.core.clock import Deadline
from photosd.core.errors import Busy, EncoderUnavailable
from photosd.core.formats import is_raw_name
from photosd.decode import damage, facts, opening, pixels, raw, reading
from photosd.decode.decode_errors import DecodeFailed, DecoderDied, DecoderUnavailable
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import ContentIdentity, ReadFacts, Shape, SidecarFacts
from photosd.decode.pool import Decoded, Pool
from photosd.encoder.results import TextVectors
from photosd.encoder.supervisor import EncoderDied, Supervisor
from photosd.models.spec import read_model
from photosd.watch.watch_limits import WatchLimits
from tests.household.orders import Orders

T = TypeVar("T")
Vectors = NDArray[np.float32]

ORDERS, ROOT = "PHOTOSD_TEST_ORDERS", "PHOTOSD_TEST_PHOTO_ROOT"
SMALL = 32  # pixels; what the model wants takes ten times as long to make
STAMP = 16  # bytes of a picture's first row that tell the encoder which content it shows
# Seconds, by the name they have wherever in the index: a test need not wait as long as people.
SHORT = {
    "STORAGE_RETRY_SECONDS": 0.3,
    "RECHECK_SECONDS": 0.5,
    "RETRY_SECONDS": 0.4,
    "TICK_SECONDS": 0.2,
    "TRANSIENT_RETRIES": (0.3, 0.6, 1.2),
    "RETRY_PAUSES": (0.3, 0.6, 1.2),
    "SUBTREE_PATIENCE": 1.0,
    "IDLE_SECONDS": 5.0,
}
SHORTENED = (
    "photosd.runtime.daemon",
    "photosd.index.pipeline",
    "photosd.index.reconciler",
    "photosd.index.committer",
)


def stamp_of(content: str) -> bytes:
    """What the stand-in decoder writes into a picture of this content."""
    return hashlib.blake2b(content.encode(), digest_size=STAMP).digest()


def vector_of(stamp: bytes, dimension: int) -> Vectors:
    """The unit vector (dimension,) that the stand-in encoder makes of a stamp."""
    vector = np.random.default_rng(list(stamp)).normal(size=dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def install() -> None:
    """Put the stand-ins, and the faults that are on order, into this process."""
    _replace("photosd.runtime.library", Pool=StandInPool)
    _replace("photosd.runtime.model_runtime", Supervisor=StandInSupervisor)
    _shorten()
    if file := os.environ.get(ORDERS):
        faults.follow(Path(file))
        _strike_catalog()
        _strike_vectors()
        _strike_files(os.fsencode(os.environ[ROOT]))
        _set_clock()


def install_encoder() -> None:
    """The encoder's stand-in alone: decoders are real processes. What a picture has in its first
    pixels decides its vector, so another picture has another one."""
    _replace("photosd.runtime.model_runtime", Supervisor=StandInSupervisor)
    _shorten()


def _replace(module: str, **names: object) -> None:
    for name, stand_in in names.items():
        assert hasattr(importlib.import_module(module), name), f"{module} has no {name} any more"
        setattr(importlib.import_module(module), name, stand_in)


class _Faults:
    """Raises what is on order."""

    orders: Orders | None = None
    _counted: Path  # the stamps of contents that a worker has died over, in any daemon

    def follow(self, file: Path) -> None:
        """Do what is ordered there."""
        self._counted = file.with_name(file.name + ".counted")
        self._counted.touch()
        self.orders = Orders(file)

    def strike(self, kind: str, error: Callable[[], Exception]) -> None:
        if self.orders is not None and self.orders.due(kind):
            raise error()

    def due(self, kind: str) -> bool:
        return self.orders is not None and self.orders.due(kind)

    def dies(self, kind: str, stamps: set[bytes]) -> bool:
        """Whether a worker dies over these contents; over each but once, whichever worker it is and
        however often the daemon starts: dying twice over one photo rightly quarantines it."""
        if self.orders is None:
            return False
        data = self._counted.read_bytes()
        counted = {data[at : at + STAMP] for at in range(0, len(data), STAMP)}
        if not stamps.isdisjoint(counted) or not self.due(kind):
            return False
        with self._counted.open("ab") as file:
            file.write(b"".join(stamps))
        return True


faults = _Faults()


# -- the workers ------------------------------------------------------------------------------


class StandInPool(Pool):
    """Decodes in threads of this process."""

    def start(self) -> None:
        self._threads = ThreadPoolExecutor(2)
        opening.configure(self._limits)
        logging.disable(logging.NOTSET)  # a decoder says nothing; a daemon does

    def stop(self, deadline: Deadline | None = None) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def pids(self) -> list[int]:
        return []

    def decode(
        self,
        path: bytes,
        shape: Shape,
        *,
        urgent: bool = False,
        deadline: Deadline | None = None,
        full: bool = False,
    ) -> Future[Decoded]:
        return self._submit(lambda: self._decode(path, shape))

    def facts(self, path: bytes) -> Future[ReadFacts]:
        return self._submit(lambda: self._facts(path))

    def _facts(self, path: bytes) -> ReadFacts:
        data, identity = reading.read(path, self._limits)
        picture = opening.open_picture(data, self._limits)
        return ReadFacts(identity.size, identity.mtime_ns, facts.of(picture))

    def sidecars(
        self, photo: bytes, files: Sequence[Sequence[bytes]]
    ) -> Future[Sequence[SidecarFacts | None]]:
        return self._submit(lambda: list(map(facts.of_sidecars, files)))

    def identify(self, path: bytes) -> Future[ContentIdentity]:
        return self._submit(lambda: reading.identify(path))

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        if faults.due("decoder_busy"):
            raise Busy("too many photos wait to be read", retry_after_ms=100)
        return self._threads.submit(_explained, work)

    def _decode(self, path: bytes, shape: Shape) -> Decoded:
        faults.strike("decoder_away", lambda: DecoderUnavailable("on order"))
        faults.strike("read", lambda: OSError(errno.EIO, "on order"))
        faults.strike(
            "decoder_full",
            lambda: DecodeFailed("memory", "no memory, on order", "wait", transient=True),
        )
        data, identity = reading.read(path, self._limits)
        if faults.dies("decoder_dies", {stamp_of(identity.content_id)}):
            raise DecoderDied("killed on order", "")
        try:
            picture = readable(path, data, self._limits)
            tiles = pixels.squares(picture, Shape(SMALL, shape.interpolation, shape.resize_mode))
        except Exception as error:
            raise damage.explain(error, data) from error
        shown = np.zeros((len(tiles), shape.size, shape.size, 3), np.uint8)
        shown.reshape(len(tiles), -1)[:, :STAMP] = list(stamp_of(identity.content_id))
        return Decoded(
            content_id=identity.content_id,
            size=identity.size,
            mtime_ns=identity.mtime_ns,
            inode=identity.inode,
            device=identity.device,
            pixels=shown,
            facts=facts.of(picture),
        )


def readable(path: bytes, data: bytes, limits: DecodeLimits) -> opening.OpenedPicture:
    """The picture in a file of that name; raises what the decoder would."""
    return raw.open_raw(data, limits) if is_raw_name(path) else opening.open_picture(data, limits)


def _explained(work: Callable[[], T]) -> T:
    """As a decoder answers: whatever is raised becomes a DecodeFailed."""
    try:
        return work()
    except DecodeFailed:
        raise
    except OSError as error:
        raise reading.failure_of(error) from error


class StandInSupervisor(Supervisor):
    """Encodes at once, in the thread that asks."""

    def start(self) -> None:
        self._dimension = read_model(self._directory).dimension
        devices = {"device": "stand-in", "text_device": "stand-in", "devices": ["stand-in"]}
        self._status.becomes_ready({**devices, "doubt": None})

    def stop(self, deadline: Deadline | None = None) -> None:
        """There is nothing to end."""

    @property
    def turned_at(self) -> float:
        """It is always well."""
        return time.monotonic()

    @turned_at.setter
    def turned_at(self, _moment: float) -> None:
        pass

    def encode_texts(self, texts: Any, deadline: Deadline | None) -> Future[TextVectors]:
        stamps = [stamp_of(text) for text in texts]
        vectors = np.stack([vector_of(stamp, self._dimension) for stamp in stamps])
        return _done(
            lambda: TextVectors(
                vectors, [1.0] * len(stamps), [[] for _ in stamps], [None] * len(stamps)
            )
        )

    def encode_images(
        self,
        pixels: NDArray[np.uint8],
        *,
        may_crash: bool = False,
        deadline: Deadline | None = None,
    ) -> Future[NDArray[np.float32]]:
        faults.strike("encoder_raises", lambda: OSError(errno.EMFILE, "on order"))
        return _done(lambda: self._encode(pixels))

    def _encode(self, pixels: NDArray[np.uint8]) -> Vectors:
        faults.strike("encoder_away", lambda: EncoderUnavailable("on order", remedy="wait"))
        stamps = [bytes(row[:STAMP]) for row in pixels.reshape(len(pixels), -1)]
        if faults.dies("encoder_dies", set(stamps)):
            raise EncoderDied("killed on order", "")
        self._status.counts["image"] += len(stamps)
        return np.stack([vector_of(stamp, self._dimension) for stamp in stamps])


def _done(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)
    return future


# -- the disk and the clock -------------------------------------------------------------------


class Connection(sqlite3.Connection):
    """A connection to the catalog on a disk that fails."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        _strike_statement(sql)
        return super().execute(sql, *values)

    def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:
        _strike_statement(sql)
        return super().executemany(sql, *values)

    def commit(self) -> None:
        _strike_statement("COMMIT")
        super().commit()


def _strike_statement(sql: str) -> None:
    if sql.startswith("ROLLBACK"):
        return
    for kind, words in (("catalog_io", "disk I/O error"), ("catalog_busy", "database is locked")):
        faults.strike(kind, lambda words=words: sqlite3.OperationalError(words))  # type: ignore[misc]
    if not sql.startswith(("SELECT", "PRAGMA", "BEGIN")):
        faults.strike("catalog_full", lambda: sqlite3.OperationalError("database or disk is full"))


def _strike_catalog() -> None:
    connect = sqlite3.connect

    def failing(file: Any, **options: Any) -> Any:
        return connect(file, **{"factory": Connection, **options})

    sqlite3.connect = failing  # type: ignore[assignment]


def _strike_vectors() -> None:
    """LanceDB raises RuntimeError, OSError and ValueError as it likes."""
    from photosd.index.table import import_lancedb

    import_lancedb()
    from lancedb.merge import LanceMergeInsertBuilder
    from lancedb.table import LanceTable

    for owner, name in (
        (LanceMergeInsertBuilder, "execute"),
        (LanceTable, "delete"),
        (LanceTable, "optimize"),
    ):
        setattr(owner, name, _failing_write(getattr(owner, name)))
    setattr(LanceTable, "search", _failing_read(LanceTable.search))  # noqa: B010


def _failing_write(write: Any) -> Any:
    def failing(*given: Any, **named: Any) -> Any:
        faults.strike(
            "vectors_full",
            lambda: RuntimeError("lance error: LanceError(IO): No space left on device"),
        )
        faults.strike("vectors_io", lambda: OSError(errno.EIO, "Input/output error"))
        result = write(*given, **named)
        faults.strike("vectors_late", lambda: RuntimeError("lance error: Commit conflict"))
        return result

    return failing


def _failing_read(read: Any) -> Any:
    def failing(*given: Any, **named: Any) -> Any:
        faults.strike("vectors_read", lambda: OSError(errno.EIO, "Input/output error"))
        return read(*given, **named)

    return failing


class Entry:
    """An entry of a directory whose stat fails now and then."""

    def __init__(self, entry: os.DirEntry[bytes]) -> None:
        self._entry, self.name, self.path = entry, entry.name, entry.path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._entry.is_dir(follow_symlinks=follow_symlinks)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return self._entry.is_file(follow_symlinks=follow_symlinks)

    def is_symlink(self) -> bool:
        return self._entry.is_symlink()

    def inode(self) -> int:
        return self._entry.inode()

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        faults.strike("stat", lambda: OSError(errno.EIO, "on order", self.path))
        return self._entry.stat(follow_symlinks=follow_symlinks)


def _strike_files(root: bytes) -> None:
    """Fail stat and scandir of paths below ``root``, called with bytes as the daemon does."""
    look, scan = os.stat, os.scandir

    def stat(path: Any, **options: Any) -> os.stat_result:
        if isinstance(path, bytes) and path.startswith(root):
            faults.strike("stat", lambda: OSError(errno.EIO, "on order", path))
        return look(path, **options)

    def scandir(path: Any = ".") -> Any:
        if not (isinstance(path, bytes) and path.startswith(root)):
            return scan(path)
        faults.strike("list", lambda: OSError(errno.EIO, "on order", path))
        return _entries(scan(path))

    os.stat, os.scandir = stat, scandir


@contextlib.contextmanager
def _entries(listing: Any) -> Iterator[Iterator[Entry]]:
    with listing:
        yield map(Entry, listing)


def _set_clock() -> None:
    now = time.time
    time.time = lambda: now() + (faults.orders.clock if faults.orders else 0.0)


def _shorten() -> None:
    """A name may move between these modules; each is set where it is."""
    for name in SHORTENED:
        module = importlib.import_module(name)
        for constant in SHORT.keys() & vars(module).keys():
            setattr(module, constant, SHORT[constant])
    limits = functools.partial(WatchLimits, tick=0.2, roots=1.0)
    _replace("photosd.watch.watcher", WatchLimits=limits)
    random.seed()
