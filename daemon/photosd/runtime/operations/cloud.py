"""Operations on the cloud: consent, reports, and forgetting."""

from __future__ import annotations

import base64
import contextlib

from photosd.core.errors import Busy, ConfigError, NotFound
from photosd.core.log import printable
from photosd.decode.decode_errors import DecodeFailed, FileGone
from photosd.protocol import reports, requests
from photosd.runtime.operations.base import Topic


class CloudOperations(Topic):
    """Manage Gemini."""

    def cloud_status(self, _params: requests.Nothing) -> reports.CloudReport:
        return self._library().gemini.report()

    def cloud_terms(self, params: requests.CloudTermsParams) -> reports.CloudTermsResult:
        return self._library().gemini.terms(params.mode, agents=params.agents)

    def cloud_enable(self, params: requests.CloudEnableParams) -> reports.CloudReport:
        gemini = self._library().gemini
        gemini.enable(params.mode, params.digest, agents=params.agents)
        self._set_mode(params.mode)
        return gemini.report()

    def cloud_disable(self, _params: requests.Nothing) -> reports.CloudReport:
        gemini = self._library().gemini
        try:
            gemini.disable()
        finally:
            self._set_local()
        return gemini.report()

    def cloud_forget(self, _params: requests.Nothing) -> reports.CloudForgetResult:
        try:
            removed = self._library().traces.forget_cloud()
        finally:
            self._set_local()
        return {"removed": removed}

    def cloud_log(self, params: requests.CloudLogParams) -> reports.CloudLogResult:
        return {"calls": self._library().gemini.calls(params.limit)}

    def cloud_preview(self, params: requests.PathParams) -> reports.CloudPreviewResult:
        library = self._library()
        path = self._path(params)
        try:
            small, may_be_sent = library.gemini.preview(path)
        except FileGone as error:
            raise NotFound(
                f"no such file: {printable(path)}", remedy="check the name of the picture"
            ) from error
        except DecodeFailed as error:
            raise NotFound(f"{printable(path)}: {error.reason}", remedy=error.remedy) from error
        return {
            "path": printable(path),
            "jpeg_b64": base64.b64encode(small.data).decode(),
            "width": small.width,
            "height": small.height,
            "bytes": len(small.data),
            "may_be_sent": may_be_sent,
        }

    def cloud_check(self, _params: requests.Nothing) -> reports.CloudCheckResult:
        return {"checks": self._library().gemini.check()}

    def _set_local(self) -> None:
        """If the file cannot be changed the mode stays; without consent it has no effect."""
        with contextlib.suppress(ConfigError, Busy):
            self._set_mode("local")

    def _set_mode(self, mode: str) -> None:
        self._daemon.change_setting("cloud.mode", mode)
