"""Modules that choose by platform when they are imported, and what they lack on a Mac."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from tests.darwin.pretend import children
from tests.darwin.pretend.patches import Patches

TOLD_THE_TRUTH = ("psutil", "ctypes.util", "sysconfig", "truststore._api")
REAL_UNAME = os.uname
LOCAL_DISKS = ("btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs")


@contextlib.contextmanager
def truth() -> Iterator[None]:
    """Linux, for ``sys.platform``, ``os.uname`` and ``platform``."""
    pretended = sys.platform, os.uname
    _ask_again()
    sys.platform, os.uname = "linux", REAL_UNAME
    try:
        yield
    finally:
        sys.platform, os.uname = pretended
        _ask_again()


def _ask_again() -> None:
    """Forget what ``platform`` has found out."""
    if (module := sys.modules.get("platform")) is not None:
        vars(module)["_uname_cache"] = None
        vars(module)["_platform_cache"].clear()


class Finder:
    """Finds these modules as before, with a loader that prepares and corrects them."""

    def __init__(self, patches: Patches) -> None:
        self._patches, self._busy = patches, False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> Any:
        """The module's spec; None for all other modules."""
        told = name in TOLD_THE_TRUTH or name.startswith("psutil.")
        if not (told or name in CORRECTIONS):
            return None
        finders: list[Any] = sys.meta_path
        for finder in finders:
            if finder is not self and (spec := finder.find_spec(name, path, target)) is not None:
                break
        else:
            return None
        loader: Any = spec.loader
        execute: Any = loader.exec_module

        def execute_then_correct(module: Any) -> None:
            with truth() if told else contextlib.nullcontext():
                execute(module)
                if name == "sysconfig":
                    module.get_config_vars()  # reads a file named after the platform
            if (correct := CORRECTIONS.get(name)) is not None:
                correct(module, self._patches)

        if isinstance(loader, type):  # of builtin and frozen modules, which need nothing
            return spec
        loader.exec_module = execute_then_correct
        return spec


def apply(patches: Patches) -> None:
    """Correct what is imported already, and the rest when it is imported."""
    from tests.darwin.pretend import SHIM

    if SHIM not in sys.path:
        sys.path.append(SHIM)  # for the stand-ins of C modules
    for name, correct in CORRECTIONS.items():
        if name in sys.modules:
            correct(sys.modules[name], patches)
    if "sysconfig" in sys.modules:
        with truth():
            sys.modules["sysconfig"].get_config_vars()
    if "watchdog.observers" not in sys.modules:
        sys.modules.pop("watchdog.utils.platform", None)
    finder: Any = Finder(patches)
    sys.meta_path.insert(0, finder)
    patches.also.append(lambda: sys.meta_path.remove(finder))


def _platform(module: Any, patches: Patches) -> None:
    patches.replace(module, "mac_ver", lambda *_: ("15.6", ("", "", ""), "arm64"))
    _ask_again()


def _psutil(module: Any, patches: Patches) -> None:
    lacking = ("ionice", "rlimit", "cpu_affinity", "cpu_num", "io_counters", "memory_maps")
    patches.remove(module.Process, *lacking)
    patches.remove(module, "sensors_temperatures", "sensors_fans")
    for name, value in (("LINUX", False), ("MACOS", True), ("OSX", True)):
        patches.replace(module, name, value)
    patches.replace(module.Process, "status", _as_xnu_tells(module.Process.status, module))
    patches.replace(module, "disk_partitions", _as_on_apfs(module.disk_partitions))


def _as_xnu_tells(status: Callable[[Any], Any], module: Any) -> Callable[[Any], Any]:
    """A process that sleeps is running, too."""

    def told(self: Any) -> Any:
        found = status(self)
        ended = (module.STATUS_ZOMBIE, module.STATUS_STOPPED, module.STATUS_DEAD)
        return found if found in ended else module.STATUS_RUNNING

    return told


def _ctypes(module: Any, patches: Patches) -> None:
    from tests.darwin.pretend import libsystem

    libsystem.apply(module, patches)


def _as_on_apfs(partitions: Callable[..., Any]) -> Callable[..., Any]:
    """Disks of this machine are APFS, of which every change is reported."""

    def told(all: bool = False) -> Any:
        return [
            part._replace(fstype="apfs") if part.fstype in LOCAL_DISKS else part
            for part in partitions(all)
        ]

    return told


def _tempfile(module: Any, patches: Patches) -> None:
    patches.replace(module, "_O_TMPFILE_WORKS", False)


def _shutil(module: Any, patches: Patches) -> None:
    patches.replace(module, "_copyxattr", lambda *_, **__: None)


CORRECTIONS: dict[str, Callable[[Any, Patches], None]] = {
    "platform": _platform,
    "psutil": _psutil,
    "subprocess": children.correct,
    "tempfile": _tempfile,
    "shutil": _shutil,
    "ctypes": _ctypes,
}
