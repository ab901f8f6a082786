"""The memory of an encoder is looked at; if the system cannot tell, that is no reason to end it."""

from __future__ import annotations

import errno
import os
import sys

import psutil
import pytest

from photosd.encoder import memory
from photosd.encoder.memory import EncoderMemory


@pytest.mark.skipif(sys.platform == "darwin", reason="psutil tells nothing there")
def test_an_encoder_outlives_a_system_without_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked at again later; it was killed by an error of its supervisor."""
    monkeypatch.setattr(memory, "LOOK_SECONDS", 0.0)
    kept = EncoderMemory()

    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(psutil, "virtual_memory", refuse)
        patch.setattr(psutil.Process, "memory_info", refuse)
        for limit in (0.0, 0.001):
            kept.look(os.getpid(), limit)
    assert kept.reason is None
    kept.look(os.getpid(), 0.001)
    assert kept.reason is not None
