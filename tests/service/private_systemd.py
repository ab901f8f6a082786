"""A real `systemd --user` for one test, in a private mount namespace; needs root.

systemd refuses to run on a system that it did not boot, so the namespace has a /run that looks
booted, a cgroup2 of its own and a message bus. None of it is visible outside the namespace.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

SYSTEMD = Path("/lib/systemd/systemd")
INSIDE = """
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mkdir -p /run/systemd/system "$1/cgroup"
mount -t cgroup2 none "$1/cgroup"
mkdir "$1/cgroup/photosd-test-$$"
echo $$ > "$1/cgroup/photosd-test-$$/cgroup.procs"
umount -R /sys/fs/cgroup 2>/dev/null || umount -lR /sys/fs/cgroup || true
mount --move "$1/cgroup" /sys/fs/cgroup
dbus-daemon --session --address="$DBUS_SESSION_BUS_ADDRESS" --nofork --nopidfile &
exec /lib/systemd/systemd --user --log-target=console
"""
START_SECONDS = 20.0


def why_not() -> str | None:
    """Why no private systemd can run here."""
    if os.getuid() != 0:
        return "it needs root (for a mount namespace with a cgroup2 of its own)"
    tools = ("unshare", "nsenter", "dbus-daemon", "systemctl")
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing or not SYSTEMD.exists():
        return f"there is no {', '.join(missing) or SYSTEMD}"
    try:
        probe = "mount --make-rprivate / && mount -t cgroup2 none /mnt && test -w /mnt/cgroup.procs"
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", probe], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip() or "no cgroup2 can be mounted") if done.returncode else None


class PrivateSystemd:
    """One user manager; ``environment`` makes any `systemctl --user` of ours speak to it."""

    def __init__(self, directory: Path) -> None:
        """``directory`` should have a short name: sockets lie in it."""
        self.directory = directory
        runtime, config = directory / "runtime", directory / "config"
        runtime.mkdir(mode=0o700)
        (directory / "bin").mkdir()
        self.environment = {
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(config),
            "XDG_STATE_HOME": str(directory / "state"),
            "XDG_DATA_HOME": str(directory / "data"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
            "PATH": f"{directory / 'bin'}:{os.environ['PATH']}",
        }
        self._log = (directory / "systemd.log").open("wb")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", INSIDE, "sh", str(directory)],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        shim = directory / "bin" / "systemctl"
        shim.write_text(
            f'#!/bin/sh\nexec nsenter -t {self._process.pid} -m -- {_systemctl()} "$@"\n'
        )
        shim.chmod(0o755)
        self.wait_for(lambda: self.ctl("is-system-running").strip() == "running", START_SECONDS)

    def ctl(self, *arguments: str) -> str:
        """What `systemctl --user` prints."""
        return subprocess.run(
            ["systemctl", "--user", *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ).stdout

    def property(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.ctl("show", unit, f"--property={name}", "--value").strip()

    def wait_for(self, true: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until it is true; there is nothing to be notified by from outside."""
        until = time.monotonic() + seconds
        while not true():
            if time.monotonic() > until:
                raise AssertionError(f"not after {seconds} s\n{self.log()[-4000:]}")
            time.sleep(0.05)

    def log(self) -> str:
        """What the manager and its services have said."""
        return (self.directory / "systemd.log").read_text(errors="replace")

    def close(self) -> None:
        """End everything in the namespace's cgroup, then the namespace is gone, too."""
        inside = ["nsenter", "-t", str(self._process.pid), "-m", "--", "sh", "-c"]
        kill = f"echo 1 > /sys/fs/cgroup/photosd-test-{self._process.pid}/cgroup.kill"
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run([*inside, kill], capture_output=True, timeout=60, check=False)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._log.close()


def _systemctl() -> str:
    return shutil.which("systemctl") or "/usr/bin/systemctl"
