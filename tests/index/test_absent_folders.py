"""A folder that could not be read once is compared again, without an event."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from photosd.index import reconciler
from tests.index.test_reconciler import Shop, shop, within

__all__ = ["shop"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OSError(errno.EIO, "Input/output error"), "offline"),
        (FileNotFoundError(), "offline"),
        (PermissionError(), "no_permission"),
    ],
)
def test_a_folder_that_could_not_be_read_once_comes_back(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, state: str
) -> None:
    """On a local disk, where the watcher has seen nothing; what was added meanwhile is found."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.05)
    folder = shop.add(tmp_path / "photos")
    with monkeypatch.context() as patch:
        patch.setattr(shop.folders.filesystems, "look", Mock(side_effect=error))
        shop.reconciler.start()
        shop.compare()
        assert shop.folders.all()[0].state == state
        assert shop.catalog.get(folder.path + b"/0.jpg") is None
    within(30, lambda: shop.folders.all()[0].present)
    within(30, lambda: shop.catalog.get(folder.path + b"/0.jpg") is not None)


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.EHOSTDOWN, errno.ENXIO, errno.EAGAIN])
def test_a_link_whose_disk_could_not_be_asked_is_compared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As its remedy says, without a rescan: the server of a share was away, or threads."""
    monkeypatch.setattr(reconciler, "RETRY_SECONDS", 0.1)
    shop = Shop(tmp_path)
    try:
        folder, target = shop.add(tmp_path / "photos"), tmp_path / "target.jpg"
        target.write_bytes(b"target")
        (tmp_path / "photos" / "link.jpg").symlink_to(target)
        follow, refused = shop.folders.filesystems.entry, list[bytes]()

        def entry(path: bytes, *arguments: Any) -> Any:
            if not refused:
                refused.append(path)
                raise OSError(number, os.strerror(number), path)
            return follow(path, *arguments)

        monkeypatch.setattr(shop.folders.filesystems, "entry", entry)
        shop.reconciler.start()
        shop.compare()
        assert refused == [folder.path + b"/link.jpg"]
        within(30, lambda: shop.catalog.get(refused[0]) is not None)
    finally:
        shop.close()
