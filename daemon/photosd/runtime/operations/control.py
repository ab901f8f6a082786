"""Operations on the daemon: its state, settings, model and stop."""

from __future__ import annotations

import os

import msgspec

import photosd
from photosd.core import config
from photosd.models import registry
from photosd.protocol import messages as m
from photosd.protocol.server import Emit
from photosd.runtime.liveness import self_check
from photosd.runtime.operations.base import Topic


class ControlOperations(Topic):
    """Query and control the daemon."""

    def hello(self, _params: m.Nothing, _emit: Emit) -> m.Hello:
        return m.Hello(
            version=photosd.__version__,
            protocol=m.PROTOCOL,
            pid=os.getpid(),
            home=str(self._daemon.home.state.parent),
            capabilities=sorted(m.OPERATIONS),
        )

    def status(self, _params: m.Nothing, _emit: Emit) -> m.StatusResult:
        return self._daemon.report()

    def config(self, _params: m.Nothing, _emit: Emit) -> m.ConfigResult:
        return m.ConfigResult(
            [msgspec.to_builtins(setting) for setting in config.describe(self._daemon.settings)]
        )

    def config_set(self, params: m.ConfigSetParams, _emit: Emit) -> m.ConfigSetResult:
        if params.name == "encoder.model":
            registry.named(self._daemon.home, params.value)
        value = config.parsed(params.name, params.value)
        self._daemon.change_setting(params.name, params.value)
        return m.ConfigSetResult(params.name, config.shown(value))

    def model(self, params: m.ModelParams, _emit: Emit) -> m.ModelResult:
        return self._library().model_switcher.result(params.estimate)

    def self_check(self, _params: m.Nothing, _emit: Emit) -> m.SelfCheckResult:
        return self_check(self._library().encoder, self._daemon.unwell())

    def stop(self, _params: m.Nothing, _emit: Emit) -> m.StopResult:
        self._daemon.request_stop("asked by a client")
        return m.StopResult(True)
