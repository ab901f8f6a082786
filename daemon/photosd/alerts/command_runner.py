"""The process that runs one command for the daemon, exactly once, even if the daemon ends.

Runs as a file, with only the standard library: ``python command_runner.py LEASE SECONDS COMMAND…``.
LEASE is a file. If several runners are started with one LEASE, only the one that creates it runs
the command. It holds a lock on that file while the command runs, and then writes a JSON object:
``exit``, ``error`` and the last part of the ``output``. An unlocked file without one means that the
runner was killed. Space for the object is allocated before the command runs, so that a full disk
cannot lose it. If no lease can be created the command does not run; stderr gives the reason.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

OUTPUT_BYTES = 4096
GRACE_SECONDS = 2.0
POLL_SECONDS = 0.05
TAKEN = 75  # sysexits(3): another runner runs or ran it
REFUSED = 73  # sysexits(3): a file cannot be created
ROOM = 32 << 10  # maximum bytes of a result: in JSON a byte of output may become six


def main(arguments: list[str]) -> int:
    """Take the lease, run, write the result; returns 0, TAKEN or REFUSED."""
    lease, seconds, command = arguments[0], float(arguments[1]), arguments[2:]
    try:
        descriptor = _lease(lease)
    except OSError as error:
        sys.stderr.write(f"no lease can be created in {Path(lease).parent}: {error.strerror}")
        return REFUSED
    if descriptor is None:
        return TAKEN
    result = json.dumps(run(command, seconds)).encode()
    os.pwrite(descriptor, result, 0)
    os.ftruncate(descriptor, len(result))
    return 0


def _lease(lease: str) -> int | None:
    """The lease's file, locked and allocated; None if another runner has it. Raises OSError."""
    draft = f"{lease}.{os.getpid()}-{os.urandom(4).hex()}"
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # Before it has the name: no process sees it unlocked.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.write(descriptor, b" " * ROOM) < ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.link(draft, lease)
    except FileExistsError:
        return None
    finally:
        with contextlib.suppress(OSError):  # a leftover draft is deleted later
            Path(draft).unlink()
    return descriptor


def run(command: list[str], seconds: float) -> dict[str, object]:
    """Run the command, up to its time limit; returns the result."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=_existing_directory(),
        )
    except (OSError, ValueError) as error:
        return {"exit": None, "error": f"cannot be run: {error}", "output": ""}
    output, in_time = _follow(process, time.monotonic() + seconds)
    if not in_time:
        _end(process)
    return {
        "exit": process.wait(),
        "error": None if in_time else f"killed after {seconds:g} s",
        "output": output.decode("utf-8", "backslashreplace"),
    }


def _follow(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bool]:
    """The end of its output, and whether it ended in time. Its background processes are left."""
    tail, output = b"", process.stdout
    while (ended := process.poll() is not None) or time.monotonic() < until:
        if output is None:  # it closed its output and continues
            time.sleep(POLL_SECONDS)
        elif select.select([output], [], [], 0 if ended else POLL_SECONDS)[0]:
            data = os.read(output.fileno(), 1 << 16)
            tail = (tail + data)[-OUTPUT_BYTES:]
            output = output if data else None
            continue
        if ended:
            return tail, True
    return tail, False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Terminate the whole group, then kill it.

    macOS does not permit a signal to a group that has ended and is not reaped.
    """
    for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            if number == signal.SIGKILL:
                return


def _existing_directory() -> str:
    """A directory that always exists."""
    directory = os.path.expanduser("~")  # noqa: PTH111 (pathlib raises where there is none)
    return directory if Path(directory).is_dir() else "/"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
