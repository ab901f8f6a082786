"""Each planted fault is found, by its own name, with a remedy that fits; and nothing else is."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from photosd.core.paths import Home
from tests.doctor import plants
from tests.doctor.conftest import Doctor

Patch = pytest.MonkeyPatch
Plant = Callable[[Home, Patch, Path], None]


class Case(NamedTuple):
    """A fault: how it is planted, which check finds it, and words of finding and remedy."""

    name: str
    plant: Plant
    check: str
    says: str
    remedy: str
    verdict: str = "fault"
    root_only: bool = False


CASES = [
    Case("state open to others", plants.open_state, "directories", "0777", "chmod 700"),
    Case(
        "runtime directory is a link", plants.linked_runtime, "directories", "symbolic link", "rm "
    ),
    Case(
        "runtime directory is another's",
        plants.foreign_runtime,
        "directories",
        "another user",
        "chown",
        root_only=True,
    ),
    Case(
        "index is another's",
        plants.foreign_index,
        "directories",
        "another user",
        "chown",
        root_only=True,
    ),
    Case("index on a read-only disk", plants.unwritable_index, "directories", "Read-only", "chmod"),
    Case(
        "a file in a directory's place",
        plants.file_for_directory,
        "directories",
        "not a directory",
        "rm ",
    ),
    Case("settings are no TOML", plants.bad_toml, "settings", "config.toml", "correct"),
    Case("a setting does not exist", plants.unknown_setting, "settings", "limits", "correct"),
    Case("a setting is out of range", plants.impossible_setting, "settings", "from 1", "correct"),
    Case("a file in the socket's place", plants.file_for_socket, "socket", "not a socket", "rm "),
    Case("a stale socket", plants.stale_socket, "daemon", "left by a daemon", "photosd start"),
    Case("socket open to others", plants.open_socket, "socket", "0666", "chmod 600"),
    Case("weights truncated", plants.truncated_weights, "model files", "bytes long", "starter"),
    Case(
        "one bit of the weights flipped", plants.flipped_weights, "model files", "digest", "starter"
    ),
    Case(
        "tokenizer truncated", plants.damaged_tokenizer, "model files", "tokenizer.json", "starter"
    ),
    Case("words missing", plants.missing_words, "model files", "words.txt is missing", "starter"),
    Case("model.json damaged", plants.damaged_model_json, "model files", "model.json", "starter"),
    Case("model not installed", plants.no_such_model, "model files", "no model", "model use"),
    Case(
        "too little memory",
        plants.little_memory,
        "memory",
        "needs about",
        "close other programs",
        "warning" if sys.platform == "darwin" else "fault",  # a Mac compresses that of others
    ),
    Case("memory limit too small", plants.small_limit, "memory", "recycled", "memory_limit_mb 0"),
    Case("too few watches", plants.few_watches, "inotify", "directories", "max_user_watches"),
    Case("too few watchers", plants.few_watchers, "inotify", "2 watchers", "max_user_instances"),
    Case("a folder is gone", plants.folder_gone, "folders", "not there", "photosd remove"),
    Case(
        "a folder became a file",
        plants.folder_is_a_file,
        "folders",
        "not a folder",
        "photosd remove",
    ),
    Case("list of folders damaged", plants.damaged_folder_list, "folders", "folders.json", "rm "),
    Case("no folder watched", plants.no_folder, "folders", "no folder", "photosd add", "warning"),
    Case(
        "catalog is garbage", plants.garbage_catalog, "catalog", "cannot be read", "photosd restart"
    ),
    Case(
        "catalog is torn",
        plants.torn_catalog,
        "catalog",
        "damaged|cannot be read|malformed",
        "photosd restart",
    ),
    Case(
        "catalog of a newer version", plants.newer_catalog, "catalog", "newer", "install the newer"
    ),
    Case(
        "a renamed damaged catalog",
        plants.renamed_catalog,
        "catalog",
        "was renamed to",
        "rm ",
        "warning",
    ),
    Case("index deleted", plants.index_gone, "index", "missing", "photosd restart"),
    Case(
        "an index file deleted", plants.data_file_gone, "index", "cannot be read", "photosd restart"
    ),
    Case(
        "index manifests are garbage",
        plants.garbage_manifests,
        "index",
        "cannot be read",
        "photosd restart",
    ),
    Case(
        "vectors damaged",
        plants.damaged_vectors,
        "index",
        "damaged|cannot be read",
        "photosd re(index|start)",
    ),
    Case(
        "vectors lost",
        plants.vectors_lost,
        "agreement",
        "missing from the index",
        "photosd restart",
    ),
    Case(
        "vectors nobody knows",
        plants.vectors_unknown,
        "agreement",
        "does not know",
        "photosd restart",
        "warning",
    ),
    Case(
        "index in many pieces", plants.many_pieces, "index", "fragments", "photosd purge", "warning"
    ),
    Case("a photo deleted unseen", plants.photo_deleted, "disk", "1 of", "photosd index"),
    Case("a photo changed unseen", plants.photo_changed, "disk", "1 of", "photosd index"),
    Case(
        "a photo that may not be looked at",
        plants.photo_forbidden,
        "disk",
        "1 of .* cannot be checked",
        "photosd index",
        "warning",
    ),
    Case(
        "photos that failed",
        plants.failed_photos,
        "photos",
        "crashed a worker",
        "photosd failures",
        "warning",
    ),
    Case("disk nearly full", plants.full_disk, "disk space", "10 MB", "free space"),
    Case(
        "encoder died often",
        plants.encoder_died_often,
        "crashes",
        "4 times.*SIGSEGV",
        "photosd logs",
    ),
    Case(
        "encoder died once",
        plants.encoder_died_once,
        "crashes",
        "once.*hung",
        "photosd logs",
        "warning",
    ),
    Case(
        "daemon crashed", plants.daemon_crashed, "crashes", "stacks", "photosd bugreport", "warning"
    ),
    Case("log is a directory", plants.log_is_a_directory, "log", "not a file", "rm "),
    Case(
        "service of an older installation",
        plants.service_outdated,
        "service",
        "differ from",
        "photosd service install",
    ),
    Case("half a service", plants.service_half, "service", "missing", "photosd service install"),
    Case("service failed", plants.service_failed, "service", "watchdog", "photosd start"),
    Case(
        "service not enabled",
        plants.service_disabled,
        "service",
        "not enabled at login",
        "photosd service install",
        "warning",
    ),
    Case("agent ends at once", plants.agent_fails, "service", "exit code 1", "photosd logs"),
    Case(
        "agent ends again and again",
        plants.agent_restarts,
        "service",
        "9 runs.*exit code 70",
        "photosd logs",
        "warning",
    ),
    Case(
        "macOS reported a crash of the encoder",
        plants.macs_report,
        "crashes",
        "a crash report .*SIGABRT: Assertion failed.*140322.ips",
        "photosd bugreport",
        "warning",
    ),
    Case(
        "PHOTOSD_SOCKET names another",
        plants.other_socket,
        "environment",
        "/somewhere/else",
        "unset",
        "warning",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_planted_fault_is_found(
    case: Case, well: Home, photos_of: Path, doctor: Doctor, monkeypatch: Patch
) -> None:
    """By the right check, with a remedy; the only other fault is that no daemon runs."""
    if case.root_only and os.getuid() != 0:
        pytest.skip("only root can give a directory away")
    if case.check == "inotify" and sys.platform != "linux":
        pytest.skip("inotify is Linux's")
    case.plant(well, monkeypatch, photos_of)
    report = doctor()
    found = [
        finding
        for finding in report.trouble()
        if finding["check"] == case.check and re.search(case.says, finding["says"])
    ]
    assert found, report.trouble()
    assert re.search(case.remedy, str(found[0]["remedy"])), found
    assert found[0]["verdict"] == case.verdict
    assert report.code == 1  # no daemon runs
    assert not report.healthy


# What follows from a fault by itself: an index cannot be compared by a model that is not there.
CONSEQUENCES = {
    "model files": {"index"},
    "catalog": {"index", "disk"},
    "directories": {"daemon", "crashes", "log", "index", "catalog", "disk"},
    "socket": {"daemon"},
    "folders": {"disk"},
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_planted_fault_raises_no_other_alarm(
    case: Case, well: Home, photos_of: Path, doctor: Doctor, monkeypatch: Patch
) -> None:
    """A doctor who cries wolf is not listened to."""
    if case.root_only and os.getuid() != 0:
        pytest.skip("only root can give a directory away")
    case.plant(well, monkeypatch, photos_of)
    others = {finding["check"] for finding in doctor().trouble()} - {case.check, "daemon"}
    assert others <= CONSEQUENCES.get(case.check, set())
