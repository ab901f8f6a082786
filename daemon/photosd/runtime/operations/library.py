"""Operations on watched folders, and on indexed and pending photos."""

from __future__ import annotations

import stat
import time

from photosd.core.errors import NotFound
from photosd.core.log import printable
from photosd.index.folders import Folder
from photosd.protocol import messages as m
from photosd.protocol.paths import path_fields, path_from
from photosd.protocol.server import Emit
from photosd.runtime.operations.base import Topic
from photosd.watch.devices import Devices, NotAnswering

LIST_CHUNK = 500
PROGRESS_SECONDS = 0.2


class LibraryOperations(Topic):
    """Manage watched folders; compare, read again, list and explain photos."""

    def add(self, params: m.AddParams, _emit: Emit) -> m.AddResult:
        library = self._library()
        path = path_from(params.path, params.path_b64)
        known = library.folders.real(path)
        if params.cloud is not None and library.folders.at(known) is not None:
            folder = library.folders.mark(known, params.cloud)
            if params.cloud:
                library.gemini.wake()
            else:
                library.gemini.cut()
            return _added(folder)
        folder = library.folders.add(path, params.exclude, cloud=bool(params.cloud))
        library.watch(folder)
        library.reconciler.request()
        library.pool.warm()
        return _added(folder)

    def remove(self, params: m.PathParams, _emit: Emit) -> m.RemoveResult:
        library = self._library()
        path = library.folders.real(path_from(params.path, params.path_b64))
        photos = library.folders.remove(path)
        library.watcher.remove(path)
        library.gemini.cut()  # a photo of it may be on its way
        library.retention.wake()
        return m.RemoveResult(photos=photos, **path_fields(path))

    def accept(self, params: m.PathParams, _emit: Emit) -> m.AcceptResult:
        library = self._library()
        path = library.folders.real(path_from(params.path, params.path_b64))
        photos = library.folders.accept(path)
        library.reconciler.request()
        return m.AcceptResult(photos=photos, **path_fields(path))

    def folders(self, _params: m.Nothing, _emit: Emit) -> m.FoldersResult:
        return m.FoldersResult(self._library().status.folder_reports())

    def rescan(self, params: m.RescanParams, emit: Emit) -> m.Progress:
        library = self._library()
        done = library.reconciler.request()
        if not params.wait:
            return library.status.progress()
        library.pipeline.wake()
        while not (done.wait(PROGRESS_SECONDS) and library.status.idle()):
            progress = library.status.progress()
            emit(progress)
            if progress.paused and done.is_set():  # it would wait for `resume`
                return progress
            if done.is_set():
                time.sleep(PROGRESS_SECONDS)
        return library.status.progress()

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
            why, remedy = _why_unknown(path, library.devices, watched=folder is not None)
            raise NotFound(f"{printable(path)} is not indexed: {why}", remedy=remedy)
        away = folder if folder is not None and not folder.present else None
        facts = library.contents.facts_of([photo.content]) if photo.content else {}
        return m.ShowResult(
            **path_fields(path),
            state=photo.state,
            reason=photo.reason or (away.reason if away else None),
            remedy=photo.remedy or (away.remedy if away else None),
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

    def purge(self, params: m.PurgeParams, _emit: Emit) -> m.PurgeResult:
        library = self._library()
        queries = library.traces.forget_queries() if params.queries else 0
        return m.PurgeResult(0 if params.queries else library.purge(), queries)

    def pause(self, params: m.PauseParams, _emit: Emit) -> m.PauseResult:
        until = float("inf") if params.seconds is None else time.time() + params.seconds
        self._library().pause(until)
        return m.PauseResult(True, None if params.seconds is None else until)

    def resume(self, _params: m.Nothing, _emit: Emit) -> m.PauseResult:
        self._library().pause(0.0)
        return m.PauseResult(False, None)


def _added(folder: Folder) -> m.AddResult:
    return m.AddResult(
        state=folder.state,
        reason=folder.reason,
        cloud=folder.cloud,
        **path_fields(folder.path),
    )


def _why_unknown(path: bytes, devices: Devices, *, watched: bool) -> tuple[str, str]:
    """Why a photo is not in the catalog, and the remedy; ``watched``: whether its folder is."""
    mode = 0
    try:
        mode = devices.ask(path, "name")[0]
    except (FileNotFoundError, NotADirectoryError):
        return "there is no such file", "check the name; photosd list"
    except NotAnswering:
        return "its disk or share does not answer", "photosd folders"
    except OSError:
        pass
    directory = printable(path if stat.S_ISDIR(mode) else path.rpartition(b"/")[0])
    if not watched:
        return "it is not in a watched folder", f"photosd add '{directory}'"
    if stat.S_ISDIR(mode):
        return "it is a folder", "name a photo; for folders: photosd folders"
    return "it is not a photo, is ignored, or was not seen yet", "photosd folders"
