"""Operations on the cloud: consent, reports, and forgetting."""

from __future__ import annotations

import base64
import contextlib

import msgspec

from photosd.core.errors import Busy, ConfigError, NotFound
from photosd.core.log import printable
from photosd.decode.failures import DecodeFailed, FileGone
from photosd.protocol import messages as m
from photosd.protocol.paths import path_from
from photosd.protocol.server import Emit
from photosd.runtime.operations.base import Topic


class CloudOperations(Topic):
    """Manage Gemini."""

    def cloud_status(self, _params: m.Nothing, _emit: Emit) -> m.CloudReport:
        return self._library().gemini.report()

    def cloud_terms(self, params: m.CloudTermsParams, _emit: Emit) -> m.CloudTermsResult:
        return self._library().gemini.terms(params.mode, agents=params.agents)

    def cloud_enable(self, params: m.CloudEnableParams, _emit: Emit) -> m.CloudReport:
        gemini = self._library().gemini
        gemini.enable(params.mode, params.digest, agents=params.agents)
        self._set_mode(params.mode)
        return gemini.report()

    def cloud_disable(self, _params: m.Nothing, _emit: Emit) -> m.CloudReport:
        gemini = self._library().gemini
        try:
            gemini.disable()
        finally:
            self._set_local()
        return gemini.report()

    def cloud_forget(self, _params: m.Nothing, _emit: Emit) -> m.CloudForgetResult:
        try:
            removed = self._library().traces.forget_cloud()
        finally:
            self._set_local()
        return m.CloudForgetResult(removed)

    def cloud_log(self, params: m.CloudLogParams, _emit: Emit) -> m.CloudLogResult:
        calls = self._library().gemini.calls(params.limit)
        return m.CloudLogResult([m.CloudCall(**msgspec.structs.asdict(call)) for call in calls])

    def cloud_preview(self, params: m.PathParams, _emit: Emit) -> m.CloudPreviewResult:
        library = self._library()
        path = library.folders.real(path_from(params.path, params.path_b64))
        try:
            small, may_be_sent = library.gemini.preview(path)
        except FileGone as error:
            raise NotFound(
                f"no such file: {printable(path)}", remedy="check the name of the picture"
            ) from error
        except DecodeFailed as error:
            raise NotFound(f"{printable(path)}: {error.reason}", remedy=error.remedy) from error
        jpeg = base64.b64encode(small.data).decode()
        return m.CloudPreviewResult(
            printable(path), jpeg, small.width, small.height, len(small.data), may_be_sent
        )

    def cloud_check(self, _params: m.Nothing, _emit: Emit) -> m.CloudCheckResult:
        checked = self._library().gemini.check()
        return m.CloudCheckResult([m.CloudCheck(**msgspec.structs.asdict(one)) for one in checked])

    def _set_local(self) -> None:
        """If the file cannot be changed the mode stays; without consent it has no effect."""
        with contextlib.suppress(ConfigError, Busy):
            self._set_mode("local")

    def _set_mode(self, mode: str) -> None:
        self._daemon.change_setting("cloud.mode", mode)
