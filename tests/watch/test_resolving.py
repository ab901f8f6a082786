"""Paths without links: as realpath says, and with no more questions to a disk than it takes."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from photosd.watch.filesystems import MAX_DIRECTORIES, Filesystems


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


def test_the_directories_of_an_album_are_asked_about_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its links lead to a few directories, absolutely, relatively or through other links."""
    photos, album = tmp_path / "photos/2023", tmp_path / "album"
    photos.mkdir(parents=True)
    album.mkdir()
    (tmp_path / "way").symlink_to("photos")
    for number in range(20):
        (photos / f"{number}.jpg").write_bytes(b"x")
        (album / f"a{number}.jpg").symlink_to(photos / f"{number}.jpg")
        (album / f"b{number}.jpg").symlink_to(f"../way/2023/{number}.jpg")
    with Filesystems() as filesystems:
        asked: list[str] = []
        ask = filesystems.ask

        def counted(path: bytes, call: str) -> Any:
            asked.append(call)
            return ask(path, call)

        monkeypatch.setattr(filesystems, "ask", counted)
        links, known = [bytes(one) for one in album.iterdir()], dict[bytes, bytes]()
        entries = [filesystems.entry(link, known) for link in links]
        assert [one and one.path for one in entries] == links
        assert len(asked) <= 4 * len(links) + 10 * len(known)
        assert len(known) == 3
        for link in links:
            assert filesystems.follow(link, known) == os.path.realpath(link)


def test_following_with_known_directories(tmp_path: Path) -> None:
    """The same as without; a circle ends, and few directories are remembered."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/../missing/../there")
    (tmp_path / "circle").symlink_to("circle")
    root, known = os.fsencode(tmp_path.resolve()), dict[bytes, bytes]()
    paths = (b"there", b"missing", b"link", b"link/x", b"missing/../link", b"link/..", b"link/.")
    with Filesystems() as filesystems:
        for path in (*paths, *paths, b"x/y/../there"):
            whole = root + b"/" + path
            assert filesystems.follow(whole, known) == os.path.realpath(whole)
        assert filesystems.follow(b"/tmp", known) == os.path.realpath(b"/tmp")
        assert filesystems.follow(b"/", known) == b"/"
        with pytest.raises(OSError) as circle:
            filesystems.follow(root + b"/circle", known)
        assert circle.value.errno == errno.ELOOP
        for number in range(MAX_DIRECTORIES + 10):
            filesystems.follow(root + b"/missing/%d/x" % number, known)
        assert len(known) <= MAX_DIRECTORIES
