"""The last answer shown on this terminal, which `photosd open 2` and `photosd more` refer to.

One private file per terminal, in the runtime directory: the device and the session's leader name
it, so another window, and a later login on the same device, have their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from photosd.core.errors import BadRequest, NotFound
from photosd.core.socketpath import ANSWERS, runtime_directory
from photosd_cli import paths
from photosd_cli.shown_hits import shown_hits

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit, QueryResult

KEPT_SECONDS = 86_400
KEPT_FILES = 16  # the newest; the others are deleted
KEPT_HITS = 1000
NUMBERS = re.compile(r"(\d{1,20})(?:-(\d{1,20}))?", re.ASCII)  # Python reads 4300 digits


def keep(
    result: QueryResult, options: Mapping[str, Any], earlier: Mapping[str, Any] | None = None
) -> bool:
    """Keep an answer and the options it was shown with; whether this terminal can refer to it.

    ``earlier``: the kept answer before this page. Nothing is kept without a terminal, or without
    photosd's runtime directory.
    """
    terminal = terminal_name()
    directory = None if terminal is None else _directory()
    if directory is None:
        return False
    answer = {"at": time.time(), "options": options, **_merged(earlier, result)}
    draft = directory / f".{terminal}-{os.getpid()}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="utf-8") as stream:
            stream.write(json.dumps(answer))
        draft.replace(directory / f"{terminal}.json")
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            draft.unlink()
        return False
    _delete_old(directory)
    return True


def load() -> dict[str, Any]:
    """The last answer as it was kept; raises NotFound if there is none, or it is a day old."""
    if (terminal := terminal_name()) is None:
        raise NotFound(
            "answers are kept for a terminal, and this command has none",
            remedy="name a photo by its path; for more photos: photosd query --cursor CURSOR",
        )
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        directory = _directory(create=False)
        if directory is not None:
            descriptor = os.open(directory / f"{terminal}.json", os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, encoding="utf-8") as stream:
                answer: dict[str, Any] = json.load(stream)
            if (
                0 <= time.time() - answer["at"] < KEPT_SECONDS
                and answer["result"]["hits"] is not None
            ):
                return answer
    raise NotFound(
        "no answer of this terminal is kept: there was no query in the last day, or photosd has"
        " stopped since",
        remedy='photosd query "sunset"   (then: photosd open 1)',
    )


def _merged(earlier: Mapping[str, Any] | None, later: QueryResult) -> dict[str, Any]:
    """The later page with the hits of the earlier ones before its own; ``before``: the number
    before that of its first shown hit.
    """
    if earlier is None:
        return {"result": later, "before": next_number(later, None) - 1}
    hits = [*earlier["result"]["hits"], *later["hits"]]
    gone = _shown({**earlier, "result": {**later, "hits": hits[:-KEPT_HITS]}})
    before = earlier.get("before", 0) + len(gone)
    return {"result": {**later, "hits": hits[-KEPT_HITS:]}, "before": before}


def numbered(kept: Mapping[str, Any]) -> dict[int, Hit]:
    """The hits of a kept answer that were shown, by their numbers, which have no gaps."""
    return dict(enumerate(_shown(kept), 1 + kept.get("before", 0)))


def next_number(result: QueryResult, earlier: Mapping[str, Any] | None) -> int:
    """The number of the first hit of this answer; ``earlier``: the kept pages before it."""
    if earlier is None:
        return result["hits"][0]["rank"] if result["hits"] else 1
    return max(numbered(earlier), default=earlier.get("before", 0)) + 1


def _shown(kept: Mapping[str, Any]) -> list[Hit]:
    return shown_hits(kept["result"], weak=bool(kept["options"]["weak"]))


def chosen(targets: Sequence[str]) -> list[bytes]:
    """The paths of numbers (``2``), ranges (``5-7``) and paths, in their order, each once.

    Raises NotFound for a number that the last answer does not have. A file called ``2`` is ``./2``.
    """
    hits: dict[int, Hit] | None = None
    found: dict[bytes, None] = {}
    for target in targets:
        numbers = NUMBERS.fullmatch(target)
        if numbers is None:
            found[paths.absolute(target)] = None
            continue
        if hits is None:
            hits = _hits(target)
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if first > last:
            raise BadRequest(f"{target}: the range runs backwards", remedy=f"{last}-{first}")
        for number in (first, last):
            if number not in hits:
                raise _missing(number, hits)
        found |= {paths.raw(hits[n]): None for n in sorted(hits) if first <= n <= last}
    return list(found)


def one(target: str) -> bytes:
    """The path of one number or path."""
    files = chosen([target])
    if len(files) != 1:
        raise BadRequest(f"{target} names {len(files)} photos", remedy="give one number or path")
    return files[0]


def report(files: Sequence[bytes]) -> dict[str, Any]:
    """The paths for `--json`."""
    from photosd.protocol.client import path_params

    return {"paths": [path_params(file) for file in files]}


def _hits(target: str) -> dict[int, Hit]:
    try:
        return numbered(load())
    except NotFound as error:
        error.remedy += f"\nfor a file of this name: ./{target}"
        raise


def _missing(number: int, hits: Mapping[int, Hit]) -> NotFound:
    known = f"its numbers are {min(hits)} to {max(hits)}" if hits else "it shows no photos"
    return NotFound(
        f"the last answer has no photo {number}: {known}",
        remedy=f"photosd last shows it again; for a file of this name: ./{number}",
    )


# -- where it is kept -----------------------------------------------------------------------------


def _directory(*, create: bool = True) -> Path | None:
    """The directory of answers, if only this user can access it and its parent."""
    parent = runtime_directory()
    directory = parent / ANSWERS
    try:
        if not _ours(parent):
            return None
        if create:
            with contextlib.suppress(FileExistsError):
                directory.mkdir(mode=0o700)
        return directory if _ours(directory) else None
    except OSError:
        return None


def _ours(directory: Path) -> bool:
    status = directory.lstat()
    private = not stat.S_IMODE(status.st_mode) & 0o077
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and private


def terminal_name() -> str | None:
    """The name of this terminal's file; None if no standard stream is a terminal."""
    for stream in (2, 1, 0):
        try:
            if os.isatty(stream):
                session = os.getsid(0)
                return f"{os.fstat(stream).st_rdev}-{session}-{_started(session)}"
        except OSError:
            continue
    return None


def _started(process: int) -> str:
    """When the process started, as its system counts; 0 if unknown."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, IndexError):
            # The name in parentheses may contain blanks: field 22 is the 20th after it.
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
        return "0"
    import psutil

    try:
        return f"{psutil.Process(process).create_time():.0f}"
    except psutil.Error:
        return "0"


def _delete_old(directory: Path) -> None:
    """Delete answers older than a day, and all but the newest."""
    with contextlib.suppress(OSError):
        ages = sorted((file.lstat().st_mtime, file) for file in directory.iterdir())
        for number, (at, file) in enumerate(reversed(ages)):
            if number >= KEPT_FILES or at < time.time() - KEPT_SECONDS:
                with contextlib.suppress(OSError):
                    file.unlink()
