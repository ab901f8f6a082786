"""Only the user can access the socket's directory, and one daemon serves it."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

import pytest

from photosd.core.errors import AlreadyRunning, Unreachable
from photosd.core.paths import Home
from photosd.core.socketpath import SOCKET_PATH_LIMIT, socket_path
from photosd.protocol.endpoint import open_endpoint, secure_directory


def test_the_directory_and_the_socket_are_private(home: Home) -> None:
    """Other users cannot enter, connect or list."""
    endpoint = open_endpoint(home)
    assert stat.S_IMODE(home.runtime.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.socket.stat().st_mode) & 0o077 == 0
    endpoint.close()
    assert not home.socket.exists()
    endpoint.release()


def test_last_answers_end_with_the_daemon(home: Home) -> None:
    """They hold queries and paths; nothing is left in the directory."""
    endpoint = open_endpoint(home)
    home.answers.mkdir(mode=0o700)
    (home.answers / "1-2-3.json").write_text("what was asked")
    endpoint.close()
    endpoint.release()
    assert not home.runtime.exists()


def test_a_second_daemon_gets_the_pid_of_the_first(home: Home) -> None:
    """The lock decides; the socket of the first is not touched."""
    endpoint = open_endpoint(home)
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        open_endpoint(home)
    assert endpoint.intact()
    endpoint.close()
    with pytest.raises(AlreadyRunning):
        open_endpoint(home)  # the lock is held to the end, while the index is still being closed
    endpoint.release()
    open_endpoint(home).close()


def test_a_stale_socket_is_replaced(home: Home) -> None:
    """A crash leaves the socket file; the next daemon replaces it."""
    home.runtime.mkdir(parents=True, mode=0o700)
    leftover = socket.socket(socket.AF_UNIX)
    leftover.bind(str(home.socket))
    leftover.close()
    open_endpoint(home).close()


def test_a_socket_in_use_does_not_grow_old(home: Home) -> None:
    """macOS deletes what was not used for three days: then photosd seemed not to run."""
    endpoint = open_endpoint(home)
    before = time.time() - 4 * 86_400
    os.utime(home.socket, (before, before))
    assert not endpoint.renew(home)
    assert endpoint.intact()
    found = home.socket.stat()
    assert min(found.st_atime, found.st_mtime) > before + 3 * 86_400
    endpoint.close()
    endpoint.release()


def test_a_file_in_the_socket_s_place_is_not_removed(home: Home) -> None:
    """The file may belong to the user."""
    home.runtime.mkdir(parents=True, mode=0o700)
    home.socket.write_text("mine")
    with pytest.raises(Unreachable, match="not a socket"):
        open_endpoint(home)
    assert home.socket.read_text() == "mine"


def test_an_open_directory_is_closed(home: Home) -> None:
    """Ours but 0777: repaired."""
    home.runtime.mkdir(parents=True)
    home.runtime.chmod(0o777)
    secure_directory(home.runtime)
    assert stat.S_IMODE(home.runtime.stat().st_mode) == 0o700


def test_a_symlinked_directory_is_refused(home: Home, tmp_path: Path) -> None:
    """Another user may have made the link."""
    home.runtime.parent.mkdir(parents=True, exist_ok=True)
    home.runtime.symlink_to(tmp_path)
    with pytest.raises(Unreachable, match="not a directory"):
        open_endpoint(home)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_foreign_directory_is_refused(home: Home) -> None:
    """Its owner could swap the socket under us."""
    home.runtime.mkdir(parents=True)
    os.chown(home.runtime, 12345, 12345)
    with pytest.raises(Unreachable, match="another user"):
        open_endpoint(home)


def test_a_long_home_gets_a_short_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sockaddr_un holds about 100 bytes; daemon and client agree on the stand-in."""
    monkeypatch.setenv("PHOTOSD_HOME", str(tmp_path / ("long" * 40)))
    monkeypatch.delenv("PHOTOSD_SOCKET", raising=False)
    home = Home.from_environment()
    assert len(os.fsencode(home.socket)) <= SOCKET_PATH_LIMIT
    assert home.socket == socket_path()
    endpoint = open_endpoint(home)
    endpoint.close()
    endpoint.release()
    assert not home.runtime.exists()  # in /tmp nothing is left
