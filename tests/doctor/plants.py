"""Faults, each planted in a home that was well."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from photosd.core.paths import Home
from photosd.doctor import crash_reports, machine, stores
from photosd.index.database import Database
from photosd.models.spec import STARTER, read_model
from photosd.service import manager
from photosd.service.launchctl import Answer, Launchctl
from photosd.service.launchd import Launchd
from photosd.service.service_spec import ServiceSpec
from photosd.service.systemd import Systemd

Patch = pytest.MonkeyPatch
Plant = Callable[[Home, Patch, Path], None]


def open_state(home: Home, _patch: Patch, _photos: Path) -> None:
    home.state.chmod(0o777)


def runtime_of(home: Home) -> Path:
    """As a daemon that was killed leaves it; one that ends takes it along."""
    home.runtime.mkdir(mode=0o700, exist_ok=True)
    return home.runtime


def linked_runtime(home: Home, _patch: Patch, photos: Path) -> None:
    home.runtime.symlink_to(photos)


def foreign_runtime(home: Home, _patch: Patch, _photos: Path) -> None:
    os.chown(runtime_of(home), 12345, 12345)


def foreign_index(home: Home, _patch: Patch, _photos: Path) -> None:
    os.chown(home.index, 12345, 12345)


def unwritable_index(home: Home, patch: Patch, _photos: Path) -> None:
    """As on a disk that was remounted read-only."""
    real = Path.touch

    def touch(path: Path, *arguments: Any, **options: Any) -> None:
        if path.parent == home.index:
            raise OSError(30, "Read-only file system")
        real(path, *arguments, **options)

    patch.setattr(Path, "touch", touch)


def file_for_directory(home: Home, _patch: Patch, _photos: Path) -> None:
    shutil.rmtree(home.log.parent)
    home.log.parent.write_text("in the way")


def bad_toml(home: Home, _patch: Patch, _photos: Path) -> None:
    home.config.mkdir(exist_ok=True)
    home.settings.write_text("[search\nlimit = 3")


def unknown_setting(home: Home, _patch: Patch, _photos: Path) -> None:
    home.settings.write_text("[search]\nlimits = 3\n")


def impossible_setting(home: Home, _patch: Patch, _photos: Path) -> None:
    home.settings.write_text("[search]\nlimit = 0\n")


def file_for_socket(home: Home, _patch: Patch, _photos: Path) -> None:
    runtime_of(home)
    home.socket.write_text("mine")


def stale_socket(home: Home, _patch: Patch, _photos: Path) -> None:
    runtime_of(home)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(home.socket))
    home.socket.chmod(0o600)


def open_socket(home: Home, patch: Patch, photos: Path) -> None:
    stale_socket(home, patch, photos)
    home.socket.chmod(0o666)


def own_model(home: Home) -> Path:
    """The starter under another name, in use."""
    directory = home.models / "mine"
    shutil.copytree(STARTER, directory)
    home.settings.write_text('[encoder]\nmodel = "mine"\n')
    return directory


def truncated_weights(home: Home, _patch: Patch, _photos: Path) -> None:
    weights = own_model(home) / "weights.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)


def flipped_weights(home: Home, _patch: Patch, _photos: Path) -> None:
    with (own_model(home) / "weights.safetensors").open("r+b") as weights:
        weights.seek(5_000_000)
        byte = weights.read(1)[0]
        weights.seek(5_000_000)
        weights.write(bytes([byte ^ 1]))


def damaged_tokenizer(home: Home, _patch: Patch, _photos: Path) -> None:
    tokenizer = own_model(home) / "tokenizer.json"
    os.truncate(tokenizer, tokenizer.stat().st_size // 2)


def missing_words(home: Home, _patch: Patch, _photos: Path) -> None:
    (own_model(home) / "words.txt").unlink()


def damaged_model_json(home: Home, _patch: Patch, _photos: Path) -> None:
    (own_model(home) / "model.json").write_text("{")


def no_such_model(home: Home, _patch: Patch, _photos: Path) -> None:
    home.settings.write_text('[encoder]\nmodel = "nowhere"\n')


def little_memory(_home: Home, patch: Patch, _photos: Path) -> None:
    real = psutil.virtual_memory()
    patch.setattr(psutil, "virtual_memory", lambda: real._replace(available=100 << 20))


def small_limit(home: Home, _patch: Patch, _photos: Path) -> None:
    home.settings.write_text("[encoder]\nmemory_limit_mb = 50\n")


def few_watches(_home: Home, patch: Patch, _photos: Path) -> None:
    patch.setattr(machine, "watch_budget", lambda: 0)
    patch.setattr(machine, "watch_limit", lambda: 8)


def few_watchers(_home: Home, patch: Patch, _photos: Path) -> None:
    patch.setattr(machine, "instance_limit", lambda: 2)


def folder_gone(_home: Home, _patch: Patch, photos: Path) -> None:
    photos.rename(photos.with_name("elsewhere"))
    shutil.rmtree(photos.with_name("elsewhere"))


def folder_is_a_file(_home: Home, _patch: Patch, photos: Path) -> None:
    shutil.rmtree(photos)
    photos.write_text("no folder")


def damaged_folder_list(home: Home, _patch: Patch, _photos: Path) -> None:
    (home.config / "folders.json").write_text('[{"path": ')


def no_folder(home: Home, _patch: Patch, _photos: Path) -> None:
    (home.config / "folders.json").unlink()


def garbage_catalog(home: Home, _patch: Patch, _photos: Path) -> None:
    home.catalog.write_bytes(b"no database " * 1000)


def torn_catalog(home: Home, _patch: Patch, _photos: Path) -> None:
    size = home.catalog.stat().st_size
    with home.catalog.open("r+b") as file:
        file.seek(size // 3)
        file.write(os.urandom(size // 3))


def newer_catalog(home: Home, _patch: Patch, _photos: Path) -> None:
    with sqlite3.connect(home.catalog) as db:
        db.execute("PRAGMA user_version = 999")


def renamed_catalog(home: Home, _patch: Patch, _photos: Path) -> None:
    home.catalog.with_name(f"{home.catalog.name}.damaged-1700000000").write_bytes(b"x")


def table(home: Home) -> Path:
    """The directory of the starter's vectors."""
    return home.index / f"vectors_{read_model(STARTER).fingerprint}.lance"


def index_gone(home: Home, _patch: Patch, _photos: Path) -> None:
    shutil.rmtree(table(home))


def data_file_gone(home: Home, _patch: Patch, _photos: Path) -> None:
    next((table(home) / "data").iterdir()).unlink()


def garbage_manifests(home: Home, _patch: Patch, _photos: Path) -> None:
    for file in (table(home) / "_versions").iterdir():
        file.write_bytes(b"garbage")


def damaged_vectors(home: Home, _patch: Patch, _photos: Path) -> None:
    """The largest run of the file is the vectors."""
    for file in (table(home) / "data").iterdir():
        size = file.stat().st_size
        with file.open("r+b") as data:
            data.seek(size // 3)
            data.write(b"\x7e" * 512)


def vectors_lost(home: Home, _patch: Patch, _photos: Path) -> None:
    with sqlite3.connect(home.catalog) as db:
        fingerprint = read_model(STARTER).fingerprint
        db.execute(
            "INSERT INTO embedded(model, content) VALUES(?, 'ff-never-stored')", (fingerprint,)
        )


def vectors_unknown(home: Home, _patch: Patch, _photos: Path) -> None:
    with sqlite3.connect(home.catalog) as db:
        db.execute("DELETE FROM embedded WHERE content = (SELECT min(content) FROM embedded)")


def many_pieces(_home: Home, patch: Patch, _photos: Path) -> None:
    patch.setattr(stores, "FRAGMENTS_MANY", 0)


def photo_deleted(_home: Home, _patch: Patch, photos: Path) -> None:
    (photos / "0.jpg").unlink()


def photo_changed(_home: Home, _patch: Patch, photos: Path) -> None:
    with (photos / "1.jpg").open("ab") as photo:
        photo.write(b"\0" * 100)


def photo_forbidden(_home: Home, patch: Patch, photos: Path) -> None:
    stat, hidden = os.stat, os.fsencode(photos / "1.jpg")

    def refuse(path: Any, **more: Any) -> os.stat_result:
        if path == hidden:
            raise PermissionError(13, "Permission denied")
        return stat(path, **more)

    patch.setattr(os, "stat", refuse)


def failed_photos(home: Home, _patch: Patch, _photos: Path) -> None:
    database = Database(home.catalog)
    with database.write() as db:
        first = "path = (SELECT min(path) FROM photos)"
        db.execute(f"UPDATE photos SET state = 'failed', deaths = 2 WHERE {first}")
    database.close()


def full_disk(_home: Home, patch: Patch, _photos: Path) -> None:
    usage = shutil.disk_usage("/")
    patch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10 << 20))


def log_event(home: Home, **event: object) -> None:
    with home.log.open("a") as log:
        moment = datetime.now(UTC).isoformat()
        log.write(json.dumps({"timestamp": moment, "level": "error", **event}) + "\n")


def encoder_died_often(home: Home, _patch: Patch, _photos: Path) -> None:
    for _ in range(4):
        stack = 'File "model.py", line 7 in encode_text'
        log_event(home, event="encoder_died", reason="killed by SIGSEGV", stack=stack)


def encoder_died_once(home: Home, _patch: Patch, _photos: Path) -> None:
    log_event(home, event="encoder_died", reason="hung: no answer to text for 2.5 s", stack="")


def daemon_crashed(home: Home, _patch: Patch, _photos: Path) -> None:
    home.stacks.write_text("Fatal Python error: Aborted\n\nThread 0x1 (most recent call first):\n")


def log_is_a_directory(home: Home, _patch: Patch, _photos: Path) -> None:
    home.log.unlink()
    home.log.mkdir()


def units(home: Home, patch: Patch) -> Systemd:
    """Units of this home, in a place of their own, on a systemd that says all is well."""
    patch.setattr(sys, "platform", "linux")
    service = Systemd(ServiceSpec.here())
    for file, content in service.files().items():
        manager.install_file(file, content)
    show = {name: {"Id": name, "UnitFileState": "enabled", "ActiveState": "active"} for name in
            ("photosd.service", "photosd.socket")}  # fmt: skip
    patch.setattr(Systemd, "show", lambda _self: show)
    return service


def service_outdated(home: Home, patch: Patch, _photos: Path) -> None:
    service = units(home, patch)
    unit = next(file for file in service.files() if file.name == "photosd.service")
    unit.write_text(unit.read_text().replace("/bin/python", "/bin/python-that-was"))


def service_half(home: Home, patch: Patch, _photos: Path) -> None:
    next(file for file in units(home, patch).files() if file.suffix == ".socket").unlink()


def service_failed(home: Home, patch: Patch, _photos: Path) -> None:
    units(home, patch)
    failed = {"Id": "photosd.service", "ActiveState": "failed", "Result": "watchdog"}
    patch.setattr(Systemd, "show", lambda _self: {"photosd.service": failed})


def service_disabled(home: Home, patch: Patch, _photos: Path) -> None:
    units(home, patch)
    unit = {"Id": "photosd.service", "ActiveState": "inactive", "UnitFileState": "disabled"}
    patch.setattr(Systemd, "show", lambda _self: {"photosd.service": unit})


def macs_report(home: Home, patch: Patch, _photos: Path) -> None:
    """As macOS reports an encoder that Metal aborted; the daemon was its parent."""
    log_event(home, event="serving", pid=4100)
    reports = home.state.parent / "Library" / "Logs" / "DiagnosticReports"
    patch.setattr(crash_reports, "REPORTS", str(reports))
    reports.mkdir(parents=True)
    head = {"app_name": "python3.11", "bug_type": "309", "name": "python3.11"}
    report = {
        "pid": 4242,
        "parentPid": 4100,
        "procPath": "/opt/homebrew/*/Python",
        "coalitionName": "com.apple.Terminal",
        "exception": {"type": "EXC_CRASH", "signal": "SIGABRT", "rawCodes": [0, 0]},
        "asi": {"libsystem_c.dylib": ["Assertion failed: _status < Committed"]},
        "threads": [
            {"id": 1, "frames": []},
            {
                "id": 2,
                "triggered": True,
                "frames": [
                    {"imageOffset": 38520, "symbol": "__pthread_kill", "imageIndex": 0},
                    {"imageOffset": 16, "imageIndex": 1},
                ],
            },
        ],
        "usedImages": [{"name": "libsystem_kernel.dylib"}, {"name": "Metal"}],
    }
    text = f"{json.dumps(head)}\n{json.dumps(report, indent=2)}"
    (reports / "python3.11-2026-11-29-140322.ips").write_text(text)
    theirs = text.replace("4100", "4101")
    (reports / "python3.11-2026-11-29-140323.ips").write_text(theirs)
    (reports / "Safari-2026-11-29-140324.ips").write_text("{}\nno report")


def agent(home: Home, patch: Patch, printed: str) -> None:
    """An agent of this home, and what `launchctl print` says of it."""
    patch.setattr(sys, "platform", "darwin")
    patch.setenv("HOME", str(home.state.parent))
    for file, content in Launchd(ServiceSpec.here()).files().items():
        manager.install_file(file, content)
    answers = {"gui": Answer((), 0, printed), "user": Answer((), 113, "")}

    def ask(_self: Launchctl, verb: str, target: str) -> Answer:
        return answers[target.partition("/")[0]] if verb == "print" else Answer((), 0, "")

    patch.setattr(Launchctl, "ask", ask)


def agent_fails(home: Home, patch: Patch, _photos: Path) -> None:
    agent(home, patch, "\tstate = spawn scheduled\n\truns = 9\n\tlast exit code = 1\n")


def agent_restarts(home: Home, patch: Patch, _photos: Path) -> None:
    printed = "\tstate = running\n\truns = 9\n\tpid = 1\n\tlast exit code = 70: EX_SOFTWARE\n"
    agent(home, patch, printed)


def other_socket(home: Home, patch: Patch, _photos: Path) -> None:
    patch.setenv("PHOTOSD_SOCKET", "/somewhere/else.sock")
