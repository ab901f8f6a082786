"""Operations on watched folders."""

from __future__ import annotations

from photosd.core.log import printable
from photosd.ipc import messages as m
from photosd.ipc.paths import path_from
from photosd.ipc.server import Emit
from photosd.operations.base import Topic


class Folders(Topic):
    """Watch folders, and no more."""

    def add(self, params: m.AddParams, _emit: Emit) -> m.AddResult:
        library = self._library()
        path = path_from(params.path, params.path_b64)
        known = library.folders.real(path)
        if params.cloud is not None and any(f.path == known for f in library.folders.all()):
            folder = library.folders.mark(known, params.cloud)
            if params.cloud:
                library.cloud.wake()
            else:
                library.cloud.cut()
            return m.AddResult(printable(folder.path), folder.state, folder.reason, folder.cloud)
        folder = library.folders.add(path, params.exclude, cloud=bool(params.cloud))
        library.watch(folder)
        library.reconciler.request()
        return m.AddResult(printable(folder.path), folder.state, folder.reason, folder.cloud)

    def remove(self, params: m.PathParams, _emit: Emit) -> m.RemoveResult:
        library = self._library()
        path = library.folders.real(path_from(params.path, params.path_b64))
        photos = library.folders.remove(path)
        library.watcher.remove(path)
        library.cloud.cut()  # a photo of it may be on its way
        return m.RemoveResult(printable(path), photos)

    def folders(self, _params: m.Nothing, _emit: Emit) -> m.FoldersResult:
        return m.FoldersResult(self._library().folder_reports())
