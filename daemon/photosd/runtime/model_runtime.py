"""One active model: its encoder, vectors, pipeline and search engine."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import structlog

from photosd.core.clock import Deadline, Pause
from photosd.core.start_stop import stop_all
from photosd.decode.pool import Shape
from photosd.encoder.accelerators import Accelerators
from photosd.encoder.encoder_limits import EncoderLimits
from photosd.encoder.supervisor import Supervisor
from photosd.index.pipeline import Pipeline
from photosd.index.retention import KEPT_SECONDS
from photosd.index.shared_resources import SharedResources
from photosd.index.vectors import VectorStore
from photosd.index.worklist import Work
from photosd.models.spec import ModelSpec
from photosd.search.engine import Engine

log = structlog.get_logger()

UNKNOWN_SECONDS = 86_400.0  # retention of vectors without a known photo


class ModelRuntime:
    """The encoder starts at once; `open` loads the vectors, `begin` starts indexing."""

    def __init__(
        self,
        directory: Path,
        spec: ModelSpec,
        shared: SharedResources,
        work: Work,
        memory_mb: float,
        accelerators: Accelerators,
        paused: Pause | None = None,
    ) -> None:
        self.spec, self._shared, self.accelerators = spec, shared, accelerators
        self.encoder = Supervisor(directory, EncoderLimits(memory_mb=memory_mb), accelerators)
        self.encoder.start()
        with contextlib.ExitStack() as undo:  # a process without an owner would never end
            undo.callback(self.encoder.stop)
            self.store = VectorStore(shared.index, spec.fingerprint, spec.dimension)
            self.engine = Engine(spec, self.encoder, self.store, shared)
            self.pipeline = self._new_pipeline(work, paused)
            undo.pop_all()
        self._serving = True

    def open(self, *, serving: bool) -> None:
        """Load the vectors; ``serving``: mark photos whose vectors were lost as pending."""
        self._serving = serving
        self.store.open()
        self._agree()

    def begin(self) -> None:
        """Start indexing due photos."""
        self.pipeline.start()

    def work_on(self, work: Work) -> None:
        """Switch to another work list, once photos in progress are committed."""
        self.pipeline.stop()
        self._shared.work.remove(self.pipeline.wake)
        self.pipeline = self._new_pipeline(work, self.pipeline.paused)
        self.pipeline.start()

    def serve(self, work: Work) -> None:
        """Answer queries from now on, and mark photos whose vectors were lost as pending."""
        self._serving = True
        self.work_on(work)

    def close(self, deadline: Deadline | None = None) -> list[str]:
        """Stop the pipeline, then the encoder; the vectors stay on disk. Returns the parts still
        running.
        """
        deadline = deadline or Deadline.to_stop()
        self._shared.work.remove(self.pipeline.wake)
        late = stop_all({"pipeline": self.pipeline.stop}, deadline.part(0.5))
        rest = {"encoder": self.encoder.stop, "queries": self.engine.close}
        return late + stop_all({**rest, "maintenance": self.store.close}, deadline)

    def _new_pipeline(self, work: Work, paused: Pause | None) -> Pipeline:
        shared = self._shared
        pipeline = Pipeline(
            work,
            shared.contents,
            self.store,
            shared.pool,
            self.encoder,
            Shape.of(self.spec.preprocess),
            self.spec.fingerprint,
            look_at=shared.look_at,
            on_vanished=self._reopen,
            on_idle=self.engine.follow,
            slow=shared.folders.slow,
            paused=paused,
        )
        shared.work.add(pipeline.wake)
        return pipeline

    def _reopen(self) -> None:
        """The index was deleted at run time: create a new one."""
        self.open(serving=self._serving)

    def _agree(self) -> None:
        """Make catalog and index consistent; differences are re-examined."""
        contents, model = self._shared.contents, self.spec.fingerprint
        if self.store.rolled_back:
            contents.mark_labels_due(model)
        recorded, stored = contents.embedded(model), self.store.contents()
        lost, unknown = recorded - stored, stored - recorded
        if lost:
            log.warning(
                "vectors_lost", contents=len(lost), remedy="no action needed: they are re-created"
            )
            contents.unembed(model, lost, again=self._serving)
        if unknown:  # committed just before a kill: the photo is pending and will find it there
            contents.restore(model, self.store.facts(unknown))
            contents.note_orphans(list(unknown), time.time() - KEPT_SECONDS + UNKNOWN_SECONDS)
