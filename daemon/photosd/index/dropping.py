"""Deletes tables of models, and rows of deleted photos in tables of models that are not in use."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from photosd.core.errors import StorageError
from photosd.index.flushed import CODES, KEEP_VERSIONS
from photosd.index.store_damage import lance_kind, rename_damaged
from photosd.index.table import errors_of_lance, force_rewrite, import_lancedb, quoted
from photosd.index.vectors import FLUSHED, PREFIX

log = structlog.get_logger()


def drop_tables(directory: Path, kept: Iterable[str]) -> int:
    """Delete the tables of all models except these fingerprints; returns how many."""
    names = {f"{PREFIX}{fingerprint}{end}" for fingerprint in kept for end in ("", FLUSHED)}
    doomed = [t for t in directory.glob(f"{PREFIX}*.lance") if t.stem not in names]
    for table in doomed:
        shutil.rmtree(table, ignore_errors=True)
    return len(doomed)


def drop_from_tables(directory: Path, contents: Sequence[str], opened: Iterable[str]) -> None:
    """Delete rows in tables of models not ``opened``; erase deleted ones. Raises StorageError once
    every table was tried.
    """
    names = {f"{PREFIX}{fingerprint}{end}" for fingerprint in opened for end in ("", FLUSHED)}
    failed: tuple[Path, Exception] | None = None
    for path in sorted(directory.glob(f"{PREFIX}*.lance")):
        if (name := path.name.removesuffix(".lance")) in names:
            continue
        try:
            with errors_of_lance():
                delete_rows(directory, path, contents)
        except Exception as error:
            if lance_kind(error, path) == "damage":  # it is unreadable, and must not block others
                kept = rename_damaged(path)
                log.error("table_damaged", table=name, cause=str(error)[:300], kept=kept)
                continue
            failed = failed or (path, error)
    if failed is not None:
        path, cause = failed
        raise StorageError(
            f"{path} cannot be written: {cause}",
            remedy=f"check free space and permissions of {directory}",
        ) from cause


def delete_rows(directory: Path, path: Path, contents: Sequence[str]) -> None:
    """Delete the rows of these contents in the table at ``path``, and erase deleted ones; raises
    LanceDB's errors.
    """
    table = import_lancedb().connect(directory).open_table(path.stem)
    for part in quoted(contents):
        if table.count_rows(f"content IN ({part})"):
            if (path / CODES).is_dir():  # they are re-created once it is opened
                shutil.rmtree(path / CODES)
            table.delete(f"content IN ({part})")
    if contents and not path.stem.endswith(FLUSHED):
        force_rewrite(table)
    table.optimize(cleanup_older_than=KEEP_VERSIONS)
