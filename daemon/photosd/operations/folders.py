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
