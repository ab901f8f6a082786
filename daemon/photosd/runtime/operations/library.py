"""Operations on watched folders, and on indexed and pending photos."""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Iterator, Mapping
from typing import Any

from photosd.core.errors import NotFound, quoted
from photosd.core.formats import OTHERS, is_photo_name, suffix_of
from photosd.core.log import printable
from photosd.core.pair_names import videos_of
from photosd.core.sidecar_names import is_sidecar_name
from photosd.index.contents import Holding
from photosd.index.folders import Folder
from photosd.index.ignoring import UNKNOWN, usually_ignored, why_ignored
from photosd.index.moments import moment_of
from photosd.index.photo import Photo
from photosd.protocol import replies, requests
from photosd.protocol.paths import path_b64, path_fields, path_from, path_text
from photosd.protocol.server import Emit
from photosd.runtime.library import Library
from photosd.runtime.operations.base import Topic
from photosd.search.paging import place_report
from photosd.watch.filesystem import NotAnswering
from photosd.watch.filesystems import Filesystems
from photosd.watch.sidecar_stamps import files_of

LIST_CHUNK = 500
PROGRESS_SECONDS = 0.2
# Facts that photosd 0.1 stored as null.
EXPECTED_FACTS = ("taken_at", "camera", "lens", "latitude", "longitude", "rating")


class LibraryOperations(Topic):
    """Manage watched folders; compare, read again, list and explain photos."""

    def add(self, params: requests.AddParams) -> replies.AddResult:
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
        added = _added(folder)
        if added["reason"] is None:
            added["reason"] = usually_ignored(library.filesystems, folder.path, folder.off)
        return added

    def remove(self, params: requests.PathParams) -> replies.RemoveResult:
        library = self._library()
        path = self._path(params)
        photos = library.folders.remove(path)
        library.watcher.remove(path)
        library.gemini.cut()  # a photo of it may be on its way
        library.retention.wake()
        return {"path": path_text(path), "path_b64": path_b64(path), "photos": photos}

    def accept(self, params: requests.PathParams) -> replies.AcceptResult:
        library = self._library()
        path = self._path(params)
        photos = library.folders.accept(path)
        library.reconciler.request()
        return {"path": path_text(path), "path_b64": path_b64(path), "photos": photos}

    def folders(self, _params: requests.Nothing) -> replies.FoldersResult:
        return {"folders": self._library().status.folder_reports()}

    def rescan(self, params: requests.RescanParams, emit: Emit) -> replies.Progress:
        library = self._library()
        done = library.reconciler.request()
        if not params.wait:
            return library.status.progress()
        library.pipeline.wake()
        while not (done.wait(PROGRESS_SECONDS) and library.status.idle()):
            progress = library.status.progress()
            emit(progress)
            if progress["paused"] and done.is_set():  # it would wait for `resume`
                return progress
            if done.is_set():
                time.sleep(PROGRESS_SECONDS)
        return library.status.progress()

    def reindex(self, params: requests.ReindexParams) -> replies.ReindexResult:
        library = self._library()
        everything = params.path is None and params.path_b64 is None
        below = None
        if not everything:
            below = self._path(params)
        marked = library.catalog.read_again(below)
        if not marked and below is not None:
            raise NotFound(f"no photo is known at {printable(below)}", remedy="photosd list")
        library.pipeline.wake()
        return {"marked": marked}

    def list(self, params: requests.ListParams, emit: Emit) -> replies.ListResult:
        chunk: list[replies.ListedPath] = []
        count = 0
        for photo in self._library().catalog.in_state(params.state):
            chunk.append({**path_fields(photo.path), "state": photo.state})
            count += 1
            if len(chunk) == LIST_CHUNK:
                emit({"paths": chunk})
                chunk = []
        if chunk:
            emit({"paths": chunk})
        return {"count": count}

    def show(self, params: requests.ShowParams) -> replies.ShowResult:
        library = self._library()
        path = self._file_of(params.content_id) if params.content_id else self._path(params)
        photo = library.catalog.get(path)
        folder = library.folders.containing(path)
        if photo is None:
            raise _unknown(library, path, folder)
        away = folder if folder is not None and not folder.present else None
        ignored = None
        if photo.state == "gone" and folder is not None:
            ignored = _why_gone(path, library.filesystems, folder)
        result: replies.ShowResult = {
            "path": path_text(path),
            "path_b64": path_b64(path),
            "state": photo.state,
            "reason": photo.reason or (ignored[0] if ignored else away.reason if away else None),
            "remedy": photo.remedy or (ignored[1] if ignored else away.remedy if away else None),
            "folder": printable(folder.path) if folder else None,
            "content_id": photo.content,
            "size": photo.size,
            "modified_at": photo.mtime_ns / 1e9,
            "attempts": photo.attempts,
            "facts": _described(library.contents.holding([photo.content or ""]), photo),
        }
        if photo.content and (place := library.contents.places_of([photo.content])):
            result["place"] = place_report(place[photo.content])
        if photo.content and (source := library.contents.source(photo.content)):
            result["vector_from"] = source
        if photo.content:
            same = library.catalog.paths_of([photo.content]).get(photo.content, ())
            if others := [path_fields(other) for other, _ in same if other != photo.path]:
                result["copies"] = others
        if photo.sidecar:
            result["sidecars"] = [path_fields(one) for one in files_of(path, photo.sidecar)]
        if pair := [*library.catalog.partners(path), *_videos(library, photo)]:
            result["pair"] = [path_fields(one) for one, _ in pair]
        return result

    def failures(self, params: requests.FailuresParams) -> replies.FailuresResult:
        library = self._library()
        failures = [_failure(photo) for photo in library.catalog.in_state("failed")]
        retried = library.worklist.retry_failures() if params.retry else 0
        library.pipeline.wake()
        metadata: list[replies.UnreadableMetadata] = [
            {**path_fields(path), "unreadable": kinds}
            for path, kinds in library.contents.unreadable()
        ]
        return {"failures": failures, "retried": retried, "metadata": metadata}

    def purge(self, params: requests.PurgeParams) -> replies.PurgeResult:
        library = self._library()
        queries = library.traces.forget_queries() if params.queries else 0
        return {"removed": 0 if params.queries else library.purge(), "queries": queries}

    def pause(self, params: requests.PauseParams) -> replies.PauseResult:
        until = float("inf") if params.seconds is None else time.time() + params.seconds
        self._library().pause(until)
        return {"paused": True, "paused_until": None if params.seconds is None else until}

    def resume(self, _params: requests.Nothing) -> replies.PauseResult:
        self._library().pause(0.0)
        return {"paused": False, "paused_until": None}


def _videos(library: Library, photo: Photo) -> Iterator[tuple[bytes, str]]:
    """The video beside a photo, if there is one; without a content."""
    with contextlib.suppress(OSError):  # its disk does not answer
        for path in videos_of(photo.path):
            if photo.state != "gone" and library.filesystems.ask(path, "exists"):
                yield path, ""
                return


def _unknown(library: Library, path: bytes, folder: Folder | None) -> NotFound:
    """The error for a file that is not in the catalog."""
    if OTHERS.get(suffix_of(path)) == "a video" and (photo := library.catalog.of_video(path)):
        return NotFound(
            f"{printable(path)} is not indexed: it is the video of {printable(photo)}",
            remedy="show that photo",
        )
    why, remedy = _why_unknown(path, library.filesystems, folder)
    return NotFound(f"{printable(path)} is not indexed: {why}", remedy=remedy)


def _described(held: Mapping[str, Holding], photo: Photo) -> dict[str, Any]:
    """Facts with those that older clients expect, even if unknown; empty if it is not indexed."""
    known = held.get(photo.content or "")
    if known is None or not known.facts:
        return {}
    moment = moment_of(known.facts, known.paths, known.modified)
    told = {} if moment is None else moment.facts()
    return {**dict.fromkeys(EXPECTED_FACTS), "orientation": 1, **known.facts, **told}


def _added(folder: Folder) -> replies.AddResult:
    return {
        "path": path_text(folder.path),
        "path_b64": path_b64(folder.path),
        "state": folder.state,
        "reason": folder.reason,
        "cloud": folder.cloud,
    }


def _failure(photo: Photo) -> replies.Failure:
    failure: replies.Failure = {
        "path": path_text(photo.path),
        "reason": photo.reason or "",
        "remedy": photo.remedy or "",
        "attempts": photo.attempts,
    }
    if (encoded := path_b64(photo.path)) is not None:
        failure["path_b64"] = encoded
    if photo.deaths > 0:
        failure["quarantined"] = True
    if photo.due is not None:
        failure["retry_at"] = photo.due
    if photo.stack is not None:
        failure["stack"] = photo.stack
    return failure


NO_PHOTO = {
    True: ("it is a sidecar", "show the photo that it describes"),
    False: ("its suffix is not one of photos", "rename it, or convert it to JPEG"),
}
NEW = ("it is new", "photosd index --wait")
GONE = (
    "it was moved or deleted",
    "no action needed; photosd forgets it after 30 days, or now: photosd purge",
)
LEADS_NOWHERE = (
    "it is not a file, or a link that leads nowhere",
    "restore the file that it leads to (git-annex: git annex get)",
)


def _why_gone(path: bytes, filesystems: Filesystems, folder: Folder) -> tuple[str, str] | None:
    """Why a photo left the index, and the remedy; None if its disk is away, or it is there."""
    try:
        filesystems.ask(path, "name")
    except (FileNotFoundError, NotADirectoryError):
        return GONE if folder.present else None
    except OSError:
        pass
    return why_ignored(filesystems, path, *folder.scan_arguments)


def _why_unknown(path: bytes, filesystems: Filesystems, folder: Folder | None) -> tuple[str, str]:
    """Why a photo is not in the catalog, and the remedy; ``folder``: the watched one it is in."""
    mode = 0
    try:
        mode = filesystems.ask(path, "name")[0]
    except (FileNotFoundError, NotADirectoryError):
        return "there is no such file", "check the name; photosd list"
    except NotAnswering:
        return "its disk or share does not answer", "photosd folders"
    except OSError:
        pass
    directory = printable(path if stat.S_ISDIR(mode) else path.rpartition(b"/")[0])
    is_other = not stat.S_ISDIR(mode) and not is_photo_name(path)
    if folder is None and not is_other:
        return "it is not in a watched folder", f"photosd add {quoted(directory)}"
    if folder is not None and (ignored := why_ignored(filesystems, path, *folder.scan_arguments)):
        return ignored
    if stat.S_ISDIR(mode):
        return "it is a folder", "name a photo; for folders: photosd folders"
    if (what := OTHERS.get(suffix_of(path))) is not None:
        return f"it is {what}; photosd indexes photos only", "no action needed"
    if not is_photo_name(path):
        return NO_PHOTO[is_sidecar_name(path)]
    try:
        return NEW if filesystems.entry(path) is not None else LEADS_NOWHERE
    except OSError:
        return UNKNOWN
