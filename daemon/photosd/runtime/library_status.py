"""The status of the library: what it holds, what is being done, what is left to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from photosd.core.log import printable
from photosd.index.catalog import known_photos
from photosd.index.folders import Folder
from photosd.index.reconciler import Reconciler
from photosd.index.shared_resources import SharedResources
from photosd.protocol.paths import path_b64, path_text
from photosd.protocol.replies import FolderReport, Progress
from photosd.protocol.reports import ComparisonReport, IndexReport
from photosd.runtime.model_switch import ModelSwitcher
from photosd.watch.folder_state import not_answering
from photosd.watch.watcher import Watcher

FOREVER = float("inf")  # a pause until `resume`


class LibraryStatus:
    """Looks at the parts of a library and changes none. Any thread may use it."""

    def __init__(
        self,
        shared: SharedResources,
        watcher: Watcher,
        reconciler: Reconciler,
        others_idle: Sequence[Callable[[], bool]],
        model_switcher: ModelSwitcher,
        previews: Callable[[], int],
    ) -> None:
        """``previews``: how many vectors of previews are still to be replaced."""
        self._catalog, self._folders = shared.catalog, shared.folders
        self._watcher, self._reconciler, self._others_idle = watcher, reconciler, others_idle
        self._model_switcher, self._previews = model_switcher, previews

    def idle(self) -> bool:
        """Whether nothing is pending, being compared or at a worker. Photos on disks that are
        offline do not count.
        """
        pipeline = self._model_switcher.serving.pipeline
        if self._reconciler.busy() or not pipeline.idle():
            return False
        if not all(idle() for idle in self._others_idle):
            return False
        absent = {folder.id for folder in self._folders.all() if not folder.present}
        return not any(
            states.get("pending") and self._catalog.has_pending(folder)
            for folder, states in self._catalog.counts().items()
            if folder not in absent
        )

    def all_indexed(self) -> bool:
        """Whether it was compared with the disks since the start, and all of it is indexed."""
        return self._reconciler.compared and self.idle()

    def progress(self) -> Progress:
        """Progress of indexing."""
        counts, pipeline = self._catalog.totals(), self._model_switcher.serving.pipeline
        pending, pause = counts.get("pending", 0), pipeline.paused.remaining
        return Progress(
            photos=known_photos(counts),
            indexed=counts.get("indexed", 0),
            pending=pending,
            failed=counts.get("failed", 0),
            rate_per_s=round(pipeline.rate.per_second(), 1),
            eta_s=pipeline.rate.eta_seconds(pending),
            paused=pause > 0,
            paused_until=time.time() + pause if 0 < pause < FOREVER else None,
        )

    def index_report(self) -> IndexReport:
        """The index and what is left to do."""
        serving = self._model_switcher.serving
        return {
            **self.progress(),
            "bytes": serving.store.bytes_on_disk(),
            "previews": self._previews(),
            "waiting_for": serving.pipeline.waiting_for or self._reconciler.waiting_for,
        }

    def folder_reports(self) -> list[FolderReport]:
        """Every folder, with what the watcher knows of it."""
        counts = self._catalog.counts()
        health = {root.root: root for root in self._watcher.health()}
        reports = []
        for folder in self._folders.all():
            state, reason, remedy = self._state(folder)
            watched = health.get(folder.path)
            if state == "ok" and watched is not None and watched.scanned:
                state, reason, remedy = "scan_only", watched.reason, watched.remedy
            unreadable = self._reconciler.comparer.unreadable(folder.id)
            reports.append(
                FolderReport(
                    path=path_text(folder.path),
                    path_b64=path_b64(folder.path),
                    state=state,
                    photos=known_photos(counts.get(folder.id, {})),
                    pending=counts.get(folder.id, {}).get("pending", 0),
                    failed=counts.get(folder.id, {}).get("failed", 0),
                    reason=reason,
                    remedy=remedy,
                    cloud=folder.cloud,
                    unreadable=unreadable.count if unreadable else 0,
                    unreadable_example=str(unreadable) if unreadable else None,
                    unreadable_remedy=unreadable.remedy if unreadable else None,
                    libraries=[
                        printable(path)
                        for path in self._reconciler.comparer.libraries(folder.id)
                        if path not in health
                    ],
                )
            )
        return reports

    def _state(self, folder: Folder) -> tuple[str, str | None, str | None]:
        """State, reason and remedy of a folder; also starts a check of its share, for the next
        caller.
        """
        filesystems, path = self._folders.filesystems, folder.path
        filesystems.start_check(path)
        if filesystems.silent(path):  # the catalog is updated a moment later, if it can be written
            silent = not_answering(path, filesystems.of(path).mount)
            return silent.state, silent.reason, silent.remedy
        return folder.state, folder.reason, folder.remedy

    def comparison_reports(self) -> list[ComparisonReport]:
        """Running comparisons of folders with the catalog."""
        now = time.monotonic()
        return [
            ComparisonReport(
                path=printable(running.tree),
                seen=running.seen,
                known=running.known,
                seconds=round(now - running.begun_at, 1),
            )
            for running in self._reconciler.comparer.running()
        ]
