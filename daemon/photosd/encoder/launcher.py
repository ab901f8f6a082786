"""Starts encoder processes: forked from a zygote if possible, else spawned."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from photosd.core.child import Child, Death, readable
from photosd.models.spec import read_model

log = structlog.get_logger()

ENCODER, ZYGOTE = "photosd.encoder", "photosd.encoder.zygote"
ANSWER_SECONDS = 1.0
FAILED_STARTS_MOST = 2  # after this many forks that never reported, only spawn

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",  # weights and tokenizers are loaded only from the model's directory
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OPENBLAS_NUM_THREADS": "1",  # numpy is barely used, and threads break forks
    "GOMP_SPINCOUNT": "0",  # spinning OpenMP threads would take the decoders' cores
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTORCH_ENABLE_MPS_FALLBACK": "1",  # read when torch is imported: the CPU does what MPS lacks
}


class EncoderLauncher:
    """Starts encoders. Only the supervisor thread uses it, and it must outlive the encoders."""

    def __init__(self) -> None:
        self._zygote: Child | None = None
        self._zygote_lean = True
        self._failed_starts = 0
        self._last: ForkedChild | None = None

    def spawn(self, directory: Path, device: str) -> Child:
        """Start a new encoder on ``device``; it will report its pid; pass it to ``started``.

        Raises ModelError.
        """
        self._count_failed_start()
        if sys.platform == "linux" and self._failed_starts < FAILED_STARTS_MOST:
            with contextlib.suppress(OSError):
                self._last = ForkedChild(self._zygote_for(directory), directory, device)
                return self._last
            self.close()
        return Child(ENCODER, [str(directory), device], environment=ENVIRONMENT)

    def started(self, pid: int) -> None:
        """The last encoder has reported its pid."""
        if self._last is not None and not self._last.has_started:
            self._last.started(pid)

    def discard(self, child: Child, reason: str) -> Death:
        """End one that does not serve. The zygote stays, and the encoders that it forked: a fork
        that has not reported its pid ends by itself.
        """
        if isinstance(child, ForkedChild) and not child.has_started:
            child.close()
            return Death(reason, "", None, reaped=False)
        return child.kill(reason, dump=False) if child.alive else child.exit_report()

    def close(self) -> None:
        """Stop the zygote, and any of its encoders still running."""
        if self._zygote is not None:
            self._zygote.kill("no longer needed", dump=False)
            self._zygote = None

    def _zygote_for(self, directory: Path) -> Child:
        """The zygote; a new one if its imports do not match the model."""
        lean = read_model(directory).lean
        if self._zygote is not None and (not self._zygote.alive or lean != self._zygote_lean):
            self.close()
        if self._zygote is None:
            self._zygote_lean = lean
            self._zygote = Child(ZYGOTE, environment=ENVIRONMENT, kind=socket.SOCK_SEQPACKET)
            self._zygote.sock.settimeout(ANSWER_SECONDS)
        return self._zygote

    def _count_failed_start(self) -> None:
        if self._last is not None and not self._last.has_started:
            self._failed_starts += 1
            if self._failed_starts == FAILED_STARTS_MOST:
                log.warning(
                    "zygote_disabled", remedy="no action needed: encoders start more slowly"
                )
        self._last = None


class ForkedChild(Child):
    """An encoder whose parent is the zygote. Until it reports its pid, this stands for
    the zygote.
    """

    def __init__(self, zygote: Child, directory: Path, device: str) -> None:
        self._zygote = zygote
        self._pid: int | None = None
        self._pidfd: int | None = None
        self._code: int | None = None
        super().__init__(str(directory), [device])

    def _begin(
        self,
        module: str,
        arguments: Sequence[str],
        _environment: Mapping[str, str],
        theirs: socket.socket,
    ) -> None:
        order = json.dumps({"fork": module, "device": arguments[0]}).encode()
        socket.send_fds(self._zygote.sock, [order], [theirs.fileno(), self._stderr.fileno()])

    def started(self, pid: int) -> None:
        """It runs as ``pid``: the zygote reaps it only on request."""
        self._pid = pid
        if sys.platform == "linux":  # elsewhere there is no zygote
            with contextlib.suppress(OSError):
                self._pidfd = os.pidfd_open(pid)

    @property
    def has_started(self) -> bool:
        """Whether it ever reported."""
        return self._pid is not None

    @property
    def pid(self) -> int:
        return self._zygote.pid if self._pid is None else self._pid

    @property
    def alive(self) -> bool:
        if self._pid is None:
            return self._zygote.alive
        return self._pidfd is not None and not readable(self._pidfd, 0)

    def close(self) -> None:
        super().close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _wait(self, seconds: float) -> bool:
        if self._pid is None:
            return self._zygote._wait(seconds)
        return self._pidfd is None or readable(self._pidfd, seconds)

    def _exit_code(self) -> int | None:
        """Have it reaped; a zygote that does not respond is killed, with its zombies."""
        if self._pid is None or self._code is not None:
            return self._code
        try:
            self._zygote.sock.send(json.dumps({"reap": self._pid}).encode())
            self._code = json.loads(self._zygote.sock.recv(1024) or b"{}").get("code")
        except OSError:
            self._zygote.kill("it does not answer", dump=False)
        return self._code
