"""Thousands of file operations, the daemon killed among them: at the end it knows every photo."""

from __future__ import annotations

import base64
import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xxhash

from photosd.core.paths import Home
from tests.chaos.walk import Walk, decodable, photos_below
from tests.cli.conftest import command, environment
from tests.conftest import RunningDaemon

OPERATIONS = 3000
WAIT_SECONDS = 60.0
# Every content whose vectors are committed is noted, with who committed it.
PRELUDE = """
import os
from photosd.index.vectors import VectorStore
ledger = os.open(os.environ["PHOTOSD_TEST_LEDGER"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
commit = VectorStore.commit
def noted(self, embeddings):
    commit(self, embeddings)
    os.write(ledger, b"".join(b"%d %s\\n" % (os.getpid(), e.content.encode()) for e in embeddings))
VectorStore.commit = noted
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where every commit is noted."""
    return tmp_path / "ledger"


@pytest.fixture
def noting(home: Home, ledger: Path) -> Iterator[RunningDaemon]:
    """A daemon that notes what it commits."""
    running = RunningDaemon(home, {"PHOTOSD_TEST_LEDGER": str(ledger)}, PRELUDE)
    yield running
    running.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "walk_number", [pytest.param(n, marks=pytest.mark.chaos) for n in range(1, 21)]
)
def test_the_index_follows_the_folders(
    noting: RunningDaemon, ledger: Path, tmp_path: Path, walk_number: int
) -> None:
    """3,000 operations, kill -9 at random moments: exactly the decodable photos are listed."""
    seed = int(os.environ.get("PHOTOSD_TEST_SEED", random.randrange(1 << 30)))
    print("seed", seed, "walk", walk_number)
    chance = random.Random(seed)
    places = [tmp_path / name for name in ("one", "two", "outside")]
    for place in places:
        place.mkdir()
    walk = Walk(seed, places)
    noting.wait_until("ready")
    with noting.client() as client:
        for root in places[:2]:
            client.call("add", {"path": str(root)})
    kills = {chance.randrange(100, OPERATIONS - 100) for _ in range(3)}
    for number in range(OPERATIONS):
        walk.step()
        if chance.random() < 0.02:
            time.sleep(chance.uniform(0, 0.2))
        if number in kills:
            noting.kill()
            noting.restart()
            if chance.random() < 0.5:  # else it starts in the middle of it all
                noting.wait_until("ready")
    walk.finish()
    _end_as_on_disk(noting, places[:2], walk.shared, f"seed {seed}")
    _nothing_was_encoded_twice(noting, ledger, f"seed {seed}")
    assert not walk.untried, walk.done


def _end_as_on_disk(daemon: RunningDaemon, roots: list[Path], shared: set[int], seed: str) -> None:
    """The watcher finds all changes; a full comparison also those made by another name.

    The kernel reports a change only in the directory of the name that was used. The target of a
    link may have other names in directories without a watch.
    """
    daemon.wait_until("ready")
    truth = {bytes(file): file.read_bytes() for root in roots for file in photos_below(root)}
    good = {path for path, data in truth.items() if decodable(data)}
    assert len(good) > 5, "a walk without photos tests nothing"
    limit = time.monotonic() + WAIT_SECONDS
    while (wrong := _not_linked(listed(daemon) ^ good, shared)) and time.monotonic() < limit:
        time.sleep(0.2)
    assert not wrong, f"{seed}: {wrong}\n{_explain(daemon, wrong)}"
    result: Any = daemon.index()
    assert (wrong := listed(daemon) ^ good) == set(), f"{seed}: {_explain(daemon, wrong)}"
    assert (result["pending"], result["failed"]) == (0, len(truth) - len(good)), seed
    known = contents(daemon)
    for path in good:
        data = truth[path]
        content = f"{len(data):x}-{xxhash.xxh3_128_hexdigest(data)}"
        assert known[path] == content, f"{seed}: {path!r}"


def _not_linked(paths: set[bytes], shared: set[int]) -> set[bytes]:
    """Without links, also those that lead nowhere by now, and files of several names."""
    return {
        path
        for path in paths
        if not (file := Path(os.fsdecode(path))).is_symlink()
        and not (file.exists() and file.stat().st_ino in shared)
    }


def _nothing_was_encoded_twice(daemon: RunningDaemon, ledger: Path, seed: str) -> None:
    """No content was committed again, and in this life nothing was encoded for nothing."""
    lines = [line.split() for line in ledger.read_text().splitlines()]
    again = {content: n for content, n in Counter(c for _, c in lines).items() if n > 1}
    assert not again, f"{seed}: {again}"
    with daemon.client() as client:
        status: Any = client.call("status", {})
    mine = sum(int(pid) == status["pid"] for pid, _ in lines)
    assert status["encoder"]["images_encoded"] == mine, seed


def listed(daemon: RunningDaemon) -> set[bytes]:
    """What `photosd list -0` prints."""
    done = subprocess.run(
        command("list", "-0"), env=environment(), capture_output=True, timeout=60, check=True
    )
    return set(done.stdout.split(b"\0")) - {b""}


def contents(daemon: RunningDaemon) -> dict[bytes, str]:
    """The content id of every indexed path."""
    with daemon.client() as client:
        return {
            path: client.call("show", _named(path))["content_id"] or "" for path in listed(daemon)
        }


def _named(path: bytes) -> dict[str, str]:
    return {"path": "", "path_b64": base64.b64encode(path).decode()}


def _explain(daemon: RunningDaemon, paths: set[bytes]) -> str:
    """What the daemon thinks of some paths."""
    with daemon.client() as client:
        lines = [str(client.call("status", {}))]
        for path in sorted(paths)[:10]:
            try:
                lines.append(f"{path!r}: {client.call('show', _named(path))}")
            except Exception as error:
                lines.append(f"{path!r}: {error}")
    return "\n".join([*lines, daemon.log()[-1500:]])
