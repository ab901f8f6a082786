"""The page's server in this process, on a daemon made of answers."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from photosd.core.paths import Home
from photosd_cli.web.app import build
from photosd_cli.web.live import Live
from photosd_cli.web.security import Access
from tests.cli.conftest import photosd  # noqa: F401 (a fixture)
from tests.cli.stub import StubDaemon, error, status_result

COOKIE = "photosd-8000"
ORIGIN = "http://127.0.0.1:8000"
CHANGES = {"x-photosd": "1"}
CONTENT = f"2a-{'0' * 31}1"


class Site(NamedTuple):
    """The application, and what it was made of."""

    app: ASGIApp
    access: Access
    live: Live
    daemon: StubDaemon

    def browser(self, peer: str = "127.0.0.1", origin: str = ORIGIN) -> TestClient:
        """A browser that has not been let in; ``peer``: its address."""
        return TestClient(self.app, base_url=origin, client=(peer, 5555), follow_redirects=False)

    def entered(self, peer: str = "127.0.0.1") -> TestClient:
        """A browser with the cookie."""
        browser = self.browser(peer)
        session = self.access.with_passphrase("a long pass phrase")
        assert session
        browser.cookies.set(COOKIE, session)
        return browser


def jpeg(width: int = 40, height: int = 30) -> bytes:
    """A picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 90, 30)).save(buffer, "JPEG")
    return buffer.getvalue()


def shown(path: Path | str, size: int, **more: Any) -> dict[str, Any]:
    """An answer to `show`."""
    return {"path": str(path), "path_b64": None, "size": size, "facts": {}, **more}


@pytest.fixture
def site(home: Home, tmp_path: Path) -> Iterator[Site]:
    """The application; a pass phrase lets browsers in."""
    daemon = StubDaemon(home.socket)
    small = {"width": 40, "height": 30, "form": "jpeg", "content_id": CONTENT}
    daemon.answers |= {
        "thumbnail": {**small, "data_b64": base64.b64encode(jpeg()).decode()},
        "show": error("not_found"),
        "status": status_result(),
        "follow": [status_result(), error("busy")],
    }
    directory = tmp_path / "dropped"
    directory.mkdir()
    access, live = Access("a long pass phrase"), Live(None)
    app = build(None, access, live, directory, cookie=COOKIE, names=["box.example"])
    yield Site(app, access, live, daemon)
    live.stop()
    daemon.close()
