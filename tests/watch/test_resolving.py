"""Paths without links: as realpath says, and with no more questions to a disk than it takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from photosd.watch.filesystems import Filesystems


def test_what_is_below_nothing_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path may have thousands of parts; the first one that is not there ends the questions."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/../missing/../there")
    root = os.fsencode(tmp_path.resolve())
    with Filesystems() as filesystems:
        asked: list[bytes] = []
        ask = filesystems.ask

        def counted(path: bytes, call: str) -> Any:
            asked.append(path)
            return ask(path, call)

        monkeypatch.setattr(filesystems, "ask", counted)
        for path in (b"there", b"missing", b"link", b"link/x", b"missing/../link", b"x/../there"):
            whole = root + b"/" + path
            assert filesystems.resolve(whole) == os.path.realpath(whole)
        asked.clear()
        far = root + b"/missing" + 2000 * b"/a"
        assert filesystems.resolve(far) == far
        assert len(asked) <= root.count(b"/") + 2
