"""Faults that need mounts or limits of their own, each in a user and mount namespace."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.watch import inside_namespace

LIMIT = Path("/proc/sys/user/max_inotify_watches")
UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


@functools.cache
def why_not() -> str | None:
    """Why this system gives us no namespace to mount in."""
    try:
        done = subprocess.run(
            [*UNSHARE, "sh", "-c", "mount -t tmpfs none /mnt && test -w " + str(LIMIT)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip() or "refused" if done.returncode else None


@pytest.mark.parametrize("case", inside_namespace.CASES, ids=lambda case: case.__name__)
def test_inside_a_namespace(case: object, tmp_path: Path) -> None:
    """Each case says its promise itself (tests/watch/inside_namespace.py)."""
    if reason := why_not():
        pytest.skip(f"needs unprivileged user namespaces: {reason}")
    name = case.__name__  # type: ignore[attr-defined]
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [*UNSHARE, sys.executable, "-m", "tests.watch.inside_namespace", name, str(tmp_path)],
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"{inside_namespace.__dict__[name].__doc__}\n{done.stderr}"
