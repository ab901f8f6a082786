"""Answers requests in the encoder process: texts and images.

On a CPU a query does not wait for a batch of images: it runs in parallel, and the kernel prefers
its thread. On an accelerator it waits for one step of the batch at most.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from photosd.core import machine
from photosd.core.frames import Header, receive_frame
from photosd.core.shortage import shortage_of
from photosd.encoder.batch_size import SIZES, BatchSize
from photosd.encoder.canary import picture
from photosd.encoder.model import WarmModel, text_device
from photosd.models.spec import ModelSpec

# Several lengths: kernels are selected, and compiled, when a length is first used.
WARM_TEXTS = tuple(
    " ".join(["a photo of a dog on the beach at sunset"] * n)[: 12 * n] for n in (1, 2, 3, 4)
)
IMAGE_NICENESS = 19

T = TypeVar("T")
P = ParamSpec("P")
Send = Callable[..., None]
Answer = Callable[[Header, list[bytearray], float], None]


class Serving:
    """Answers requests until the daemon closes the socket."""

    def __init__(self, model: WarmModel, spec: ModelSpec, send: Send, device: str = "cpu") -> None:
        """Moves ``model`` from the CPU to ``device``; raises RuntimeError if that is unusable."""
        self._model, self._spec, self._send = model, spec, send
        self._threads = _Threads(shared=text_device(device) != "cpu")
        self._image_lane_busy = threading.Event()
        self._steps = BatchSize(self._step, model.release_memory)
        self._cores = machine.cores()
        self._text_threads = self._cores
        if device != "cpu":
            self._threads.image(model.move_to, device).result()

    def run(self, sock: socket.socket) -> None:
        """Read requests until the daemon closes the socket."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                header, blobs = receive_frame(sock)
                if header["op"] == "text":
                    self._threads.text(self._serve, self._text, header, blobs)
                else:
                    self._threads.image(self._serve, self._image, header, blobs)
        os._exit(0)  # atexit handlers of libraries must not delay the exit

    def warm_up(self) -> float:
        """One forward pass of each tower, in its serving thread; returns milliseconds.

        The first pass of a thread is slow: OpenMP starts helpers per thread. An accelerator loads
        or compiles its kernels for a whole batch, for which texts would wait later.
        """
        started = time.perf_counter()
        count = 1 if self._model.device == "cpu" else max(SIZES)
        blank = picture(self._spec.preprocess.size)[np.newaxis].repeat(count, axis=0)
        text = self._threads.text(self._choose_threads)
        image = self._threads.image(self._steps, blank)
        text.result(), image.result()
        return 1000 * (time.perf_counter() - started)

    def _choose_threads(self) -> None:
        """One thread or all, whichever encodes a text faster: a small model's work does not
        parallelise.
        """
        took: dict[int, float] = {}
        for threads in (self._cores, 1):
            torch.set_num_threads(threads)
            self._model.encode_texts(WARM_TEXTS[:1])
            for text in WARM_TEXTS:
                started = time.perf_counter()
                self._model.encode_texts((text,))
                took[threads] = took.get(threads, 0) + time.perf_counter() - started
        self._text_threads = min(took, key=took.__getitem__)
        torch.set_num_threads(self._text_threads)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) float32 of unit length, in the thread that serves texts."""
        return self._threads.text(self._model.encode_texts, texts).result()

    def encode_images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, d) float32 of unit length, in the thread that serves images."""
        return self._threads.image(self._steps, pixels).result()

    def _step(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._threads.shared:
            self._threads.run_waiting_texts()
        return self._model.encode_images(pixels)

    def _serve(self, answer: Answer, header: Header, blobs: list[bytearray]) -> None:
        started = time.perf_counter()
        try:
            answer(header, blobs, started)
        except Exception as error:  # any error: the caller must get an answer
            reason = f"{type(error).__name__}: {error}"[:500]
            self._send({"id": header["id"], "ok": False, "reason": reason})
            if shortage_of(error) == "memory":
                self._threads.image(self._model.release_memory)

    def _text(self, header: Header, _blobs: list[bytearray], started: float) -> None:
        texts: list[str] = header["texts"]
        # OpenMP threads that wait for a busy core make a query ten times slower.
        torch.set_num_threads(1 if self._image_lane_busy.is_set() else self._text_threads)
        vectors = self._model.encode_texts(texts)
        known = [self._model.tokenizer.understood(text) for text in texts]
        used = [self._model.tokenizer.words_used(text) for text in texts]
        self._reply(header, vectors, started, understood=known, words_used=used)

    def _image(self, header: Header, blobs: list[bytearray], started: float) -> None:
        pixels = np.frombuffer(blobs[0], np.uint8).reshape(header["shape"])
        self._image_lane_busy.set()
        try:
            torch.set_num_threads(self._cores)
            vectors = self._steps(pixels)
        finally:
            self._image_lane_busy.clear()
        self._reply(header, vectors, started)

    def _reply(
        self, header: Header, vectors: NDArray[np.float32], started: float, **more: Any
    ) -> None:
        self._send(
            {
                "id": header["id"],
                "ok": True,
                "shape": vectors.shape,
                "ms": 1000 * (time.perf_counter() - started),
                **more,
            },
            vectors.tobytes(),
        )


class _Threads:
    """The threads: one for texts and one for images, or one for both (``shared``).

    Only one thread may use an accelerator: PyTorch aborts on Metal if two do (pytorch#197805), and
    kernels of two threads would wait for each other anyway.
    """

    def __init__(self, *, shared: bool) -> None:
        self.shared = shared
        self._images = ThreadPoolExecutor(1, "images", None if shared else _lower_priority)
        self._texts = ThreadPoolExecutor(1, "texts")  # has a thread once it is used
        self._waiting: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def image(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> Future[T]:
        """Run ``work`` in the thread for images; the future has its result or error."""
        return self._images.submit(work, *args, **named)

    def text(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> Future[T]:
        """Run ``work`` in the thread for texts; if shared, at the next `run_waiting_texts`."""
        if not self.shared:
            return self._texts.submit(work, *args, **named)
        future: Future[Any] = Future()
        self._waiting.put(lambda: _fulfil(future, lambda: work(*args, **named)))
        self._images.submit(self.run_waiting_texts)
        return future

    def run_waiting_texts(self) -> None:
        """Run the texts that wait for the shared thread; called there, between steps of images."""
        with contextlib.suppress(Empty):
            while True:
                self._waiting.get_nowait()()


def _fulfil(future: Future[Any], work: Callable[[], object]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # as an executor does
        future.set_exception(error)


def _lower_priority() -> None:
    """Let the kernel prefer the thread that answers queries, and its helpers."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), IMAGE_NICENESS)
