"""A decoder process and the thread that owns it: start, request, kill, replace."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Protocol

import msgspec
import structlog

from photosd.core import typed
from photosd.core.child import Activity, Child, Effort, readable
from photosd.core.clock import Deadline
from photosd.core.formats import is_raw_name
from photosd.core.frames import FrameError, receive_frame, send_frame
from photosd.core.log import printable
from photosd.core.process_memory import footprint
from photosd.decode.decode_errors import (
    DecodeFailed,
    DecoderDied,
    DecoderUnavailable,
    FileGone,
    Nonsense,
    NotDelivered,
    Stopped,
    TooMuchMemory,
    TooSlow,
)
from photosd.decode.limits import DecodeLimits
from photosd.decode.messages import DecodeRequest, FailureReply, Reply

log = structlog.get_logger()

MODULE = "photosd.decode"
# Files; then the process is replaced, which frees memory leaked by picture libraries.
RECYCLE_AFTER = 5000
EXIT_SECONDS = 1.0
LISTEN_SECONDS = 0.25  # between two looks at what it does
LOOK_SECONDS = 0.05  # between two looks at its memory while a photo is decoded
HUNG = 3  # times the limit for decoding: a process that is idle for so long hangs
# Added to the limit: 10 times what HEIF takes on a server's core, and others take less.
SECONDS_PER_MEGAPIXEL = 0.5
SLOW_SHARE_FACTOR = 10  # times the limit for reading, while a slow share responds
REAP_SECONDS = 0.2  # for a process that its disk may block forever
Answer = tuple[Reply, list[bytearray]]


class DecoderMemory:
    """Measures a decoder's memory from outside, where the system refuses to limit it (macOS).

    For a process that has just started and holds no photo.
    """

    def __init__(self, pid: int, limits: DecodeLimits) -> None:
        self._pid = pid
        self._most = (footprint(pid) or 0) + limits.memory + limits.file_bytes

    def exceeded(self) -> bool:
        """Whether it uses more than its libraries, a file and the pixels may."""
        return (footprint(self._pid) or 0) > self._most


class Silence(Protocol):
    """Whether the disk that a file is read from still responds."""

    def heard(self) -> None:
        """A piece of the file arrived."""

    def restart(self) -> None:
        """Nothing arrived, but not because of the disk."""

    def timed_out(self) -> bool:
        """Whether waiting is pointless."""


class Decoder:
    """At most one process, replaced after a crash. For one thread, except `interrupt`.

    The process ends with the thread that started it, so that thread must stay.
    """

    def __init__(self, *, urgent: bool) -> None:
        self._urgent = urgent
        self._child: Child | None = None
        self._limits = DecodeLimits()
        self._memory: DecoderMemory | None = None  # None: the system limits it
        self._served = 0
        self._read_seconds = 0.0  # seconds for reading
        self._reading = False  # whether the process still waits for the disk
        self._interrupted = threading.Event()

    @property
    def pid(self) -> int | None:
        """The process, if running."""
        child = self._child
        return child.pid if child else None

    def ensure(self, limits: DecodeLimits) -> None:
        """Start a process with these (resolved) limits if needed; raises DecoderUnavailable,
        Stopped.
        """
        if self._child and (
            self._served >= RECYCLE_AFTER or limits != self._limits or not self._child.alive
        ):
            self.close()
        if self._child is None:
            self._start(limits)

    def ask(
        self,
        request: DecodeRequest,
        deadline: Deadline | None = None,
        silence: Silence | None = None,
    ) -> Answer:
        """The answer about one file; raises DecodeFailed of any kind.

        ``deadline`` is the caller's; the limits for reading and decoding apply as well. Once
        ``silence`` is over it raises NotDelivered.
        """
        child = self._child
        if child is None:
            raise DecoderUnavailable("there is no decoder process")
        self._served += 1
        try:
            return self._converse(child, request, deadline, silence)
        except TimeoutError as error:
            raise self._kill(child, request, deadline, str(error)) from None
        except (EOFError, OSError):
            raise self._on_exit(child, request) from None
        except (FrameError, msgspec.MsgspecError, ValueError) as error:
            self.close()
            raise Nonsense(error) from error
        except DecodeFailed:
            raise
        except BaseException:  # as when memory is short: its answer would be taken for the next one
            self.close()
            raise

    def interrupt(self) -> None:
        """From another thread: the current request, and all later ones, end with Stopped."""
        self._interrupted.set()
        child = self._child
        if child is not None:
            with contextlib.suppress(OSError):
                child.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill("no longer needed", dump=False)

    # -- one conversation ---------------------------------------------------------------------

    def _start(self, limits: DecodeLimits) -> None:
        if self._interrupted.is_set():
            raise Stopped
        lane = "urgent" if self._urgent else "background"
        arguments = [msgspec.json.encode(limits).decode(), lane]
        try:
            child = Child(MODULE, arguments)
        except OSError as error:
            raise DecoderUnavailable(f"no process can be started: {error}") from error
        self._child, self._limits, self._served = child, limits, 0
        if self._interrupted.is_set():  # between the check above and now
            self.close()
            raise Stopped
        reason = ""
        try:
            hello = self._receive(child, limits.start_seconds)[0]
            if hello.ready:
                self._memory = DecoderMemory(child.pid, limits) if hello.unlimited else None
                return
            reason = "its first message is invalid"
        except TimeoutError:
            reason = f"it was not ready within {limits.start_seconds:g} s"
        except (EOFError, OSError, FrameError, msgspec.MsgspecError):
            _wait_for_exit(child)
        self._child = None
        if self._interrupted.is_set():
            child.kill("stopped", dump=False)
            raise Stopped
        death = child.kill(reason) if reason else child.exit_report()
        log.error("decoder_start_failed", reason=death.reason, stack=death.stack[-2000:])
        last = death.stack.rpartition("\n")[2]
        raise DecoderUnavailable(f"the decoder does not start: {death.reason}. {last}".strip())

    def _converse(
        self,
        child: Child,
        request: DecodeRequest,
        deadline: Deadline | None,
        silence: Silence | None,
    ) -> Answer:
        self._reading, limits = True, self._limits
        child.sock.settimeout(limits.read_seconds)
        send_frame(child.sock, request.as_header())
        self._read_seconds = limits.read_seconds * (1 if silence is None else SLOW_SHARE_FACTOR)
        reply, blobs = self._read(child, deadline, silence)
        if reply.read:
            self._reading = False
            reply, blobs = self._decode(child, request, deadline)
        if reply.failure is not None:
            raise _failed(reply.failure)
        return reply, blobs

    def _read(self, child: Child, deadline: Deadline | None, silence: Silence | None) -> Answer:
        """The first answer that is not just a sign of progress; raises TimeoutError, NotDelivered.

        ``_read_seconds`` are those that the process waits for the disk, not for a core.
        """
        effort, activity = Effort(child.pid), Activity(child.pid)
        while True:
            while not self._sends(child, deadline):
                effort.look()
                if effort.idle > self._read_seconds:
                    raise TimeoutError
                if silence is not None and silence.timed_out():
                    self._on_silence(child, silence, activity)
            if silence is not None:
                silence.heard()
            reply, blobs = self._receive(child, self._limits.read_seconds)
            if not reply.reading:
                return reply, blobs

    def _on_silence(self, child: Child, silence: Silence, activity: Activity) -> None:
        """Raise NotDelivered, unless it waits for a core and not for the disk."""
        if activity.works():
            silence.restart()
            return
        self._child = None
        child.kill("its disk does not respond", dump=False, reap_seconds=REAP_SECONDS)
        raise NotDelivered

    def _decode(self, child: Child, request: DecodeRequest, deadline: Deadline | None) -> Answer:
        """The answer; raises TimeoutError with the reason, TooMuchMemory.

        Limits are seconds of a core: on a busy machine decoding takes longer, and is no failure.
        """
        raw = is_raw_name(request.path)
        seconds = self._limits.raw_seconds if raw else self._limits.decode_seconds
        effort, reply = Effort(child.pid), Reply(megapixels=0.0)
        blobs: list[bytearray] = []
        while reply.megapixels is not None:
            seconds += SECONDS_PER_MEGAPIXEL * reply.megapixels
            while not self._sends(child, deadline):
                effort.look()
                if effort.used > seconds:
                    raise TimeoutError(f"decoding took more than {seconds:g} s of processor time")
                if effort.idle > HUNG * seconds:
                    raise TimeoutError(f"decoding made no progress for {HUNG * seconds:g} s")
            reply, blobs = self._receive(child, self._limits.read_seconds)
        return reply, blobs

    def _sends(self, child: Child, deadline: Deadline | None) -> bool:
        """Whether there is something to receive, soon; raises TimeoutError, TooMuchMemory."""
        if deadline is not None and deadline.passed:
            raise TimeoutError
        end = time.monotonic() + _within(LISTEN_SECONDS, deadline)
        if self._memory is None or self._reading:
            return readable(child.sock, end - time.monotonic())
        while not readable(child.sock, min(LOOK_SECONDS, end - time.monotonic())):
            if self._memory.exceeded():
                self._child = None
                child.kill("it used too much memory", dump=False)
                raise TooMuchMemory(self._limits.remedy(memory=2 * self._limits.memory))
            if time.monotonic() >= end:
                return False
        return True

    def _receive(self, child: Child, seconds: float) -> Answer:
        child.sock.settimeout(max(seconds, 0.001))  # 0 would mean: do not block
        header, blobs = receive_frame(child.sock)
        return typed.convert(header, Reply), blobs

    def _kill(
        self, child: Child, request: DecodeRequest, deadline: Deadline | None, reason: str
    ) -> DecodeFailed:
        """The process did not answer in time: kill it, and determine the cause."""
        self._child = None
        if deadline is not None and deadline.passed:
            child.kill("the caller's deadline passed", dump=False)
            return TooSlow()
        if self._reading:
            child.kill("reading took too long", dump=False)
            return DecodeFailed(
                "slow_disk",
                f"the disk did not deliver the file within {self._read_seconds:g} s",
                "check the disk and its connection",
                transient=True,
            )
        death = child.kill(reason)
        return self._died(request, death.reason, death.stack)

    def _on_exit(self, child: Child, request: DecodeRequest) -> DecodeFailed:
        """The process has ended: return the error, and forget it."""
        self._child = None
        if self._interrupted.is_set():
            child.kill("stopped", dump=False)
            return Stopped()
        _wait_for_exit(child)
        death = child.exit_report()
        reason = f"the decoder was lost: {death.reason}"
        return self._died(request, reason, death.stack, by_others=death.by_others)

    def _died(
        self, request: DecodeRequest, reason: str, stack: str, *, by_others: bool = False
    ) -> DecoderDied:
        log.warning(
            "decoder_died", path=printable(request.path), reason=reason, stack=stack[-2000:]
        )
        return DecoderDied(reason, stack, by_others=by_others)


def _failed(failure: FailureReply) -> DecodeFailed:
    if failure.code == "gone":
        return FileGone()
    return DecodeFailed(failure.code, failure.reason, failure.remedy, failure.transient)


def _within(seconds: float, deadline: Deadline | None) -> float:
    return seconds if deadline is None else min(seconds, deadline.remaining)


def _wait_for_exit(child: Child) -> None:
    """Its socket closes just before it can be reaped; wait for its exit code."""
    end = time.monotonic() + EXIT_SECONDS
    while child.alive and time.monotonic() < end:
        time.sleep(0.005)
