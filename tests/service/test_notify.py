"""Messages to the service manager arrive whole; without one, nothing fails."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.service.notify import SystemdNotifier


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A service manager's end; systemd uses both kinds of address."""
    inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inbox.settimeout(5)
    name = f"photosd-{os.getpid()}"
    inbox.bind(str(tmp_path / "n") if request.param == "path" else f"\0{name}")
    monkeypatch.setenv(
        "NOTIFY_SOCKET", str(tmp_path / "n") if request.param == "path" else f"@{name}"
    )
    yield inbox
    inbox.close()


def test_fields_arrive(manager: socket.socket) -> None:
    """One datagram, a line a field; a newline inside cannot make a field of its own."""
    SystemdNotifier().send(READY="1", STATUS="two\nWATCHDOG=trigger")
    assert manager.recv(999) == b"READY=1\nSTATUS=two WATCHDOG=trigger"


def test_workers_inherit_nothing(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an encoder could vouch for a daemon that hangs."""
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert SystemdNotifier().watchdog_seconds == 60
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} & set(os.environ)


def test_another_s_watchdog_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """WATCHDOG_PID says who is meant."""
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert SystemdNotifier().watchdog_seconds is None


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here"])
def test_without_a_service_manager_notify_does_nothing(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without systemd, or with one that is gone."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    SystemdNotifier().send(READY="1")
