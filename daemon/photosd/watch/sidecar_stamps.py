"""The files beside a photo that describe it, and whether they have changed.

They are recorded with the photo as one text, its *sidecar stamp*: for each file its name, size and
time of modification; for a link, the same of its target, too. A comparison of two stamps shows that
a file was added, changed or deleted.
"""

# Paths are bytes, because they need not be text; pathlib knows only text.
# ruff: noqa: PTH116

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

from photosd.core.filestat import normalised
from photosd.core.progress import tick
from photosd.core.sidecar_names import SidecarNames, composed, likely_names

DIRECTORIES = 4  # whose names are kept: some megabytes for each
FOLLOW = ":>"  # in the stamp of a link
SAME_TIME_SECONDS = 2.5  # changes within it may leave a directory's time as it was
WORTH = 50  # a directory that changes all the time is listed for 2 % of the time


def stamp(names: Iterable[bytes], state: Callable[[bytes], os.stat_result]) -> str:
    """The sidecar stamp of a photo with these files beside it; empty without any.

    ``state``: the state of the file of a name, not of what it links to; raises OSError. Links stay
    to be followed (see `with_targets`), since they may lead to a disk that does not answer.
    """
    parts: dict[tuple[bytes, int], str] = {}
    for name in names:
        with contextlib.suppress(OSError):  # it was deleted
            found = state(name)
            if not stat.S_ISDIR(found.st_mode):
                numbers = normalised(found)
                link = FOLLOW if stat.S_ISLNK(found.st_mode) else ""
                part = f"{quote_from_bytes(name)}:{numbers.size}:{numbers.mtime_ns}{link}"
                # Where case or the form of letters is ignored, one file answers to two names.
                parts.setdefault((composed(name).lower(), found.st_ino), part)
    return ";".join(parts.values())


def with_targets(
    photo: bytes, stamp: str, target: Callable[[bytes], tuple[int, int] | None]
) -> str:
    """A photo's sidecar stamp, with the size and time of what its links lead to.

    ``target``: size and time of the file that a path leads to; None: missing or unknown.
    """
    if FOLLOW not in stamp:
        return stamp
    parts = []
    for part, file in zip(stamp.split(";"), files_of(photo, stamp), strict=True):
        size, mtime_ns = (FOLLOW in part and target(file)) or ("", "")
        parts.append(part.replace(FOLLOW, f":{size}:{mtime_ns}"))
    return ";".join(parts)


def has_links(stamp: str) -> bool:
    """Whether any file in a sidecar stamp is a link."""
    # Other files have three fields: name, size and time.
    return any(len(part.split(":")) > 3 for part in stamp.split(";"))


def files_of(photo: bytes, stamp: str) -> Iterator[bytes]:
    """The paths of the files in a photo's sidecar stamp, the most important first."""
    directory = photo.rpartition(b"/")[0]
    for part in stamp.split(";"):
        if name := unquote_to_bytes(part.partition(":")[0]):
            yield directory + b"/" + name


@dataclass(frozen=True)
class _Listing:
    """The names in a directory; ``seconds``: how long it took to list and sort them."""

    names: SidecarNames
    state: tuple[int, int, int]
    listed_at: float
    seconds: float
    certain: bool


class Listings:
    """The sidecars of single photos, without listing a directory again for each; any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, _Listing] = OrderedDict()

    def names_of(self, photo: bytes, hinted: Iterable[bytes] = ()) -> tuple[bytes, ...]:
        """Names of files that may describe the photo at this path; some may not exist.

        ``hinted``: names of files that have changed. In a directory that changes all the time,
        another file may be missing that appeared just now; its own hint will name it.
        """
        directory, _, name = photo.rpartition(b"/")
        found = os.stat(directory or b"/")
        tick()
        state = (found.st_mtime_ns, found.st_ino, found.st_dev)
        with self._lock:
            known = self._known.get(directory)
        if known is not None and known.certain and known.state == state:
            return known.names.of(name)
        if known is None or time.monotonic() > known.listed_at + WORTH * known.seconds:
            return self._listed(directory, state).names.of(name)
        listed = known.names.of(name)
        if hinted and set(hinted) <= set(listed):
            return listed
        likely = (path.rpartition(b"/")[2] for path in likely_names(name))
        return SidecarNames({*listed, *likely, *hinted, name}).of(name)

    def _listed(self, directory: bytes, state: tuple[int, int, int]) -> _Listing:
        begun, now = time.monotonic(), time.time()
        every = []
        with os.scandir(directory or b"/") as entries:
            for entry in entries:
                every.append(entry.name)
                tick()
        names = SidecarNames(every)
        listing = _Listing(
            names,
            state,
            begun,
            time.monotonic() - begun,
            abs(now - state[0] / 1e9) > SAME_TIME_SECONDS,
        )
        with self._lock:
            self._known[directory] = listing
            self._known.move_to_end(directory)
            while len(self._known) > DIRECTORIES:
                self._known.popitem(last=False)
        return listing
