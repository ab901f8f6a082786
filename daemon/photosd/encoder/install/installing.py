"""Installs a model: convert the weights, test it, record its outputs, then move it into place."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import psutil
import torch

from photosd.core.errors import BadRequest, ModelError
from photosd.core.process_memory import used_mb
from photosd.encoder import canary
from photosd.encoder.install.checkpoint import (
    State,
    find_checkpoint,
    fit,
    read_checkpoint,
    save_weights,
)
from photosd.encoder.install.model_spec import InstallOrder, Say, model_spec, require_room
from photosd.encoder.install.tokenizer_files import copy_tokenizer
from photosd.encoder.loading import construct_model, without_initialisation
from photosd.encoder.model import WarmModel
from photosd.encoder.openclip_import import import_model_module
from photosd.models.registry import STAGING, directory_of_name
from photosd.models.spec import Canary, Measured, ModelSpec

WORTH_IT = 1.15  # times as fast as float32 to justify lower precision
MIN_COSINE = 0.9995  # between outputs in half and full precision
BATCH = 4
# A busy machine only makes work slower: the minimum of several runs is the best estimate.
REPEATS, TRYING_SECONDS = (3, 12), 2.0
MANY_TEXTS = (*canary.TEXTS, "שקיעה מעל הים", "собака на пляже")
DIGITS = 5  # of recorded vectors


class Trial(msgspec.Struct):
    """Outputs and run times of a model, seconds; ``image_effort`` for one thread."""

    texts: np.ndarray
    images: np.ndarray
    image_seconds: float
    image_effort: float
    text_seconds: float
    load_seconds: float
    doubt: str | None


def install(order: InstallOrder, say: Say) -> tuple[ModelSpec, str | None]:
    """Install the model of ``order``; returns its spec, and a warning about its quality.

    Raises ModelError; then nothing of it remains.
    """
    checkpoint = find_checkpoint(Path(order.source or ""))
    beside = checkpoint.parent
    target = directory_of_name(Path(order.models), order.name)
    if target.exists():
        raise BadRequest(
            f"a model called {order.name!r} exists already",
            remedy=f"photosd model remove {order.name}; or choose a --name",
        )
    require_room(target.parent, 2 * checkpoint.stat().st_size)  # two precisions of it
    say("reading the description")
    spec = model_spec(order, beside)
    with _staging(target) as draft:
        copy_tokenizer(spec.tokenizer, beside, draft)
        spec = _fit(spec, checkpoint, draft, say)
        spec, doubt = _try(spec, draft, order.precision, say)
        _write(spec, draft)
        try:
            draft.rename(target)
        except OSError as error:
            raise ModelError(f"{target} cannot be written: {error}", remedy="try again") from error
    return spec, doubt


@contextlib.contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """A temporary directory beside the target, deleted afterwards unless renamed to it."""
    for stale in target.parent.glob(f"{STAGING}*"):
        if not _in_use(stale):
            shutil.rmtree(stale, ignore_errors=True)  # left by a killed installation
    prefix = f"{STAGING}{os.getpid()}-"
    draft = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _in_use(staging: Path) -> bool:
    pid = staging.name.removeprefix(STAGING).partition("-")[0]
    return pid.isdecimal() and psutil.pid_exists(int(pid))


def _fit(spec: ModelSpec, checkpoint: Path, draft: Path, say: Say) -> ModelSpec:
    say("importing")
    module = import_model_module(lean=spec.lean)
    say("reading the weights")
    state = read_checkpoint(checkpoint)
    with without_initialisation():
        model = construct_model(module, spec)
    state = fit(state, model)
    _require_same(spec, state, model.state_dict())
    say("writing the weights")
    return msgspec.structs.replace(spec, weights=save_weights(state, draft, torch.float32))


def _require_same(spec: ModelSpec, state: State, wanted: State) -> None:
    """Raise ModelError if names or shapes belong to another architecture."""
    missing, unexpected = sorted(wanted.keys() - state), sorted(state.keys() - wanted)
    wrong = [n for n in wanted if n in state and state[n].shape != wanted[n].shape]
    parts = [
        f"{label} {', '.join(found[:3])}"
        for label, found in (("missing", missing), ("unknown", unexpected), ("other shape", wrong))
        if found
    ]
    if parts:
        raise ModelError(
            f"the checkpoint does not match {spec.arch}: {'; '.join(parts)}",
            remedy="name its architecture with --arch; photosd model list --architectures",
        )


def _try(spec: ModelSpec, draft: Path, precision: str, say: Say) -> tuple[ModelSpec, str | None]:
    """Test the model, choose its precision, record its outputs.

    On the CPU, which every machine has and where no accelerator can end this process: the precision
    must suit the CPU if it takes over, since vectors of another precision are another index.
    """
    say("testing it")
    exact = _trial(spec, draft)
    chosen = exact
    if precision != "float32":
        say("testing it in half precision")
        halved = msgspec.structs.replace(spec, precision="bfloat16")
        half = _trial(halved, draft)
        if precision == "bfloat16" or _better(half, exact):
            chosen = half
            say("writing the weights in half precision")
            weights = save_weights(
                read_checkpoint(draft / spec.weights.file), draft, torch.bfloat16
            )
            spec = msgspec.structs.replace(halved, weights=weights)
    answers = Canary(
        texts=MANY_TEXTS, vectors=_rounded(exact.texts), image_vector=_rounded(exact.images)[0]
    )
    measured = Measured(
        image_ms=round(1000 * chosen.image_seconds, 1),
        text_ms=round(1000 * chosen.text_seconds, 1),
        load_ms=round(1000 * chosen.load_seconds),
        rss_mb=round(used_mb(os.getpid()) or 0),
    )
    return msgspec.structs.replace(spec, canary=answers, measured=measured), exact.doubt


def _better(half: Trial, exact: Trial) -> bool:
    faster = exact.image_effort / half.image_effort
    texts = (half.texts * exact.texts).sum(axis=1).min()
    images = (half.images * exact.images).sum(axis=1).min()
    return faster >= WORTH_IT and min(float(texts), float(images)) >= MIN_COSINE


def _trial(spec: ModelSpec, draft: Path) -> Trial:
    _write(spec, draft)
    started = time.perf_counter()
    model = WarmModel(spec, draft, lambda _phase: None)
    loaded = time.perf_counter() - started
    size = spec.preprocess.size
    pictures = np.stack([np.roll(canary.picture(size), 16 * n, axis=0) for n in range(BATCH)])
    doubt = canary.check(model, spec)
    texts, images = model.encode_texts(MANY_TEXTS), model.encode_images(pictures)
    return Trial(
        texts,
        images,
        _best(lambda: model.encode_images(pictures)) / BATCH,
        effort_of(model, pictures[:1]),
        _best(lambda: model.encode_texts(MANY_TEXTS[:1])),
        loaded,
        doubt,
    )


def effort_of(model: WarmModel, pictures: np.ndarray) -> float:
    """CPU time of one thread for the pictures, in seconds, so that other load cannot affect the
    permanent choice of precision.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _best(lambda: model.encode_images(pictures), time.thread_time)
    finally:
        torch.set_num_threads(threads)


def _best(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Minimum seconds of several repetitions, more of them for shorter runs."""
    took: list[float] = []
    while len(took) < REPEATS[0] or (len(took) < REPEATS[1] and sum(took) < TRYING_SECONDS):
        started = clock()
        work()
        took.append(clock() - started)
    return min(took)


def _rounded(vectors: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(x), DIGITS) for x in vector) for vector in vectors)


def _write(spec: ModelSpec, draft: Path) -> None:
    file = draft / "model.json"
    with file.open("wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(spec), indent=1))
        stream.flush()
        os.fsync(stream.fileno())
