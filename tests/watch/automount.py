"""A directory where the first access would mount a share, from a server that is away.

``python -m tests.watch.automount POINT`` mounts it (autofs) and mounts nothing there, until its
input ends. For the kernel, the process group of this process is the automounter's, and never waits:
only it can unmount while others wait.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.watch.hangfs import LAZY, ROOT


@contextlib.contextmanager
def automounted(point: Path) -> Iterator[None]:
    """Mount it; skips where that is impossible."""
    if os.geteuid() or "\tautofs" not in Path("/proc/filesystems").read_text():
        pytest.skip("mounting autofs needs Linux and root")
    command = [sys.executable, "-m", "tests.watch.automount", str(point)]
    automounter = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdin=subprocess.PIPE)
    try:
        limit = time.monotonic() + 20
        while str(point) not in Path("/proc/self/mountinfo").read_text():
            if automounter.poll() is not None or time.monotonic() > limit:
                pytest.skip("autofs cannot be mounted here")
            time.sleep(0.02)
        yield
    finally:
        automounter.communicate(timeout=20)


def main(point: bytes) -> None:
    """Mount it and answer nothing; unmount it at the end of the input."""
    _, questions = os.pipe()
    options = b"fd=%d,pgrp=%d,minproto=5,maxproto=5,direct" % (questions, os.getpgrp())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"automounter", point, b"autofs", 0, options):
        raise OSError(ctypes.get_errno(), "mount")
    sys.stdin.read()
    libc.umount2(point, LAZY)


if __name__ == "__main__":
    main(os.fsencode(sys.argv[1]))
