"""Operations on watched folders."""

from __future__ import annotations

from photosd.index.folders import Folder
from photosd.protocol import messages as m
from photosd.protocol.paths import path_fields, path_from
from photosd.protocol.server import Emit
from photosd.runtime.operations.base import Topic


class FolderOperations(Topic):
    """Manage watched folders."""

    def add(self, params: m.AddParams, _emit: Emit) -> m.AddResult:
        library = self._library()
        path = path_from(params.path, params.path_b64)
        known = library.folders.real(path)
        if params.cloud is not None and any(f.path == known for f in library.folders.all()):
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


def _added(folder: Folder) -> m.AddResult:
    return m.AddResult(
        state=folder.state,
        reason=folder.reason,
        cloud=folder.cloud,
        **path_fields(folder.path),
    )
