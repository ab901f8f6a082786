"""The pretended Mac: what it shows, and that it does not end before its daemon."""

from __future__ import annotations

import asyncio
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.darwin import pretend
from tests.darwin.conftest import MacDaemon

Python = Callable[..., str]


def test_children_of_children_pretend(python: Python) -> None:
    """However they are started, with our variables or without."""
    inner = "import sys; print(sys.platform)"
    outer = (
        "from subprocess import check_output; import sys; "
        f"print(check_output([sys.executable, '-P', '-c', {inner!r}], env={{}}).decode())"
    )
    assert python(outer) == "darwin"


def test_names_of_linux_are_gone(python: Python) -> None:
    """As on a Mac, using them is an AttributeError, and /proc does not exist."""
    print_them = (
        "import os, select, socket, time, errno; from pathlib import Path; "
        "print(hasattr(os, 'memfd_create'), hasattr(select, 'epoll'),"
        "hasattr(socket, 'SO_PEERCRED'), hasattr(time, 'CLOCK_BOOTTIME'),"
        "hasattr(errno, 'EREMOTEIO'), Path('/proc/self').exists())"
    )
    assert python(print_them).split() == ["False"] * 6


def test_libraries_work(python: Python) -> None:
    """Those that choose by platform: psutil, watchdog, ctypes, platformdirs, asyncio."""
    statements = """
import asyncio, platform, psutil, platformdirs, watchdog.observers, ctypes.util, urllib.request
import selectors, uuid, multiprocessing, sysconfig, truststore
assert psutil.MACOS and psutil.Process().memory_info().rss
assert watchdog.observers.Observer.__name__ == "FSEventsObserver"
assert platform.system() == "Darwin" and platform.machine() == "arm64" and platform.mac_ver()[0]
assert "/Library/Application Support/" in platformdirs.user_state_dir("photosd")
assert selectors.DefaultSelector is selectors.KqueueSelector
asyncio.run(asyncio.sleep(0.01))
sysconfig.get_config_vars()
"""
    python(statements)


def test_a_queue_reports_the_end_of_a_process(python: Python) -> None:
    """NOTE_EXIT of a process that is no child; an error as an event for one that is gone."""
    statements = """
import select, subprocess, sys
other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
queue = select.kqueue()
event = select.kevent(other.pid, filter=select.KQ_FILTER_PROC,
    flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT, fflags=select.KQ_NOTE_EXIT)
assert queue.control([event], 1, 0) == []
other.communicate(b"\\n")
assert queue.control(None, 1, 5)[0].fflags & select.KQ_NOTE_EXIT
assert select.kqueue().control([event], 1)[0].flags & select.KQ_EV_ERROR
"""
    python(statements)


def test_flags_and_paths(python: Python, tmp_path: Path) -> None:
    """st_flags are those set by chflags; F_GETPATH spells a name as in its directory."""
    statements = """
import fcntl, os, stat, sys
photo = sys.argv[1] + "/IMG.jpg"
open(photo, "w").close()
os.chflags(photo, stat.UF_HIDDEN)
with os.scandir(sys.argv[1]) as entries:
    assert [entry.stat().st_flags for entry in entries] == [stat.UF_HIDDEN]
with open(photo) as file:
    assert os.fstat(file.fileno()).st_birthtime
    found = fcntl.fcntl(file.fileno(), fcntl.F_GETPATH, bytes(1024)).rstrip(b"\\0")
    assert found == os.fsencode(photo), found
"""
    python(statements, str(tmp_path))


def test_a_real_one_gets_no_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would hide the modules of the same names, as that of watchdog."""
    monkeypatch.setattr(pretend, "REAL", True)
    assert pretend.environment({"PYTHONPATH": "/x"}) == {"PYTHONPATH": "/x"}
    monkeypatch.setattr(pretend, "REAL", False)
    assert pretend.SHIM in pretend.environment({"PYTHONPATH": "/x"})["PYTHONPATH"]


def test_it_ends(pretended: None) -> None:
    """Also in this process; afterwards the original functions are back."""
    assert sys.platform == "darwin"
    with pytest.raises(AttributeError):
        getattr(os, "pidfd_open")  # noqa: B009
    found = subprocess.check_output([sys.executable, "-c", "import sys; print(sys.platform)"])
    assert found == b"darwin\n"
    assert selectors.DefaultSelector.__name__ == "KqueueSelector"
    asyncio.run(asyncio.sleep(0))


def test_a_daemon_indexes_and_watches(mac_daemon: MacDaemon, tmp_path: Path) -> None:
    """From the first folder to a query and a new photo, with FSEvents and without a zygote."""
    from PIL import Image

    (tmp_path / "photos").mkdir()
    Image.new("RGB", (320, 240), "red").save(tmp_path / "photos/red.jpg")
    mac_daemon.wait_until("ready")
    mac_daemon.index(tmp_path / "photos")
    assert mac_daemon.query("something red")["hits"]
