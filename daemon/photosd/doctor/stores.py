"""Checks of catalog and index: each intact, and consistent with each other and the disk."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence

from photosd.core.errors import PhotosdError
from photosd.core.log import printable
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Findings, failed, fault, ok, unknown, warning
from photosd.index.migrations import SCHEMA
from photosd.index.store_damage import DAMAGED, damaged_copies
from photosd.index.table_inspection import TableFacts, inspect_table
from photosd.models.spec import read_model
from photosd.watch.filesystem import can_hang
from photosd.watch.filesystems import Filesystems
from photosd.watch.scanner import Entry

SAMPLE = 300  # photos compared with the disk
FRESH_SECONDS = 10.0  # of a change; a busy daemon needs this long to notice it
SETTLE_SECONDS = 3.0  # a difference may be a change being indexed
FRAGMENTS_MANY = 400  # the daemon merges them every 40 commits
REBUILD = "photosd restart   (renames it and rebuilds it from your photos)"


def catalog(context: CheckContext) -> Findings:
    """The catalog is readable and has this version's schema."""
    file = context.home.catalog
    if not file.exists():
        yield ok("catalog", "not created yet")
        return
    try:
        with context.catalog() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            damage = [row[0] for row in db.execute("PRAGMA quick_check(3)")]
            (photos,) = db.execute("SELECT count(*) FROM photos WHERE state <> 'gone'").fetchone()
    except sqlite3.Error as error:
        yield fault("catalog", f"{file} cannot be read: {error}", REBUILD, "restart")
        return
    if version > SCHEMA:
        yield fault(
            "catalog",
            f"written by a newer photosd (schema {version}, this one supports "
            f"{SCHEMA}); not changed",
            "install the newer photosd again",
        )
    elif damage != ["ok"]:
        yield fault("catalog", f"{file} is damaged: {damage[0]}", REBUILD, "restart")
    else:
        yield ok("catalog", f"{photos:,} photos")
    for kept in damaged_copies(file):
        yield warning("catalog", f"a damaged one was renamed to {kept}", f"rm '{kept}'")


def index(context: CheckContext) -> Findings:
    """The table of vectors is intact, and consistent with the catalog."""
    try:
        fingerprint = read_model(context.model_directory).fingerprint
        facts = inspect_table(context.home.index, fingerprint)
        recorded = _recorded(context, fingerprint)
    except PhotosdError as error:
        yield failed("index", error)
        return
    except sqlite3.Error:
        yield unknown("index", "not compared: the catalog cannot be read")
        return
    if facts is None and not recorded:
        yield ok("index", "not created yet")
        return
    if facts is None:
        remedy = "photosd restart   (rebuilds it from your photos)"
        yield fault("index", f"missing from {context.home.index}", remedy, "restart")
        return
    yield from _condition(facts)
    for kept in sorted(context.home.index.glob(f"*.lance{DAMAGED}*")):
        yield warning("index", f"a damaged one was renamed to {kept}", f"rm -r '{kept}'")
    yield from _agreement(context, fingerprint, facts.contents, recorded)


def _condition(facts: TableFacts) -> Findings:
    if facts.odd_vectors:
        yield fault(
            "index",
            f"{facts.odd_vectors:,} vectors are damaged",
            "photosd reindex   (reads every photo again)",
        )
    elif facts.fragments > FRAGMENTS_MANY:
        remedy = "photosd purge   (merges them)"
        yield warning("index", f"{facts.fragments} fragments make it slow", remedy)
    else:
        pieces = "piece" if facts.fragments == 1 else "pieces"
        yield ok("index", f"{facts.rows:,} vectors in {facts.fragments} {pieces}")


def _agreement(
    context: CheckContext, fingerprint: str, stored: set[str], recorded: set[str]
) -> Findings:
    """Vectors are stored before they are recorded, so a difference is checked twice."""
    if recorded - stored or stored - recorded:
        time.sleep(SETTLE_SECONDS if context.status else 0)
        again = inspect_table(context.home.index, fingerprint)
        stored = again.contents if again else set()
        recorded = _recorded(context, fingerprint)
    if lost := recorded - stored:
        yield fault(
            "agreement",
            f"the vectors of {len(lost):,} photos are missing from the index",
            "photosd restart   (re-creates them)",
            "restart",
        )
    elif context.status is None or not context.status["index"]["pending"]:
        if surplus := stored - recorded:
            yield warning(
                "agreement",
                f"the index has {len(surplus):,} vectors that the catalog does not know",
                "photosd restart   (adds them)",
                "restart",
            )
        else:
            yield ok("agreement", "catalog and index agree")


def disk(context: CheckContext) -> Findings:
    """A sample of the catalog matches the disk."""
    if not context.home.catalog.exists():
        return
    try:
        rows = _sample(context)
        # A call to a share that hangs, where links may lead, would never let this process end.
        with Filesystems() as disks:
            verdicts = [(path, _differs(disks, path, size, mtime)) for path, size, mtime in rows]
            found = [path for path, differs in verdicts if differs]
            unseen = [path for path, differs in verdicts if differs is None]
            # The daemon needs a moment to notice a change; a change it knows by then is no fault.
            differing = [path for path in found if not _is_being_noticed(context, disks, path)]
            if differing:
                _wait_until(lambda: not _still_differing(context, disks, differing), SETTLE_SECONDS)
                differing = _still_differing(context, disks, differing)
            changing = len(found) - len(differing)
    except sqlite3.Error:
        return  # the check of the catalog reports it
    if differing:
        yield fault(
            "disk",
            f"{len(differing)} of {len(rows)} sampled files differ from the index, for example "
            f"{printable(differing[0])}",
            "photosd index --wait",
            "index",
            "--wait",
        )
    elif unseen:
        yield warning(
            "disk",
            f"{len(unseen)} of {len(rows)} sampled files cannot be checked, for example "
            f"{printable(unseen[0])}",
            "photosd index --wait; photosd folders   (shows the reason)",
        )
    elif rows:
        late = f"; {changing} changed just now" if changing else ""
        yield ok("disk", f"the index matches {len(rows) - changing} sampled files{late}")


def failures(context: CheckContext) -> Findings:
    """Number of photos that could not be indexed."""
    deaths = [n for (n,) in context.rows("SELECT deaths FROM photos WHERE state = 'failed'")]
    failed_ones, killers = len(deaths), sum(number > 0 for number in deaths)
    if failed_ones:
        note = f" ({killers} of them crashed a worker)" if killers else ""
        says = f"{failed_ones:,} photos could not be read{note}"
        yield warning("photos", says, "photosd failures   (shows the reasons)")


def _recorded(context: CheckContext, fingerprint: str) -> set[str]:
    if not context.home.catalog.exists():
        return set()
    with context.catalog() as db:
        rows = db.execute("SELECT content FROM embedded WHERE model = ?", (fingerprint,))
        return {row[0] for row in rows}


def _sample(context: CheckContext) -> Sequence[tuple[bytes, int, int]]:
    """Random indexed photos in watched folders: in folders that are only scanned at times, a
    difference is not a fault.
    """
    with context.catalog() as db:
        rows = db.execute(
            "SELECT p.path, p.size, p.mtime_ns FROM photos p JOIN folders f ON f.id = p.folder"
            " WHERE p.state = 'indexed' AND f.state = 'ok'"
        ).fetchall()
    return random.sample(rows, min(SAMPLE, len(rows)))


def _still_differing(context: CheckContext, disks: Filesystems, paths: list[bytes]) -> list[bytes]:
    """Photos that the catalog still lists as indexed with the old state."""
    with context.catalog() as db:
        found = []
        for path in paths:
            row = db.execute(
                "SELECT size, mtime_ns FROM photos WHERE path = ? AND state = 'indexed'", (path,)
            ).fetchone()
            if row is not None and _differs(disks, path, *row):
                found.append(path)
    return found


def _is_being_noticed(context: CheckContext, disks: Filesystems, path: bytes) -> bool:
    """Whether the daemon may not have noticed a change yet: it is recent, or being compared."""
    if context.status is None:
        return False
    if context.status.get("comparisons"):
        return True
    if can_hang(disks.of(place := disks.place(path)).mount):
        return False
    try:
        changed_at = os.stat(place).st_ctime  # noqa: PTH116 (bytes)
    except OSError:  # it was deleted, or a parent directory was
        changed_at = _above(path)
    return time.time() - changed_at < FRESH_SECONDS + 2 * context.settings.watch.settle_seconds


def _above(path: bytes) -> float:
    """When the nearest existing directory was last changed, Unix seconds."""
    while path not in (b"/", b""):
        path = os.path.dirname(path)  # noqa: PTH120 (bytes)
        with contextlib.suppress(OSError):
            return os.stat(path).st_mtime  # noqa: PTH116 (bytes)
    return 0.0


def _differs(disks: Filesystems, path: bytes, size: int, mtime_ns: int) -> bool | None:
    """Whether the file differs from the catalog; None if it cannot be checked."""
    try:
        found = disks.ask(disks.place(path), "file")
        if found is None:  # a link: the disk it leads to may be away
            return not stat.S_ISLNK(disks.ask(path, "name")[0])
    except FileNotFoundError:
        return True
    except OSError:
        return None
    entry = Entry(*found)
    return (entry.size, entry.mtime_ns) != (size, mtime_ns)


def _wait_until(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not true():
        time.sleep(0.1)
