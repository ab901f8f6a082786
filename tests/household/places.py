"""The table of places, made once for all test runs: making it keeps a core busy for 10 to 20 s."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from pathlib import Path

from photosd.places import building

VARIABLE = "PHOTOSD_TEST_PLACES"  # the directory that keeps it
SOURCES = ("building.py", "naming.py", "regions.tsv")


def table_of_places() -> Path | None:
    """The file, made if it is missing or of other code; None outside of pytest."""
    if (kept := os.environ.get(VARIABLE)) is None:
        return None
    version = hashlib.sha256(building.package_version().encode())
    for name in SOURCES:
        version.update(Path(building.__file__).with_name(name).read_bytes())
    file = Path(kept) / f"{version.hexdigest()[:16]}.sqlite3"
    with Path(kept, "lock").open("w") as lock:  # of one process at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            for old in Path(kept).glob("*.sqlite3"):
                old.unlink()
            building.build(file)
    return file


def lend_places(target: Path) -> None:
    """Give a home without a table this one, so that its daemon need not make it."""
    if target.exists() or (file := table_of_places()) is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.link(file, target)
    except OSError:  # another file system, which may be small
        if shutil.disk_usage(target.parent).free > building.FREE_BYTES:
            shutil.copy2(file, target)
