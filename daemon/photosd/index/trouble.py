"""What an error of a store means, and how what is damaged is kept: set aside, and deleted by
people, by two newer ones, or with what it may hold (`photosd purge`).

A store that may not be read or written (*refusal*), or for which something has run out
(*shortage*), is left as it is and tried again. Only *damage*, when every file can be read and what
is in them makes no sense, lets somebody touch it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import structlog

from photosd.core.errors import StorageError
from photosd.core.shortage import shortage_of

log = structlog.get_logger()

Kind = Literal["refusal", "shortage", "damage"]

GENERATIONS = 2  # of what was set aside; older ones are deleted
DAMAGED = ".damaged-"
DRAFT = ".draft-"
OF_LANCE = (RuntimeError, ValueError, OSError)  # what it raises, for damage, too
OF_PYTHON = (NotImplementedError, RecursionError)  # of these
SIDES = ("-wal", "-shm")  # of SQLite: its file makes no sense without them
SQLITE_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
BY_THE_SYSTEM = re.compile(r"\(os error (\d+)\)")  # as Rust puts errno, for Lance
NEWER = re.compile(r"cannot be read by this version|upgrade lance|newer version", re.I)


class Malformed(sqlite3.DatabaseError):
    """A check has found that a database makes no sense."""


def sqlite_kind(error: BaseException) -> Kind:
    """What an error on opening a database means; by its code, never by its words."""
    if isinstance(error, Malformed):
        return "damage"
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in SQLITE_DAMAGE:
        return "damage"
    return "shortage" if shortage_of(error) else "refusal"


def lance_kind(error: BaseException, table: Path) -> Kind:
    """What an error on opening the directory of a table means.

    Lance's words differ for each kind of damage; so it is damage if it is nothing else: when the
    system refuses nothing, and gives every byte of every file.
    """
    if shortage_of(error):
        return "shortage"
    if not isinstance(error, OF_LANCE) or isinstance(error, OF_PYTHON):
        return "refusal"
    number = BY_THE_SYSTEM.search(str(error))
    code = int(number[1]) if number else getattr(error, "errno", None)
    if NEWER.search(str(error)) or code not in (None, errno.ENOENT):
        return "refusal"
    try:
        for directory, _, names in os.walk(table, onerror=_raise):
            for name in names:
                with (Path(directory) / name).open("rb") as file:
                    while file.read(1 << 20):
                        pass
    except FileNotFoundError:
        return "damage"
    except OSError as refused:
        return "shortage" if shortage_of(refused) else "refusal"
    return "damage"


def _raise(error: OSError) -> None:
    raise error


def storage_error(what: str, error: BaseException, kind: Kind, directory: Path) -> StorageError:
    """An error for people: nothing was touched, and what to do."""
    remedy = f"free some disk space or memory; {directory} was not touched and is tried again"
    if kind == "refusal":
        remedy = f"check the permissions of {directory} and its disk; nothing in it was touched"
    return StorageError(f"{what} cannot be opened: {str(error)[:300]}", remedy=remedy)


def set_aside(path: Path) -> Path:
    """Rename a damaged file or directory, and keep it; where to. Raises OSError."""
    kept = place_aside(path)
    for side in SIDES:  # first: a new file must never meet the log of the old one
        if (beside := path.with_name(path.name + side)).exists():
            beside.rename(kept.with_name(kept.name + side))
    path.rename(kept)
    forget_old(path)
    return kept


def place_aside(path: Path) -> Path:
    """A name beside ``path`` that is free, with the time in it."""
    stamp = int(time.time())
    while (place := path.with_name(f"{path.name}{DAMAGED}{stamp}")).exists():
        stamp += 1
    return place


def set_aside_of(path: Path) -> list[Path]:
    """What was set aside of this file or directory, oldest first."""
    found = path.parent.glob(f"{path.name}{DAMAGED}*")
    return sorted(one for one in found if not one.name.endswith(SIDES))


def forget_old(path: Path) -> None:
    """Keep the latest generations of what was set aside of it."""
    for old in set_aside_of(path)[:-GENERATIONS]:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
            continue
        for file in (old, *(old.with_name(old.name + side) for side in SIDES)):
            file.unlink(missing_ok=True)


def drop_set_aside(directory: Path, name: str = "") -> None:
    """Delete what was set aside in there, of everything or of ``name``; raises StorageError."""
    try:
        for old in list(directory.glob(f"{name or '*'}{DAMAGED}*")):
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"what was set aside as damaged cannot be deleted: {error}",
            remedy=f"delete *{DAMAGED}* in {directory} yourself",
        ) from error


def kept_list(file: Path) -> list[dict[str, Any]]:
    """The entries of a small JSON file that outlives the catalog; none where there is no file.

    One that makes no sense is set aside. Raises StorageError when it cannot be read now: whoever
    went on without it would soon overwrite it.
    """
    try:
        found = json.loads(file.read_bytes())
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ValueError("it is no list of objects")
    except FileNotFoundError:
        return []
    except OSError as error:
        kind: Kind = "shortage" if shortage_of(error) else "refusal"
        raise storage_error(str(file), error, kind, file.parent) from error
    except (ValueError, RecursionError) as error:
        kept = set_aside(file)
        log.error(
            "list_damaged",
            file=str(file),
            cause=str(error),
            kept_as=str(kept),
            remedy=f"see {kept}",
        )
        return []
    return found


def keep_list(file: Path, entries: list[dict[str, Any]]) -> None:
    """Write what `kept_list` reads, whole or not at all, through links; raises StorageError.

    Where a link leads there may be files of the user's: the draft takes no name of theirs.
    """
    try:
        target = file.resolve()
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        prefix = f".{target.name}{DRAFT}"
        for left in target.parent.glob(f"{prefix}*"):  # by a daemon that was killed
            left.unlink(missing_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=prefix, dir=target.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(entries, stream, indent=1, ensure_ascii=False)
                stream.flush()
                os.fsync(stream.fileno())
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        why = getattr(error, "strerror", None) or str(error)
        raise StorageError(
            f"{file} cannot be written: {why}",
            remedy=f"make {file} and its directory writable, or free space on its disk; try again",
        ) from error
