"""The two lanes of the encoder process: texts and images, each in its own thread.

A query does not wait for a batch of images: it runs in parallel, and the kernel prefers its thread.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from photosd.core import machine
from photosd.core.frames import Header, receive_frame
from photosd.core.shortage import shortage_of
from photosd.encoder.canary import picture
from photosd.encoder.model import WarmModel
from photosd.encoder.steps import Steps
from photosd.models.spec import ModelSpec

IMAGE_NICENESS = 19
# Several lengths: kernels are selected, and compiled, when a length is first used.
WARM_TEXTS = tuple(
    " ".join(["a photo of a dog on the beach at sunset"] * n)[: 12 * n] for n in (1, 2, 3, 4)
)

Send = Callable[..., None]
Answer = Callable[[Header, list[bytearray], float], None]


class Serving:
    """Answers requests of both lanes until the daemon closes the socket."""

    def __init__(self, model: WarmModel, spec: ModelSpec, send: Send) -> None:
        self._model, self._spec, self._send = model, spec, send
        self._texts = ThreadPoolExecutor(1, "texts")
        self._images = ThreadPoolExecutor(1, "images", initializer=_stand_back)
        self._image_lane_busy = threading.Event()
        self._steps = Steps(model.encode_images)
        self._cores = machine.cores()
        self._text_threads = self._cores

    def run(self, sock: socket.socket) -> None:
        """Read requests until the daemon closes the socket."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                header, blobs = receive_frame(sock)
                if header["op"] == "text":
                    self._texts.submit(self._serve, self._text, header, blobs)
                else:
                    self._images.submit(self._serve, self._image, header, blobs)
        os._exit(0)  # atexit handlers of libraries must not delay the exit

    def warm_up(self) -> float:
        """One forward pass of each tower, in its serving thread; returns milliseconds.

        The first pass of a thread is slow: OpenMP starts helpers per thread.
        """
        started = time.perf_counter()
        blank = picture(self._spec.preprocess.size)[np.newaxis]
        text = self._texts.submit(self._choose_threads)
        image = self._images.submit(self.encode_images, blank)
        text.result(), image.result()
        return 1000 * (time.perf_counter() - started)

    def _choose_threads(self) -> None:
        """One thread or all, whichever encodes a text faster: a small model's work does not
        parallelise.
        """
        took: dict[int, float] = {}
        for threads in (self._cores, 1):
            torch.set_num_threads(threads)
            self.encode_texts(WARM_TEXTS[:1])
            for text in WARM_TEXTS:
                started = time.perf_counter()
                self.encode_texts((text,))
                took[threads] = took.get(threads, 0) + time.perf_counter() - started
        self._text_threads = min(took, key=took.__getitem__)
        torch.set_num_threads(self._text_threads)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) float32 of unit length."""
        return self._model.encode_texts(texts)

    def encode_images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, d) float32 of unit length, in steps of bounded memory."""
        return self._steps(pixels)

    def _serve(self, answer: Answer, header: Header, blobs: list[bytearray]) -> None:
        started = time.perf_counter()
        try:
            answer(header, blobs, started)
        except Exception as error:  # any error: the caller must get an answer
            reason = f"{type(error).__name__}: {error}"[:500]
            self._send({"id": header["id"], "ok": False, "reason": reason})
            if shortage_of(error) == "memory" and self._model.device == "cuda":
                torch.cuda.empty_cache()  # memory cached by the allocator may suffice

    def _text(self, header: Header, _blobs: list[bytearray], started: float) -> None:
        texts: list[str] = header["texts"]
        # OpenMP threads that wait for a busy core make a query ten times slower.
        torch.set_num_threads(1 if self._image_lane_busy.is_set() else self._text_threads)
        vectors = self.encode_texts(texts)
        known = [self._model.tokenizer.understood(text) for text in texts]
        used = [self._model.tokenizer.words_used(text) for text in texts]
        self._reply(header, vectors, started, understood=known, words_used=used)

    def _image(self, header: Header, blobs: list[bytearray], started: float) -> None:
        pixels = np.frombuffer(blobs[0], np.uint8).reshape(header["shape"])
        self._image_lane_busy.set()
        try:
            torch.set_num_threads(self._cores)
            vectors = self.encode_images(pixels)
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


def _stand_back() -> None:
    """Let the kernel prefer the thread that answers queries, and its helpers."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), IMAGE_NICENESS)
