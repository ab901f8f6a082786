"""Repairs a LanceDB table: rolls back to its latest readable version, or sets it aside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import structlog

from photosd.index.trouble import forget_old, lance_kind, place_aside, set_aside

log = structlog.get_logger()

NAMED_BACKWARDS = 1 << 63  # manifests are named by 2^64 - 1 - version; by old ones, by the version


def mend(table: Path, rows: Callable[[], int]) -> bool:
    """Roll back to the latest version of which ``rows`` reads every row; returns whether there is
    one.

    Newer files, or all if there is none, are set aside. Raises errors of ``rows`` that are not
    damage, and OSError; then nothing has changed.
    """
    kept = place_aside(table)
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
            forget_old(table)
            log.error(
                "index_went_back",
                title="The index was damaged; an older version of it is used",
                versions=len(moved),
                rows=found,
                kept_as=str(kept),
                remedy="nothing to do: missing vectors are re-created",
            )
            return True
        break  # the first version, when it was empty
    _put_back(moved, kept)
    kept = set_aside(table)
    log.error(
        "index_damaged",
        title="The index was damaged; it is rebuilt from your photos",
        kept_as=str(kept),
        remedy=f"nothing to do; you can delete {kept}",
    )
    return False


def _manifests(table: Path) -> list[Path]:
    """Manifests of all versions, newest first."""
    found = {}
    for manifest in (table / "_versions").glob("*.manifest"):
        with contextlib.suppress(ValueError):
            number = int(manifest.stem)
            found[number if number < NAMED_BACKWARDS else 2 * NAMED_BACKWARDS - number] = manifest
    return [found[version] for version in sorted(found, reverse=True)]


def _put_back(moved: list[Path], kept: Path) -> None:
    for manifest in moved:
        (kept / "_versions" / manifest.name).rename(manifest)
    for directory in (kept / "_versions", kept):
        with contextlib.suppress(FileNotFoundError):
            directory.rmdir()
