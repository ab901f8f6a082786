"""The supervisor thread: starts, monitors and kills the encoder.

Deadlines depend on progress measured by the daemon's clock. A heartbeat inside the encoder would
prove nothing: its thread continues while native code hangs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import selectors
import socket
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from photosd.core.background import StoppableThread
from photosd.core.child import Child, Death, seconds_without_core
from photosd.core.clock import Deadline
from photosd.core.errors import ConfigError, EncoderUnavailable, PhotosdError
from photosd.core.frames import FrameError, Header, receive_frame, send_frame
from photosd.encoder.accelerators import Accelerators
from photosd.encoder.device_choice import DeviceChoice
from photosd.encoder.encoder_errors import OUT_OF_THREADS, Cause, EncoderDied, EncodingFailed
from photosd.encoder.encoder_limits import EncoderLimits, RestartPolicy
from photosd.encoder.encoder_status import EncoderStatus
from photosd.encoder.launcher import EncoderLauncher
from photosd.encoder.memory import LOOK_SECONDS, EncoderMemory
from photosd.encoder.requests import EncodeRequest, LaneQueue
from photosd.encoder.results import TextVectors, text_vectors, vectors
from photosd.encoder.standby import StandBy
from photosd.models.spec import read_model
from photosd.protocol.reports import EncoderReport

log = structlog.get_logger()

STOPPING = EncoderUnavailable("photosd is stopping", remedy="photosd start")
FRAME_SECONDS = 5.0  # for a frame to cross the socket; the encoder reads in a separate thread
PROBE_TEXT = "a photo"
IMAGES_AT_ONCE = 16  # in a request of the pipeline
ERRORS_IN_A_ROW = 3  # answers, per lane, that are not shortages: more are not caused by photos

__all__ = ["EncoderDied", "EncodingFailed", "Supervisor"]


class Supervisor(StoppableThread):
    """Keeps one warm encoder. Requests may be submitted from any thread; each future ends."""

    def __init__(
        self,
        model: Path,
        limits: EncoderLimits | None = None,
        accelerators: Accelerators | None = None,
    ) -> None:
        super().__init__("supervisor")
        self._directory, self.limits = model, limits or EncoderLimits()
        self._texts, self._images = LaneQueue("text"), LaneQueue("image")
        self._lanes = {"text": self._texts, "image": self._images}
        self._policy = RestartPolicy(self.limits)
        self._status = EncoderStatus(model.name, self.limits.breaker_pause)
        self._devices = DeviceChoice(accelerators or Accelerators(), self._status)
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_writer.setblocking(False)
        self._over = False
        self._child: Child | None = None
        self._dimension = 0
        self._cause: Cause = "other"  # of the end of the current encoder
        self._errors = {"text": 0, "image": 0}  # in a row
        self._launcher = EncoderLauncher()
        self._stand_by = StandBy(self._launcher, self._devices)
        self._progress_at = self._heard_at = 0.0
        self._memory = EncoderMemory()
        self._replacement: str | None = None  # why another encoder is wanted in place of this one
        self.turned_at = time.monotonic()  # when this thread last ran
        self._probe_answer: NDArray[np.float32] | None = None

    # -- from other threads -------------------------------------------------------------------

    def encode_texts(self, texts: Sequence[str], deadline: Deadline | None) -> Future[TextVectors]:
        """Unit vectors of texts; fails with Warming or EncoderUnavailable by the deadline.

        Without ``deadline``: background, one at a time, when the encoder is idle.
        """
        header: Header = {"op": "text", "texts": list(texts)}
        request = EncodeRequest(
            header, (), len(texts), deadline, text_vectors, background=deadline is None
        )
        return self._submit(self._texts, request)

    def encode_images(
        self,
        pixels: NDArray[np.uint8],
        *,
        may_crash: bool = False,
        deadline: Deadline | None = None,
    ) -> Future[NDArray[np.float32]]:
        """Unit vectors (n, d) of (n, S, S, 3) uint8.

        EncoderDied if it crashed on them, EncodingFailed if it reported an error.

        ``may_crash``: a crash on these pictures is likely, and does not delay the next start. With
        a ``deadline`` they have priority, and wait for a starting encoder.
        """
        if deadline is None and self._status.state != "ready":
            failed: Future[NDArray[np.float32]] = Future()
            failed.set_exception(self._status.unavailable())
            return failed
        header: Header = {"op": "image", "shape": list(pixels.shape)}
        data = np.ascontiguousarray(pixels).tobytes()
        request = EncodeRequest(header, (data,), len(pixels), deadline, vectors, may_crash)
        return self._submit(self._images, request)

    def status(self) -> EncoderReport:
        """The encoder's current state."""
        child = self._child
        return self._status.report(child.pid if child else None)

    def set_memory_limit(self, megabytes: float) -> None:
        """Recycle the encoder above this many MB; 0: a share of the machine's memory."""
        self.limits = dataclasses.replace(self.limits, memory_mb=megabytes)

    def require_device(self, device: str) -> None:
        """Raise ConfigError if the encoder looked for devices and did not find this one."""
        found = self._status.devices
        if found and device not in ("auto", *found):
            raise ConfigError(
                f"PyTorch finds no {device} device here, only: {', '.join(found)}",
                remedy="photosd config set encoder.device auto",
            )

    def follow_device(self) -> None:
        """Use the device that is wanted now: replaces an encoder on another one, once idle."""
        if not self._devices.suits():
            self._replacement = "another device is wanted"
            self.wake()

    def _submit(self, lane: LaneQueue, request: EncodeRequest) -> Future[Any]:
        lane.submit(request)
        if self._over:  # the caller has left
            self._refuse_all(STOPPING)
        self.wake()
        return request.future

    def wake(self) -> None:
        """Look at the requests at once."""
        with contextlib.suppress(OSError):
            self._wake_writer.send(b"x")

    # -- one encoder after another ---------------------------------------------------------------

    def run(self) -> None:
        """Until stopped: start an encoder, serve, clean up, and wait before the next."""
        while not self.stopping.is_set():
            pause = self._run_encoder()
            self._wait(pause)
        self._over = True
        for lane in self._lanes.values():
            for request in lane.take_sent():
                request.future.set_exception(STOPPING)
        self._refuse_all(STOPPING)
        self._stand_by.end()
        self._launcher.close()

    def _run_encoder(self) -> float:
        """Run one encoder to its end; returns seconds until the next may start."""
        try:
            self._spawn()
            death = self._serve_encoder()
        except PhotosdError as error:  # the model's directory is invalid
            self._note_failure(error.as_dict())
            death = self._kill(str(error))
        except Exception as error:  # a bug here must lead to a new encoder, not to none
            log.exception("supervisor_failed")
            death = self._kill(f"the supervisor failed: {error}")
        if self.stopping.is_set():
            return 0.0
        return self._on_exit(death)

    def _spawn(self) -> None:
        self._status.starts()
        self._progress_at, self._probe_answer = time.monotonic(), None
        self._memory, self._errors = EncoderMemory(), {"text": 0, "image": 0}
        self._cause, self._replacement = "other", None
        spec = read_model(self._directory)
        self._status.model, self._dimension = spec.name, spec.dimension
        log.info("model_loading", model=self._status.model, directory=str(self._directory))
        # The encoder ends with this thread (core.worker_setup), which lives as long as the daemon.
        device = self._devices.next(spec.name)
        ready = self._stand_by.take(device)
        self._child, frames = ready or (self._launcher.spawn(self._directory, device), [])
        self._child.sock.settimeout(FRAME_SECONDS)
        usual = self._status.start_took
        for frame in frames:
            self._handle_message(*frame)
        if self._status.state == "ready":  # it was warm; the next one takes the usual time
            self._status.start_took = usual

    def _serve_encoder(self) -> Death:
        """Serve until the encoder has ended; returns the reason."""
        child = self._require_child()
        with selectors.DefaultSelector() as selector:
            selector.register(child.sock, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while True:
                self.turned_at = time.monotonic()
                self._expire()
                if (reason := self._reason_to_stop()) is not None:
                    return self._kill(reason)
                if self._status.state == "ready":
                    self._stand_by.keep(self._directory, self.limits.stall, selector)
                try:
                    self._send_due()
                    for key, _ in selector.select(self._wait_seconds()):
                        if key.fileobj is child.sock:
                            self._handle_message(*receive_frame(child.sock))
                        elif key.fileobj is self._wake_reader:
                            self._wake_reader.recv(4096)
                except (EOFError, ConnectionError):
                    return self._ended(child)
                except TimeoutError:
                    self._cause = "nonsense"
                    return self._kill("it stopped in the middle of a message")
                except (FrameError, OSError) as error:
                    self._cause = "nonsense"
                    return self._kill(f"its connection broke: {error}")

    def _ended(self, child: Child) -> Death:
        """It closed its side: wait for its end, or kill it."""
        deadline = Deadline.after(1.0)
        while child.alive and not deadline.passed:
            time.sleep(0.01)
        death = self._kill("it closed its connection") if child.alive else child.exit_report()
        short = death.by_others or OUT_OF_THREADS.search(death.stack)
        self._cause = "killed" if short else "crash"
        return death

    def _reason_to_stop(self) -> str | None:
        """Why the encoder must be stopped, if so."""
        now = time.monotonic()
        if self.stopping.is_set():
            return "photosd is stopping"
        if self._devices.failure is not None:
            return self._devices.failure.description()
        if self._status.state != "ready":
            if self._replacement is not None:
                return self._replacement
            stall = self._stall()
            if now - self._progress_at > stall:
                self._cause = "stalled"
                return f"loading stalled for {stall:g} s in phase: {self._status.phase}"
            if now - self._status.starting_since > self.limits.start:
                return f"loading took more than {self.limits.start:g} s"
            return None
        for lane in self._lanes.values():
            limit = self._limit(lane)
            if now < lane.look_at(limit):
                continue
            if lane.hangs(seconds_without_core(self._require_child().pid), limit):
                self._status.state, self._cause = "hung", "crash"
                return f"hung: no answer to {lane.kind} for {limit:.1f} s"
        self._memory.look(self._require_child().pid, self.limits.memory_mb)
        return None if self._texts.busy or self._images.busy else self._reason_to_replace

    @property
    def _reason_to_replace(self) -> str | None:
        """Why the encoder is replaced once it is idle; nothing more is sent to it then."""
        return self._replacement or self._memory.reason or self._stand_by.reason

    def _stall(self) -> float:
        """Seconds without progress that count as a stall now."""
        silent = self._status.phase == "start"
        return min(self.limits.first_message, self.limits.stall) if silent else self.limits.stall

    def _limit(self, lane: LaneQueue) -> float:
        limits = self.limits
        images = self._images.average.limit(limits.image_least, limits.factor, limits.image_most)
        one_thread = self._status.text_device != "cpu"
        if lane is self._images or (one_thread and self._images.busy):
            return images
        return lane.average.limit(limits.text_least, limits.factor, limits.text_most)

    def _wait_seconds(self) -> float:
        """Seconds until the next deadline."""
        moments = [lane.earliest_deadline() for lane in self._lanes.values()]
        if self._status.state == "ready":
            moments += [lane.look_at(self._limit(lane)) for lane in self._lanes.values()]
            if self._reason_to_replace is None:
                moments.append(self._texts.background_due(busy=self._images.busy))
            moments.append(self._heard_at + self.limits.idle_probe)
            if self._texts.busy or self._images.busy:
                moments.append(time.monotonic() + LOOK_SECONDS)
        else:
            moments.append(self._progress_at + self._stall())
            moments.append(self._status.starting_since + self.limits.start)
        return max(0.0, min(moments) - time.monotonic())

    # -- messages ---------------------------------------------------------------------------------

    def _send_due(self) -> None:
        """Send what may be sent: texts first, and a probe when idle."""
        if self._status.state != "ready" or self._reason_to_replace is not None:
            return
        quiet = time.monotonic() - self._heard_at >= self.limits.idle_probe
        if quiet and not self._texts.busy:
            header: Header = {"op": "text", "texts": [PROBE_TEXT]}
            self._texts.submit(EncodeRequest(header, (), 1, None, vectors, probe=True))
            self._heard_at = time.monotonic()
        for lane in (self._texts, self._images):
            urgent = lane is self._images and self._stand_by.starts_on_cpu
            for request in lane.sendable(busy=self._images.busy, urgent=urgent):
                header = {**request.header, "id": request.number}
                send_frame(self._require_child().sock, header, request.blobs)

    def _handle_message(self, header: Header, blobs: list[bytearray]) -> None:
        """Handle a message; raises FrameError if it is invalid."""
        try:
            self._on_message(header, blobs)
        except FrameError:
            raise
        except Exception as error:
            raise FrameError(f"an invalid message: {error!r}") from error

    def _on_message(self, header: Header, blobs: list[bytearray]) -> None:
        self._heard_at = self._progress_at = time.monotonic()
        if "id" in header:
            self._take_reply(header, blobs)
        elif header["event"] == "started":
            self._launcher.started(header["pid"])
        elif header["event"] == "phase":
            self._status.phase = header["phase"]
            self._status.device = header["device"] or self._status.device
        elif header["event"] == "ready":
            self._become_ready(header)
        elif header["event"] == "failed":
            self._note_failure(header["error"])
            self._devices.on_model_failure()
        elif header["event"] == "device_failed":
            self._devices.on_failure(header)
        else:
            raise FrameError(f"it reports {header['event']!r}")

    def _note_failure(self, error: dict[str, Any]) -> None:
        self._status.error = error
        log.error("model_failed", model=self._status.model, **error)

    def _take_reply(self, header: Header, blobs: list[bytearray]) -> None:
        """Deliver an answer; until it is valid, the request stays open."""
        number, seconds = int(header["id"]), float(header.get("ms", 0)) / 1000
        for lane in self._lanes.values():
            if (request := lane.sent(number)) is not None:
                break
        else:
            raise FrameError(f"an answer to request {number}, which is unknown or answered already")
        if not header["ok"]:
            self._take_error(lane, request, EncodingFailed(str(header["reason"])))
            return
        answer = request.finish(header, blobs, request.items)
        if header["shape"][1] != self._dimension:
            raise FrameError(f"vectors of {header['shape'][1]} numbers, not {self._dimension}")
        lane.arrived(number, seconds)
        self._errors[lane.kind] = 0
        if request.probe:
            self._check_probe(answer)
            return
        self._status.counts[lane.kind] += request.items
        if lane is self._texts and not request.background:
            self._status.latencies.add(1000 * seconds, busy=self._images.busy)
        request.future.set_result(answer)

    def _take_error(self, lane: LaneQueue, request: EncodeRequest, error: EncodingFailed) -> None:
        """It reported an error; an encoder that only reports errors must be stopped."""
        lane.arrived(request.number, lane.average.value)
        request.future.set_exception(error)
        if error.shortage is None:
            self._errors[lane.kind] += 1
        if self._errors[lane.kind] >= ERRORS_IN_A_ROW:
            raise FrameError(f"it answers every request with an error: {error.reason}")

    def _check_probe(self, answer: NDArray[np.float32]) -> None:
        """Check that one encoder gives the same answer to the same input."""
        if self._probe_answer is None:
            self._probe_answer = answer
        elif float((answer * self._probe_answer).sum()) < 0.99:
            raise FrameError("it answers a known question differently than before")

    def _become_ready(self, header: Header) -> None:
        status = self._status
        status.becomes_ready(header)
        self._devices.on_ready(header)
        self._images.expect(IMAGES_AT_ONCE * header["second_ms"] / 1000, self.limits.factor)
        if status.doubt is not None:
            log.warning("model_warning", doubt=status.doubt, remedy="photosd model list")
        self._heard_at = 0.0  # probe at once: warms up the whole path before a query
        log.info(
            "model_loaded",
            model=status.model,
            seconds=round(header["load_seconds"], 2),
            mb=round(header["rss_mb"]),
            device=status.device,
        )
        log.info(
            "model_warm",
            first_ms=round(header["first_ms"], 1),
            second_ms=round(header["second_ms"], 1),
            ready_s=round(status.start_took, 2),
        )

    # -- the end of an encoder ---------------------------------------------------------------------

    def _kill(self, reason: str) -> Death:
        child = self._child
        if child is None:
            return Death(reason, "", None, reaped=True)
        return child.kill(reason, dump=not self.stopping.is_set())

    def _on_exit(self, death: Death) -> float:
        """Fail all waiting requests, log the reason once, and schedule the next start."""
        self._cause, cpu = self._devices.judge(death.reason, self._cause, self._images)
        if cpu:
            self._policy = RestartPolicy(self.limits)
        not_counted = cpu or self._images.may_crash or death.reason == self._reason_to_replace
        pause = 0.0 if not_counted else self._policy.died(self._status.served)
        too_often = self.limits.breaker_deaths if self._policy.open else 0
        self._status.dies(death.reason, too_often=too_often)
        self._child = None
        if death.reason in (self._replacement, self._stand_by.reason):
            log.info("encoder_replaced", reason=death.reason)
        else:
            log.error(
                "encoder_died",
                reason=death.reason,
                stack=death.stack[-4000:] or None,
                next_start_s=round(pause, 1),
                reaped=death.reaped,
                remedy="no action needed: it is replaced; if this repeats: photosd logs",
            )
        self._refuse(self._images, self._status.unavailable(), with_deadline=False)
        for lane in self._lanes.values():
            for request in lane.take_sent():
                if not request.probe:
                    self._fail(lane, request, death)
        return max(pause, self.limits.breaker_pause if self._status.error else 0.0)

    def _fail(self, lane: LaneQueue, request: EncodeRequest, death: Death) -> None:
        if self._cause in ("device", "killed") and lane.send_again(request):
            return
        if lane is self._images:
            error = EncoderDied(death.reason, death.stack, self._cause)
            request.future.set_exception(error)
        else:
            request.future.set_exception(self._status.unavailable())

    def _wait(self, seconds: float) -> None:
        """Pause between two encoders; waiting texts still expire on time."""
        self._status.starting_since = time.monotonic() + seconds
        deadline = Deadline.after(seconds)
        self._wake_reader.settimeout(0.05)
        while not deadline.passed and not self.stopping.is_set():
            self.turned_at = time.monotonic()
            with contextlib.suppress(TimeoutError):
                self._wake_reader.settimeout(max(0.001, min(deadline.remaining, 0.2)))
                self._wake_reader.recv(4096)
            if self._status.state == "broken":
                self._refuse_all(self._status.unavailable())
            self._expire()

    def _expire(self) -> None:
        for lane in self._lanes.values():
            for request in lane.expired():
                request.refuse(self._status.unavailable())

    def _refuse_all(self, error: Exception) -> None:
        for lane in self._lanes.values():
            self._refuse(lane, error)

    def _refuse(self, lane: LaneQueue, error: Exception, *, with_deadline: bool = True) -> None:
        for request in lane.take_waiting(with_deadline=with_deadline):
            request.refuse(error)

    def _require_child(self) -> Child:
        if self._child is None:
            raise EncoderDied("there is no encoder", "", "other")
        return self._child
