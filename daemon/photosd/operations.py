"""What each operation of the protocol does."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgspec

import photosd
from photosd.core import config
from photosd.core.clock import Deadline
from photosd.core.errors import NotFound
from photosd.core.log import printable
from photosd.ipc import messages as m
from photosd.ipc.paths import path_fields, path_from
from photosd.ipc.server import Emit, Handler
from photosd.library import Library
from photosd.models import shelf
from photosd.selfcheck import self_check

if TYPE_CHECKING:
    from photosd.app import Daemon

LIST_CHUNK = 500
PROGRESS_SECONDS = 0.2


class Operations:
    """One method an operation; ``params`` and results are the types of ipc.messages.

    Methods run in request threads. Those that need the library wait for it, bounded.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    def handlers(self) -> dict[str, Handler]:
        """Every operation of the protocol by name."""
        return {name: getattr(self, name) for name in m.OPERATIONS}

    def hello(self, _params: m.Nothing, _emit: Emit) -> m.Hello:
        return m.Hello(
            version=photosd.__version__,
            protocol=m.PROTOCOL,
            pid=os.getpid(),
            home=str(self._daemon.home.state.parent),
            capabilities=sorted(m.OPERATIONS),
        )

    def query(self, params: m.QueryParams, _emit: Emit) -> m.QueryResult:
        deadline = Deadline.after(params.deadline_ms / 1000)
        library = self._library(deadline.remaining - 0.1)
        left = max(1, int(deadline.remaining * 1000))
        limit = params.limit or self._daemon.settings.search.limit
        params = msgspec.structs.replace(params, limit=limit, deadline_ms=left)
        return library.engine.query(params)

    def status(self, _params: m.Nothing, _emit: Emit) -> m.StatusResult:
        return self._daemon.report()

    def add(self, params: m.AddParams, _emit: Emit) -> m.AddResult:
        library = self._library()
        folder = library.folders.add(path_from(params.path, params.path_b64), params.exclude)
        library.watch(folder)
        library.reconciler.request()
        return m.AddResult(printable(folder.path), folder.state, folder.reason)

    def remove(self, params: m.PathParams, _emit: Emit) -> m.RemoveResult:
        library = self._library()
        path = library.folders.real(path_from(params.path, params.path_b64))
        photos = library.folders.remove(path)
        library.watcher.remove(path)
        return m.RemoveResult(printable(path), photos)

    def folders(self, _params: m.Nothing, _emit: Emit) -> m.FoldersResult:
        return m.FoldersResult(self._library().folder_reports())

    def rescan(self, params: m.RescanParams, emit: Emit) -> m.Progress:
        library = self._library()
        done = library.reconciler.request()
        if not params.wait:
            return library.progress()
        library.pipeline.wake()
        while not (done.wait(PROGRESS_SECONDS) and library.settled()):
            emit(library.progress())
            if done.is_set():
                time.sleep(PROGRESS_SECONDS)
        return library.progress()

    def reindex(self, params: m.ReindexParams, _emit: Emit) -> m.ReindexResult:
        library = self._library()
        everything = params.path is None and params.path_b64 is None
        below = None
        if not everything:
            below = library.folders.real(path_from(params.path, params.path_b64))
        marked = library.catalog.read_again(below)
        if not marked and below is not None:
            raise NotFound(f"no photo is known at {printable(below)}", remedy="photosd list")
        library.pipeline.wake()
        return m.ReindexResult(marked)

    def list(self, params: m.ListParams, emit: Emit) -> m.ListResult:
        chunk: list[m.ListedPath] = []
        count = 0
        for photo in self._library().catalog.in_state(params.state):
            chunk.append(m.ListedPath(state=photo.state, **path_fields(photo.path)))
            count += 1
            if len(chunk) == LIST_CHUNK:
                emit(m.ListProgress(chunk))
                chunk = []
        if chunk:
            emit(m.ListProgress(chunk))
        return m.ListResult(count)

    def show(self, params: m.PathParams, _emit: Emit) -> m.ShowResult:
        library = self._library()
        path = library.folders.real(path_from(params.path, params.path_b64))
        photo = library.catalog.get(path)
        folder = library.folders.containing(path)
        if photo is None:
            raise NotFound(
                f"{printable(path)} is not indexed: " + _why_unknown(path, folder is not None),
                remedy="photosd folders" if folder else "photosd add DIR",
            )
        facts = library.contents.facts_of([photo.content]) if photo.content else {}
        return m.ShowResult(
            path=printable(path),
            state=photo.state,
            reason=photo.reason,
            remedy=photo.remedy,
            folder=printable(folder.path) if folder else None,
            content_id=photo.content,
            size=photo.size,
            modified_at=photo.mtime_ns / 1e9,
            attempts=photo.attempts,
            facts=facts.get(photo.content or "", {}),
        )

    def failures(self, params: m.FailuresParams, _emit: Emit) -> m.FailuresResult:
        library = self._library()
        failures = [
            m.Failure(
                reason=photo.reason or "",
                remedy=photo.remedy or "",
                attempts=photo.attempts,
                quarantined=photo.deaths > 0,
                retry_at=photo.due,
                stack=photo.stack,
                **path_fields(photo.path),
            )
            for photo in library.catalog.in_state("failed")
        ]
        retried = library.worklist.retry_failures() if params.retry else 0
        library.pipeline.wake()
        return m.FailuresResult(failures, retried)

    def purge(self, _params: m.Nothing, _emit: Emit) -> m.PurgeResult:
        return m.PurgeResult(self._library().purge())

    def pause(self, params: m.PauseParams, _emit: Emit) -> m.PauseResult:
        until = float("inf") if params.seconds is None else time.time() + params.seconds
        self._library().pause(until)
        return m.PauseResult(True, None if params.seconds is None else until)

    def resume(self, _params: m.Nothing, _emit: Emit) -> m.PauseResult:
        self._library().pause(0.0)
        return m.PauseResult(False, None)

    def config(self, _params: m.Nothing, _emit: Emit) -> m.ConfigResult:
        return m.ConfigResult(
            [msgspec.to_builtins(setting) for setting in config.describe(self._daemon.settings)]
        )

    def config_set(self, params: m.ConfigSetParams, _emit: Emit) -> m.ConfigSetResult:
        if params.name == "encoder.model":
            shelf.find(self._daemon.home, params.value)
        settings = config.change(self._daemon.home.settings, params.name, params.value)
        self._daemon.apply(settings)
        section, _, key = params.name.partition(".")
        return m.ConfigSetResult(params.name, getattr(getattr(settings, section), key))

    def model(self, params: m.ModelParams, _emit: Emit) -> m.ModelResult:
        return self._library().succession.result(params.estimate)

    def self_check(self, _params: m.Nothing, _emit: Emit) -> m.SelfCheckResult:
        return self_check(self._library().encoder, self._daemon.unwell())

    def stop(self, _params: m.Nothing, _emit: Emit) -> m.StopResult:
        self._daemon.request_stop("asked by a client")
        return m.StopResult(True)

    def _library(self, wait_seconds: float = 30.0) -> Library:
        return self._daemon.library(wait_seconds)


def _why_unknown(path: bytes, watched: bool) -> str:
    if not watched:
        return "it lies in no watched folder"
    if not os.path.lexists(path):
        return "there is no such file"
    return "it is not a photo, is ignored, or was not seen yet"
