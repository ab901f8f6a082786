"""What `photosd cloud preview` says of a file that is not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from photosd.core.errors import NotFound
from photosd.decode.decode_errors import FileGone
from photosd.protocol.requests import PathParams
from photosd.runtime.daemon import Daemon
from photosd.runtime.operations.cloud import CloudOperations


def test_the_name_of_an_absent_file_is_to_be_checked() -> None:
    """It may never have been there: that there is nothing to do would be no help."""

    def preview(_path: bytes) -> None:
        raise FileGone

    library: Any = SimpleNamespace(
        folders=SimpleNamespace(real=lambda path: path), gemini=SimpleNamespace(preview=preview)
    )
    topic = CloudOperations(cast("Daemon", SimpleNamespace(library=lambda _seconds: library)))
    with pytest.raises(NotFound, match=r"no such file: /p/absent\.jpg") as caught:
        topic.cloud_preview(PathParams("/p/absent.jpg"))
    assert caught.value.remedy == "check the name of the picture"
