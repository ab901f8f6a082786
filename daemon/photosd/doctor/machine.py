"""Checks of the machine: memory, kernel watches, folders with photos."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import psutil

from photosd.core import machine
from photosd.core.errors import ModelError, quoted
from photosd.core.log import printable
from photosd.doctor.context import CheckContext
from photosd.doctor.finding import Findings, fault, ok, unknown, warning
from photosd.models.spec import read_model
from photosd.watch.folder_state import probe_folder, reconnect
from photosd.watch.mounts import mounts
from photosd.watch.watch_limits import (
    instances_remedy,
    watch_budget,
    watch_limit,
    watches_remedy,
)

MB = 1_000_000
TORCH_MB = 500  # an encoder without its weights
SWAP_FULL = 0.9
INSTANCES_WANTED = 16


def memory(context: CheckContext) -> Findings:
    """There is enough memory for the model, or it is loaded already."""
    try:
        weights = read_model(context.model_directory).weights.bytes / MB
    except ModelError:
        yield unknown("memory", "not checked: the model cannot be read")
        return
    needed = TORCH_MB + 1.3 * weights
    free = machine.available() / MB
    loaded = context.status is not None and context.status["encoder"]["pid"] is not None
    limit = context.settings.encoder.memory_limit_mb
    if limit and limit < needed:
        yield fault(
            "memory",
            f"encoder.memory_limit_mb is {limit}, the model needs about {needed:,.0f}: it is "
            "recycled again and again",
            "photosd config set encoder.memory_limit_mb 0",
        )
    elif not loaded and free < needed:
        enough = machine.obtainable() / MB >= needed  # on macOS: it is slow, but loads
        yield (warning if enough else fault)(
            "memory",
            f"{free:,.0f} MB are free, the model needs about {needed:,.0f}",
            f"{machine.more_memory()}, or: photosd model use starter",
        )
    elif _swap_is_full() and free < needed:
        remedy = "close other programs; queries wait for the disk"
        yield warning("memory", "memory and swap are nearly full", remedy)
    else:
        state = "is loaded" if loaded else f"needs about {needed:,.0f} MB"
        yield ok("memory", f"{free:,.0f} MB free, the model {state}")


def _swap_is_full() -> bool:
    """Never on a Mac, which makes more swap when it needs it."""
    swap = psutil.swap_memory()
    return sys.platform != "darwin" and swap.total > 0 and swap.used > SWAP_FULL * swap.total


def watches(context: CheckContext) -> Findings:
    """The kernel's limits allow watching every directory."""
    if not context.on_linux:
        return
    directories, budget = _directories(context), watch_budget()
    if directories > budget:
        yield fault(
            "inotify",
            f"{directories:,} directories are to be watched, the kernel allows {watch_limit():,} "
            "watches in all: changes are found late",
            watches_remedy(),
        )
    elif (instances := instance_limit()) is not None and instances < INSTANCES_WANTED:
        says = f"the kernel allows {instances} watchers to all programs together"
        yield fault("inotify", says, instances_remedy())
    else:
        yield ok("inotify", f"{directories:,} directories, {budget:,} watches allowed")


def folders(context: CheckContext) -> Findings:
    """Every watched folder exists and is readable, from the daemon's point of view."""
    if context.status is not None:
        found = [
            (f["path"], f["state"], f["reason"], f["remedy"]) for f in context.status["folders"]
        ]
    else:
        try:
            found = _probed(context)
        except (OSError, ValueError, KeyError, TypeError) as error:
            copy = context.home.config / "folders.json"
            yield fault(
                "folders", f"{copy} cannot be read: {error}", f"rm '{copy}'; photosd folders"
            )
            return
    away = _on_absent_disks(context)
    for path, state, reason, remedy in found:
        if state == "ok":
            yield ok("folders", path)
        elif state == "scan_only" and not remedy:
            yield ok("folders", f"{path}: {reason}")
        elif state == "offline" and path in away:
            yield warning("folders", f"{path} is offline: {reason}", remedy or reconnect(path))
        else:
            said = f"{path} is {state.replace('_', ' ')}: {reason}"
            yield fault("folders", said, remedy or f"photosd remove {quoted(path)}")
    yield from _unreadable(context)
    if not found:
        yield warning("folders", "no folder is watched", "photosd add ~/Pictures")


def _on_absent_disks(context: CheckContext) -> set[str]:
    """Folders whose disk was mounted once and is not now: probably unplugged on purpose."""
    there = mounts()
    rows = context.rows("SELECT path, mount_point FROM folders WHERE mount_point <> x''")
    return {printable(path) for path, point in rows if point not in there}


def _unreadable(context: CheckContext) -> Findings:
    """Parts of folders that could not be read at the last comparison."""
    for folder in context.status["folders"] if context.status is not None else ():
        if places := folder.get("unreadable"):
            yield warning(
                "folders",
                f"in {folder['path']} {places:,} {'place' if places == 1 else 'places'} cannot be "
                "read, for example "
                f"{folder.get('unreadable_example')}",
                folder.get("unreadable_remedy") or "photosd folders",
            )


def _probed(context: CheckContext) -> list[tuple[str, str, str | None, str | None]]:
    copy = context.home.config / "folders.json"
    if not copy.exists():
        return []
    paths = [base64.b64decode(entry["path_b64"]) for entry in json.loads(copy.read_text())]
    probes = [(path, probe_folder(path)) for path in paths]
    return [(printable(path), p.state, p.reason, p.remedy) for path, p in probes]


def _directories(context: CheckContext) -> int:
    """Watched directories with photos; those without are not counted. Folders that are only scanned
    need no watches.
    """
    paths = context.rows(
        "SELECT p.path FROM photos p JOIN folders f ON f.id = p.folder"
        " WHERE p.state <> 'gone' AND f.state = 'ok'"
    )
    return len({path.rpartition(b"/")[0] for (path,) in paths})


def instance_limit() -> int | None:
    try:
        return int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    except (OSError, ValueError):
        return None
