"""Memory of a process as the system's own tools show it: on a Mac with the GPU's part."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from typing import Any

import psutil
import pytest

from photosd.core.process_memory import RUSAGE_INFO_V0, RusageInfo, footprint, physical_footprint


def test_a_process_that_runs_has_one_and_one_that_ended_has_none() -> None:
    """Bytes; on a Mac by the kernel's own account."""
    found = footprint(os.getpid())
    assert found is not None and 1e6 < found < psutil.virtual_memory().total
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    assert footprint(ended.pid) is None


def test_the_macs_account_is_read_at_its_place() -> None:
    """The eighth number of `struct rusage_info_v0`, 72 bytes from its start."""
    assert RusageInfo.phys_footprint.offset == 72

    def tell(pid: int, kind: int, info: Any) -> int:
        assert (pid, kind) == (7, RUSAGE_INFO_V0)
        info.contents.resident_size, info.contents.phys_footprint = 1 << 20, 5 << 30
        return 0

    assert physical_footprint(7, tell) == 5 << 30
    assert physical_footprint(7, lambda *_: -1) is None


@pytest.mark.parametrize("error", [OSError, AttributeError])
def test_a_mac_without_that_call_tells_resident_memory(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """As when the library moves in a later macOS."""

    def absent(_library: str) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", absent)
    monkeypatch.setattr(sys, "platform", "darwin")
    found = footprint(os.getpid())
    assert found is not None and found > 1e6
