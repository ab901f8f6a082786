"""Makes worker processes hang, crash, lie or be slow on a test's order; photosd has no hook for it.

Python imports this module in each process that has its directory on PYTHONPATH. It wraps functions
of the workers as they are imported. PHOTOSD_TEST_FAULTS names a JSON file, read again each time, so
that a test can change its orders:

``{"decode": {"start": "exit", "files": [{"name": "bad*.jpg", "do": "crash", "at": "decode"}]}}``:
``name`` and ``content`` (the first bytes) tell the files; ``at``: ``read``, ``decode``, ``load``.
``spin`` uses the processor for ``seconds``, ``slow`` lasts so long; ``wait`` creates the file
``seen`` and continues once ``until`` exists.

``{"encoder": {"load weights": "hang", "text": "hang", "image": "crash", "canary": "wrong"}}``:
keys are phases of loading or lanes. ``"poison": 200`` crashes on a picture that begins with a pixel
(200, 200, 200); ``model bytes`` is the size that the model's file seems to have.

``{"device": {"name": "mps", "image": "abort"}}``: the machine seems to have that accelerator, which
aborts the process if a second thread uses it, as Metal does. ``move``, ``image`` and ``text`` are
the deeds when it is used; ``"seen": {"move": FILE}`` creates a file before. ``"most": 4`` is how
many images its memory allows at once, and with ``"wrong": true`` its vectors of images are wrong.
"""

from __future__ import annotations

import contextlib
import ctypes
import fnmatch
import importlib.abc
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VARIABLE = "PHOTOSD_TEST_FAULTS"
LONG_SECONDS = 3600
BALLAST: list[bytes] = []


def orders(worker: str) -> dict[str, Any]:
    """What is on order for decoders, for encoders or for the accelerator."""
    try:
        found: dict[str, Any] = json.loads(Path(os.environ[VARIABLE]).read_text())
    except (KeyError, OSError, ValueError):  # being written just now
        return {}
    return dict(found.get(worker, {}))


def act(deed: str, beat: Callable[[], object] = lambda: None, **fault: Any) -> None:
    """Do it, if it is a deed that is known; ``beat`` is called at times while it is slow."""
    name, _, argument = deed.partition(":")
    deeds: dict[str, Callable[[], object]] = {
        "hang": lambda: time.sleep(LONG_SECONDS),
        "hang_gil": lambda: ctypes.PyDLL(None).sleep(LONG_SECONDS),  # PyDLL keeps the GIL
        "spin": lambda: _spin(float(fault.get("seconds", LONG_SECONDS))),
        "crash": lambda: _suffer(signal.SIGSEGV),
        "abort": lambda: ctypes.CDLL(None).abort(),
        "stop": lambda: _suffer(signal.SIGSTOP),
        "kill": lambda: _suffer(signal.SIGKILL),
        "exit": lambda: os._exit(1),
        "out_of_threads": _out_of_threads,
        "memory": lambda: _grow(int(argument)) if argument else _raise(MemoryError()),
        "out_of_memory": lambda: _raise(MemoryError()),
        "raise": lambda: _raise(RuntimeError("a fault on order")),
        "slow": lambda: _dawdle(float(argument or fault.get("seconds", 30)), beat),
        "wait": lambda: _wait(fault) if fault else time.sleep(float(argument)),
    }
    deeds.get(name, lambda: None)()


def _dawdle(seconds: float, beat: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
        beat()


def _spin(seconds: float) -> None:
    """Use the processor for so long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def _wait(fault: dict[str, Any]) -> None:
    Path(fault["seen"]).touch()
    end = time.monotonic() + fault.get("seconds", 30)
    while not Path(fault["until"]).exists() and time.monotonic() < end:
        time.sleep(0.005)


def _out_of_threads() -> None:
    """End as libgomp does."""
    text = b"\nlibgomp: Thread creation failed: Resource temporarily unavailable\n"
    os.write(sys.stderr.fileno(), text)
    os._exit(1)


def _grow(megabytes: int) -> None:
    if not BALLAST:
        BALLAST.append(b"\1" * (megabytes << 20))


def _suffer(number: int) -> None:
    """Signal this thread: another might take a signal to the process, and this one continue."""
    signal.pthread_kill(threading.get_ident(), number)


def _raise(error: Exception) -> None:
    raise error


# -- decoders ---------------------------------------------------------------------------------


def _strike_file(at: str, path: bytes, data: bytes = b"") -> None:
    name = os.fsdecode(path.rpartition(b"/")[2])
    for fault in orders("decode").get("files", ()):
        if (
            fault.get("at", "decode") == at
            and fnmatch.fnmatchcase(name, fault.get("name", "*"))
            and data.startswith(fault.get("content", "").encode())
        ):
            act(fault["do"], **{key: fault[key] for key in fault if key != "do"})


_being_decoded: tuple[bytes, bytes] = (b"", b"")  # path and bytes of the file read last


def _in_reading(reading: Any) -> None:
    opened, read = reading._opened, reading.read

    @contextlib.contextmanager
    def struck(path: bytes) -> Iterator[Any]:
        with opened(path) as found:
            _strike_file("read", path)
            yield found

    def noted(path: bytes, *rest: Any) -> Any:
        global _being_decoded
        found = read(path, *rest)
        _being_decoded = path, found[0]
        return found

    reading._opened, reading.read = struck, noted


def _in_frames(frames: Any) -> None:
    """A decoder says ``ready`` once it has started, ``read`` before it opens a picture, and
    ``megapixels`` before it loads it.
    """
    send = frames.send_frame

    def send_frame(sock: Any, header: dict[str, Any], *rest: Any) -> None:
        if header.get("ready") is True:
            act(orders("decode").get("start") or "")
        send(sock, header, *rest)
        if header.get("read") is True:
            _strike_file("decode", *_being_decoded)
        if header.get("megapixels") is not None:
            _strike_file("load", *_being_decoded)

    frames.send_frame = send_frame


# -- encoders ---------------------------------------------------------------------------------


def _strike_encoder(place: str, beat: Callable[[], object] = lambda: None) -> None:
    act(str(orders("encoder").get(place, "")), beat)


def _in_process(process: Any) -> None:
    import msgspec

    phase, require_memory = process.Reporter.phase, process.require_memory

    def struck(self: Any, name: str, *rest: Any) -> None:
        phase(self, name, *rest)
        _strike_encoder(name.partition(":")[0], lambda: phase(self, name))

    def required(spec: Any) -> Any:
        if size := orders("encoder").get("model bytes"):
            weights = msgspec.structs.replace(spec.weights, bytes=size)
            spec = msgspec.structs.replace(spec, weights=weights)
        return require_memory(spec)

    process.Reporter.phase, process.require_memory = struck, required


def _in_serving(serving: Any) -> None:
    import numpy as np

    answers = serving.Serving
    text, image = answers._text, answers._image

    def struck_text(self: Any, *request: Any) -> None:
        _strike_encoder("text")
        text(self, *request)

    def struck_image(self: Any, header: Any, blobs: Any, *rest: Any) -> None:
        _strike_encoder("image")
        pixels = np.frombuffer(blobs[0], np.uint8).reshape(header["shape"])
        colour = orders("encoder").get("poison")
        if colour is not None and bool((pixels[:, 0, 0] == colour).all(axis=1).any()):
            _suffer(signal.SIGSEGV)
        image(self, header, blobs, *rest)

    def invalid(encode: Callable[..., Any]) -> Callable[..., Any]:
        def answer(self: Any, *request: Any) -> Any:
            vectors = encode(self, *request)
            if orders("encoder").get("canary") == "wrong":
                return np.ascontiguousarray(np.roll(vectors, 1, axis=1))
            return vectors

        return answer

    answers._text, answers._image = struck_text, struck_image
    answers.encode_texts = invalid(answers.encode_texts)
    answers.encode_images = invalid(answers.encode_images)


# -- an accelerator that is none --------------------------------------------------------------


def _deed_of_device(place: str) -> str:
    ordered = orders("device")
    if seen := ordered.get("seen", {}).get(place):
        Path(seen).touch()
    return str(ordered.get(place, ""))


def _in_model(model: Any) -> None:
    import numpy as np

    warm, find = model.WarmModel, model.devices
    move_to, encode_texts, encode_images = warm.move_to, warm.encode_texts, warm.encode_images
    users: set[int] = set()

    def use(place: str) -> None:
        users.add(threading.get_ident())
        act("abort" if len(users) > 1 else _deed_of_device(place))

    def devices() -> list[str]:
        name = orders("device").get("name")
        return [name, "cpu"] if name else list(find())

    def moved(self: Any, device: str) -> None:
        if device != orders("device").get("name"):
            move_to(self, device)
            return
        use("move")
        self.device, self.text_device = device, model.text_device(device)

    def texts(self: Any, asked: Any) -> Any:
        if (device := self.text_device) != "cpu":
            use("text")
        self.text_device = "cpu"
        try:
            return encode_texts(self, asked)
        finally:
            self.text_device = device

    def images(self: Any, pixels: Any) -> Any:
        if (device := self.device) == "cpu":
            return encode_images(self, pixels)
        use("image")
        if len(pixels) > orders("device").get("most", len(pixels)):
            raise RuntimeError("MPS backend out of memory (MPS allocated: 5.2 GB)")
        self.device = "cpu"
        try:
            vectors = encode_images(self, pixels)
        finally:
            self.device = device
        wrong = orders("device").get("wrong", False)
        return np.ascontiguousarray(np.roll(vectors, 1, axis=1)) if wrong else vectors

    warm.move_to, warm.encode_texts, warm.encode_images = moved, texts, images
    warm.release_memory = lambda _self: None
    model.devices = devices


WRAPPED: dict[str, Callable[[Any], None]] = {
    "photosd.core.frames": _in_frames,
    "photosd.decode.reading": _in_reading,
    "photosd.encoder.model": _in_model,
    "photosd.encoder.process": _in_process,
    "photosd.encoder.serving": _in_serving,
}


class Wrapper(importlib.abc.MetaPathFinder):
    """Wraps functions of these modules once each has been executed."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """The module's own spec, with a loader that wraps."""
        if (wrap := WRAPPED.get(name)) is None:
            return None
        others = [one for one in sys.meta_path if one is not self]
        spec = next(filter(None, (one.find_spec(name, path, target) for one in others)))
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def execute_and_wrap(module: Any) -> None:
            execute(module)
            wrap(module)

        spec.loader.exec_module = execute_and_wrap  # type: ignore[method-assign]
        return spec


if VARIABLE in os.environ:
    sys.meta_path.insert(0, Wrapper())
