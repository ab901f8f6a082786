"""Operations on the daemon: its state, settings, model and stop."""

from __future__ import annotations

import os

import msgspec

import photosd
from photosd.core import config
from photosd.models import registry
from photosd.protocol import reports, requests
from photosd.protocol.caller import PROTOCOL
from photosd.runtime.liveness import self_check
from photosd.runtime.operations.base import Topic


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

    def config(self, _params: requests.Nothing) -> reports.ConfigResult:
        return {"settings": msgspec.to_builtins(config.describe(self._daemon.settings))}

    def config_set(self, params: requests.ConfigSetParams) -> reports.ConfigSetResult:
        if params.name == "encoder.model":
            registry.named(self._daemon.home, params.value)
        value = config.parsed(params.name, params.value)
        self._daemon.change_setting(params.name, params.value)
        return {"name": params.name, "value": config.shown(value)}

    def model(self, params: requests.ModelParams) -> reports.ModelResult:
        return self._library().model_switcher.result(params.estimate)

    def self_check(self, _params: requests.Nothing) -> reports.SelfCheckResult:
        return self_check(self._library().encoder, self._daemon.failed_checks())

    def stop(self, _params: requests.Nothing) -> reports.StopResult:
        self._daemon.request_stop("asked by a client")
        return {"stopping": True}
