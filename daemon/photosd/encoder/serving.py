"""Answers requests of both lanes of the encoder process: texts and images.

On a CPU a query does not wait for a batch of images: it runs in parallel, and the kernel prefers
its thread. On an accelerator it waits for one step of the batch at most (lanes.py).
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from photosd.core import machine
from photosd.core.frames import Header, receive_frame
from photosd.core.shortage import shortage_of
from photosd.encoder.canary import picture
from photosd.encoder.lanes import Lanes
from photosd.encoder.model import WarmModel, text_device
from photosd.encoder.steps import SIZES, Steps
from photosd.models.spec import ModelSpec

# Several lengths: kernels are selected, and compiled, when a length is first used.
WARM_TEXTS = tuple(
    " ".join(["a photo of a dog on the beach at sunset"] * n)[: 12 * n] for n in (1, 2, 3, 4)
)

Send = Callable[..., None]
Answer = Callable[[Header, list[bytearray], float], None]


class Serving:
    """Answers requests of both lanes until the daemon closes the socket."""

    def __init__(self, model: WarmModel, spec: ModelSpec, send: Send, device: str = "cpu") -> None:
        """Moves ``model`` from the CPU to ``device``; raises RuntimeError if that is unusable."""
        self._model, self._spec, self._send = model, spec, send
        self._lanes = Lanes(shared=text_device(device) != "cpu")
        self._image_lane_busy = threading.Event()
        self._steps = Steps(self._step, model.release_memory)
        self._cores = machine.cores()
        self._text_threads = self._cores
        if device != "cpu":
            self._lanes.image(model.move_to, device).result()

    def run(self, sock: socket.socket) -> None:
        """Read requests until the daemon closes the socket."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                header, blobs = receive_frame(sock)
                if header["op"] == "text":
                    self._lanes.text(self._serve, self._text, header, blobs)
                else:
                    self._lanes.image(self._serve, self._image, header, blobs)
        os._exit(0)  # atexit handlers of libraries must not delay the exit

    def warm_up(self) -> float:
        """One forward pass of each tower, in its serving thread; returns milliseconds.

        The first pass of a thread is slow: OpenMP starts helpers per thread. An accelerator loads
        or compiles its kernels for a whole batch, for which texts would wait later.
        """
        started = time.perf_counter()
        count = 1 if self._model.device == "cpu" else max(SIZES)
        blank = picture(self._spec.preprocess.size)[np.newaxis].repeat(count, axis=0)
        text = self._lanes.text(self._choose_threads)
        image = self._lanes.image(self._steps, blank)
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
        return self._lanes.text(self._model.encode_texts, texts).result()

    def encode_images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, d) float32 of unit length, in the thread that serves images."""
        return self._lanes.image(self._steps, pixels).result()

    def _step(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self._lanes.shared:
            self._lanes.let_texts_pass()
        return self._model.encode_images(pixels)

    def _serve(self, answer: Answer, header: Header, blobs: list[bytearray]) -> None:
        started = time.perf_counter()
        try:
            answer(header, blobs, started)
        except Exception as error:  # any error: the caller must get an answer
            reason = f"{type(error).__name__}: {error}"[:500]
            self._send({"id": header["id"], "ok": False, "reason": reason})
            if shortage_of(error) == "memory":
                self._lanes.image(self._model.release_memory)

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
