"""Operations on the daemon: its state, settings, model and stop."""

from __future__ import annotations

import os
import time

import msgspec

import photosd
from photosd.core import config
from photosd.models import registry
from photosd.protocol import reports, requests
from photosd.protocol.caller import PROTOCOL
from photosd.protocol.server import Emit
from photosd.runtime.liveness import self_check
from photosd.runtime.operations.base import Topic

LOOK_SECONDS, KEEP_ALIVE_SECONDS = 0.5, 5.0  # keep-alives notice readers that have left


class ControlOperations(Topic):
    """Query and control the daemon."""

    def hello(self, _params: requests.Nothing) -> reports.Hello:
        return {
            "version": photosd.__version__,
            "protocol": PROTOCOL,
            "pid": os.getpid(),
            "home": str(self._daemon.home.state.parent),
            "capabilities": sorted(requests.OPERATIONS),
        }

    def status(self, _params: requests.Nothing) -> reports.StatusResult:
        return self._daemon.report()

    def follow(self, params: requests.FollowParams, emit: Emit) -> reports.StatusResult:
        sent: tuple[object, ...] = ()
        sent_at = 0.0
        while True:
            status = self._daemon.report()
            if not params.wait or status["state"] == "stopping":
                return status
            late = time.monotonic() - sent_at >= KEEP_ALIVE_SECONDS
            if late or _changing(status) != sent:
                emit(status)
                sent, sent_at = _changing(status), time.monotonic()
            time.sleep(LOOK_SECONDS)

    def config(self, _params: requests.Nothing) -> reports.ConfigResult:
        return {"settings": msgspec.to_builtins(config.describe(self._daemon.settings))}

    def config_set(self, params: requests.ConfigSetParams) -> reports.ConfigSetResult:
        if params.name == "encoder.model":
            registry.named(self._daemon.home, params.value)
        value = config.parsed(params.name, params.value)
        before = config.value_of(self._daemon.settings, params.name)
        self._daemon.change_setting(params.name, params.value)
        return {"name": params.name, "value": config.shown(value), "changed": value != before}

    def model(self, params: requests.ModelParams) -> reports.ModelResult:
        return self._library().model_switcher.result(params.estimate)

    def self_check(self, _params: requests.Nothing) -> reports.SelfCheckResult:
        return self_check(self._library().encoder, self._daemon.failed_checks())

    def stop(self, _params: requests.Nothing) -> reports.StopResult:
        self._daemon.request_stop("asked by a client")
        return {"stopping": True}


def _changing(status: reports.StatusResult) -> tuple[object, ...]:
    """What is worth a message when it changes: neither sizes in bytes nor times."""
    encoder = status["encoder"]
    index = {name: value for name, value in status["index"].items() if name != "bytes"}
    return (
        status["state"],
        index,
        status["folders"],
        status["warnings"],
        status["switch"],
        [running["path"] for running in status["comparisons"]],
        (encoder["state"], encoder["model"], encoder["device"], encoder["phase"]),
    )
