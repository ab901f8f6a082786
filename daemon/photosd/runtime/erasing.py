"""Deletes stored data: derived from deleted photos, or left by queries and views."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog

from photosd.core.errors import StorageError
from photosd.core.log import erase_log, expire_log
from photosd.core.paths import Home
from photosd.decode.thumbnails import ThumbnailStore
from photosd.gemini.gemini import Gemini
from photosd.index.database import Database
from photosd.index.dropping import drop_from_tables
from photosd.index.flushed import KEEP_VERSIONS
from photosd.index.store_damage import delete_damaged
from photosd.runtime.model_switch import ModelSwitcher

log = structlog.get_logger()

KEPT_SECONDS = 30 * 86_400.0  # of contact sheets, and of unused thumbnails
ANSWER_SECONDS = 86_400.0  # of the last answers of terminals
LISTS = ("folders.json", "standing.json")  # beside the settings: paths, and words of alerts
# Completed deliveries contain names of photos; those of deleted contents must be deleted.
ENDED_MATCHES = (
    "DELETE FROM matches WHERE state NOT IN ('waiting', 'started')"
    " AND NOT EXISTS (SELECT 1 FROM photos WHERE photos.content = matches.content)"
)


class Derived:
    """Vectors of every installed model, thumbnails, and Gemini's answers."""

    def __init__(
        self, index: Path, model_switcher: ModelSwitcher, thumbnails: ThumbnailStore, gemini: Gemini
    ) -> None:
        self._index, self._model_switcher = index, model_switcher
        self._thumbnails, self._gemini = thumbnails, gemini
        # Monotonic; when deleted data is no longer in use, maybe before this start.
        self._untidy_at: float | None = time.monotonic() + KEEP_VERSIONS.total_seconds()

    def contents(self) -> Iterable[str]:
        """Contents with thumbnails or cloud vectors; the catalog knows other vectors."""
        return self._thumbnails.contents() | self._gemini.contents()

    def drop(self, contents: Sequence[str]) -> None:
        """Delete the data of these. Raises StorageError after all stores were called; deletions are
        kept.
        """
        runtimes = self._model_switcher.runtimes()
        opened = [runtime.spec.fingerprint for runtime in runtimes]
        steps: list[Callable[[Sequence[str]], object]] = [
            self._thumbnails.drop,
            self._gemini.remove,
        ]
        steps += [runtime.store.remove for runtime in runtimes]
        steps.append(lambda gone: drop_from_tables(self._index, gone, opened))
        self._untidy_at = time.monotonic() + KEEP_VERSIONS.total_seconds()
        _run_all([functools.partial(step, contents) for step in steps])

    def compact(self) -> None:
        """Erase deleted data from disk."""
        for runtime in self._model_switcher.runtimes():
            runtime.store.compact()

    def tidy(self) -> None:
        """Erase rows deleted earlier from tables of inactive models. Raises StorageError."""
        due = self._untidy_at
        if due is not None and time.monotonic() > due:
            opened = [runtime.spec.fingerprint for runtime in self._model_switcher.runtimes()]
            _run_all([lambda: drop_from_tables(self._index, [], opened), self._gemini.tidy])
            if self._untidy_at == due:  # nothing was deleted meanwhile
                self._untidy_at = None


class Traces:
    """Cached queries, last answers, contact sheets, thumbnails, logs, and data from Gemini."""

    def __init__(
        self,
        home: Home,
        database: Database,
        model_switcher: ModelSwitcher,
        thumbnails: ThumbnailStore,
        gemini: Gemini,
        remembers: Callable[[], bool],
    ) -> None:
        """``remembers``: whether the settings allow caching queries."""
        self._home, self._database, self._model_switcher = home, database, model_switcher
        self._thumbnails, self._gemini, self._remembers = thumbnails, gemini, remembers

    def expire(self) -> None:
        """Delete expired data, and finish interrupted erasing; raises StorageError."""
        before = time.time() - KEPT_SECONDS
        _run_all(
            [
                lambda: self._thumbnails.expire(before),
                lambda: _drop_files(self._home.sheets, before),
                lambda: _drop_files(self._home.answers, time.time() - ANSWER_SECONDS),
                self._gemini.expire_log,
                lambda: expire_log(before),
                self._forget_unwanted,
                self._database.erase_due,
            ]
        )

    def _forget_unwanted(self) -> None:
        """Delete cached queries if the settings allow none."""
        if not self._remembers():
            self._gemini.forget_answers()
            _drop_files(self._home.answers, float("inf"))
            if self._count_queries():
                self.forget_queries()

    def forget_queries(self) -> int:
        """Delete all cached queries; returns how many. Raises StorageError."""
        number = self._count_queries()
        for runtime in self._model_switcher.runtimes():
            runtime.engine.forget_queries()
        self._gemini.forget_answers()
        _drop_files(self._home.answers, float("inf"))
        self._drop_damaged_catalogs()
        self._database.erase()
        return number

    def forget_cloud(self) -> int:
        """Disable the cloud and delete all its data, and the log.

        Returns the number of vectors of photos. Raises StorageError.
        """
        number = 0
        trouble: StorageError | None = None
        try:
            number = self._gemini.forget()
        except StorageError as error:  # the rest is still deleted
            trouble = error
        for runtime in self._model_switcher.runtimes():
            runtime.engine.forget_queries(cloud_only=True)
        self._drop_damaged_catalogs()
        self._database.erase()
        erase_log()
        log.info("cloud_forgotten", vectors=number)
        if trouble is not None:
            raise trouble
        return number

    def purge(self) -> None:
        """Erase what the catalog has just deleted, and everything that can be re-created or shows
        queries: thumbnails, contact sheets, logs, damaged stores. Raises StorageError.
        """
        _run_all(
            [
                lambda: self._thumbnails.expire(float("inf")),
                lambda: _drop_files(self._home.sheets, float("inf")),
                lambda: _drop_files(self._home.answers, float("inf")),
                self._forget_ended_matches,
                self._drop_damaged_catalogs,
                lambda: delete_damaged(self._home.index),
                lambda: delete_damaged(self._home.cloud),
                *(functools.partial(delete_damaged, self._home.config, name) for name in LISTS),
                self._database.erase,
                erase_log,
            ]
        )

    def _forget_ended_matches(self) -> None:
        with self._database.write(quiet=True) as db:
            db.execute(ENDED_MATCHES)

    def _count_queries(self) -> int:
        with self._database.write(quiet=True) as db:  # after queries that are being saved
            return int(db.execute("SELECT count(*) FROM remembered_queries").fetchone()[0])

    def _drop_damaged_catalogs(self) -> None:
        """Damaged catalogs that were kept contain the same data."""
        file = self._database.file
        delete_damaged(file.parent, file.name)


def _run_all(steps: Iterable[Callable[[], object]]) -> None:
    """Run each step, whatever others raise; then raise the first error of any."""
    failed: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _drop_files(directory: Path, before: float) -> None:
    """Delete the files written before this time (Unix seconds)."""
    with contextlib.suppress(OSError):
        for file in list(directory.iterdir()):
            with contextlib.suppress(OSError):
                if (made_at := file.stat().st_mtime) < before:
                    file.unlink()
                elif made_at > time.time():  # the clock was ahead: its age starts now
                    os.utime(file)
