"""Classifies errors of a store; repairs a table, or renames damaged files.

A store that cannot be accessed (*refusal*), or lacks a resource (*shortage*), is not changed, and
retried. Only *damage*, when all files can be read and their content is invalid, allows changes.
Renamed ones stay until the user, two newer ones, or `photosd purge` delete them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import structlog

from photosd.core.atomic_write import replace_file
from photosd.core.errors import StorageError
from photosd.core.shortage import shortage_of

log = structlog.get_logger()

Kind = Literal["refusal", "shortage", "damage"]

GENERATIONS = 2  # sets of damaged files; older ones are deleted
DAMAGED = ".damaged-"
OF_LANCE = (RuntimeError, ValueError, OSError)  # its errors, also for damage
OF_PYTHON = (NotImplementedError, RecursionError)  # RuntimeErrors that are not of Lance
SIDES = ("-wal", "-shm")  # of SQLite: without them its file is invalid
SQLITE_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
BY_THE_SYSTEM = re.compile(r"\(os error (\d+)\)")  # Rust's format of errno, used by Lance
NEWER = re.compile(r"cannot be read by this version|upgrade lance|newer version", re.I)


class Malformed(sqlite3.DatabaseError):
    """A check found that a database is invalid."""


def sqlite_kind(error: BaseException) -> Kind:
    """The kind of an error on opening a database; by its code, not its message."""
    if isinstance(error, Malformed):
        return "damage"
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in SQLITE_DAMAGE:
        return "damage"
    return "shortage" if shortage_of(error) else "refusal"


def lance_kind(error: BaseException, table: Path) -> Kind:
    """The kind of an error on opening the directory of a table.

    Lance's messages differ for each kind of damage; so it is damage if the system refuses nothing,
    and every byte of every file can be read.
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
    """An error for users: nothing was changed, and the remedy."""
    remedy = f"free disk space or memory; {directory} was not changed and is retried"
    if kind == "refusal":
        remedy = f"check the permissions of {directory} and its disk; nothing in it was changed"
    return StorageError(f"{what} cannot be opened: {str(error)[:300]}", remedy=remedy)


def rename_damaged(path: Path) -> Path:
    """Rename a damaged file or directory to keep it; returns the new path. Raises OSError."""
    kept = free_damaged_name(path)
    for side in SIDES:  # first: a new file must not use the log of the old one
        if (beside := path.with_name(path.name + side)).exists():
            beside.rename(kept.with_name(kept.name + side))
    path.rename(kept)
    delete_older_copies(path)
    return kept


def free_damaged_name(path: Path) -> Path:
    """A free name beside ``path``, with the time in it."""
    stamp = int(time.time())
    while (place := path.with_name(f"{path.name}{DAMAGED}{stamp}")).exists():
        stamp += 1
    return place


def damaged_copies(path: Path) -> list[Path]:
    """Damaged files kept of this file or directory, oldest first."""
    found = path.parent.glob(f"{path.name}{DAMAGED}*")
    return sorted(one for one in found if not one.name.endswith(SIDES))


def delete_older_copies(path: Path) -> None:
    """Delete all damaged files kept of it but the latest."""
    for old in damaged_copies(path)[:-GENERATIONS]:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
            continue
        for file in (old, *(old.with_name(old.name + side) for side in SIDES)):
            file.unlink(missing_ok=True)


def delete_damaged(directory: Path, name: str = "") -> None:
    """Delete damaged files kept there, of everything or of ``name``; raises StorageError."""
    try:
        for old in list(directory.glob(f"{name or '*'}{DAMAGED}*")):
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot delete damaged files that were renamed: {error}",
            remedy=f"delete *{DAMAGED}* in {directory}",
        ) from error


def kept_list(file: Path) -> list[dict[str, Any]]:
    """The entries of a small JSON file that survives the catalog; empty without a file.

    An invalid one is renamed. Raises StorageError if it cannot be read now: continuing would soon
    overwrite it.
    """
    try:
        found = json.loads(file.read_bytes())
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ValueError("it is not a list of objects")
    except FileNotFoundError:
        return []
    except OSError as error:
        kind: Kind = "shortage" if shortage_of(error) else "refusal"
        raise storage_error(str(file), error, kind, file.parent) from error
    except (ValueError, RecursionError) as error:
        kept = rename_damaged(file)
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
    """Write the file for `kept_list`, through links; raises StorageError."""
    try:
        target = file.resolve()
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(target, json.dumps(entries, indent=1, ensure_ascii=False).encode())
    except (OSError, RuntimeError) as error:  # RuntimeError: circular links
        why = getattr(error, "strerror", None) or str(error)
        raise StorageError(
            f"{file} cannot be written: {why}",
            remedy=f"make {file} and its directory writable, or free space on its disk; try again",
        ) from error


def repair_table(table: Path, rows: Callable[[], int]) -> bool:
    """Roll back to the latest version of which ``rows`` reads every row; returns whether there is
    one.

    Newer files, or all if there is none, are renamed. Raises errors of ``rows`` that are not
    damage, and OSError; then nothing has changed.
    """
    kept = free_damaged_name(table)
    moved: list[Path] = []
    for manifest in _manifests(table)[:-1]:
        (kept / "_versions").mkdir(parents=True, exist_ok=True)
        manifest.rename(kept / "_versions" / manifest.name)
        moved.append(manifest)
        try:
            found = rows()
        except Exception as error:
            if lance_kind(error, table) != "damage":
                _put_back(moved, kept)
                raise
            continue
        if found:
            delete_older_copies(table)
            log.error(
                "index_rolled_back",
                title="The index was damaged; an older version of it is used",
                versions=len(moved),
                rows=found,
                kept_as=str(kept),
                remedy="no action needed: missing vectors are re-created",
            )
            return True
        break  # the first version, when it was empty
    _put_back(moved, kept)
    kept = rename_damaged(table)
    log.error(
        "index_damaged",
        title="The index was damaged; it is rebuilt from your photos",
        kept_as=str(kept),
        remedy=f"no action needed; you can delete {kept}",
    )
    return False


def _manifests(table: Path) -> list[Path]:
    """Manifests of all versions, newest first: each is named by 2^64 - 1 - version."""
    found = (table / "_versions").glob("*.manifest")
    return sorted((one for one in found if one.stem.isdecimal()), key=lambda one: int(one.stem))


def _put_back(moved: list[Path], kept: Path) -> None:
    for manifest in moved:
        (kept / "_versions" / manifest.name).rename(manifest)
    for directory in (kept / "_versions", kept):
        with contextlib.suppress(FileNotFoundError):
            directory.rmdir()
