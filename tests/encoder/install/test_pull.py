"""`photosd model pull` from a stub of the hub by the real client: right, or a clear error, soon."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from photosd.core.paths import Home
from tests.conftest import ROOT
from tests.encoder.install.stub_hub import StubHub

REPOSITORY = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
NAME = "ViT-B-32/laion2b_s34b_b79k"
WEIGHTS = f"{REPOSITORY}/open_clip_model.safetensors"
SIZE = 3_000_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[StubHub]:
    stub = StubHub()
    file = tmp_path / "weights"
    file.write_bytes(os.urandom(SIZE))  # no model: what arrives is judged by its checksum here
    stub.files[WEIGHTS] = file
    yield stub
    stub.close()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "photosd_cli.main", "model", *arguments, "--json"]


def environment(hub: StubHub, **more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")])
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {**clean, "PYTHONPATH": path, "HF_ENDPOINT": hub.url, "HF_HOME": "/nonexistent", **more}


def pull(hub: StubHub, name: str = NAME, *options: str, **more: str) -> tuple[int, Any]:
    """Exit code and JSON object."""
    done = subprocess.run(
        command("pull", name, *options),
        capture_output=True,
        env=environment(hub, **more),
        timeout=110,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def arrived(home: Home) -> int:
    """Bytes of the download that was begun."""
    return sum(part.stat().st_size for part in home.models.glob(".pull-*/*.part"))


@pytest.mark.slow
def test_what_is_no_checkpoint_is_found_out_after_a_whole_download(
    home: Home, hub: StubHub
) -> None:
    """It arrived byte for byte; that it is no model is another error. Nothing is shelved."""
    code, answer = pull(hub)
    assert code == 5 and answer["error"]["code"] == "model"
    assert "cannot be read as a checkpoint" in answer["error"]["message"]
    kept = home.models / ".pull-ViT-B-32--laion2b_s34b_b79k" / "open_clip_model.safetensors"
    assert kept.read_bytes() == hub.files[WEIGHTS].read_bytes()
    assert not list(home.models.glob("*/model.json"))


def test_a_cut_is_survived_at_once(home: Home, hub: StubHub) -> None:
    """The client resumes by itself where the connection broke."""
    hub.cut_after, hub.cut_times = SIZE // 3, 1
    _, answer = pull(hub)
    assert answer["error"]["code"] == "model", answer
    ranges = [wanted for method, _, wanted in hub.requests if method == "GET"]
    assert len(ranges) == 2 and ranges[1] is not None


def test_a_killed_pull_is_resumed(home: Home, hub: StubHub) -> None:
    """What had arrived is not asked for again."""
    hub.hold_after = SIZE // 2
    process = subprocess.Popen(
        command("pull", NAME),
        env=environment(hub),
        stdout=subprocess.DEVNULL,
        # A shell's background jobs, and all they start, are deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    limit = time.monotonic() + 60
    while arrived(home) < SIZE // 4:
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    kept = arrived(home)
    assert SIZE // 4 <= kept < SIZE
    hub.hold_after, hub.requests = None, []
    _, answer = pull(hub)
    assert answer["error"]["code"] == "model", answer
    ranges = [wanted for method, _, wanted in hub.requests if method == "GET"]
    assert ranges == [f"bytes={kept}-"]


def test_a_wrong_checksum_is_refused(home: Home, hub: StubHub) -> None:
    """And what came is thrown away, so that the next attempt can be right."""
    hub.falsify = True
    code, answer = pull(hub)
    assert code == 5 and "checksum" in answer["error"]["message"]
    assert not list(home.models.glob(".pull-*/*"))


@pytest.mark.parametrize(
    "status",
    [None, *(pytest.param(status, marks=pytest.mark.slow) for status in (401, 403, 500, 503))],
)
def test_refusals_are_reported_soon(status: int | None, home: Home, hub: StubHub) -> None:
    """404, forbidden, broken: the error has a cause and a remedy."""
    hub.status = status
    if status is None:
        hub.files.clear()
    code, answer = pull(hub)
    assert code == 5 and answer["error"]["code"] == "download", answer
    assert answer["error"]["message"] and answer["error"]["remedy"]


@pytest.mark.slow
def test_a_hub_that_never_answers_is_given_up(home: Home, hub: StubHub) -> None:
    """A hub that accepts and stays silent ends in an error that says what to check."""
    hub.silent = True
    code, answer = pull(hub)
    assert code == 5 and "does not answer" in answer["error"]["message"]
    assert "HF_ENDPOINT" in answer["error"]["remedy"]


def test_a_missing_network_is_reported_at_once(home: Home, hub: StubHub) -> None:
    """A refused connection ends in an error that says what to check."""
    code, answer = pull(hub, HF_ENDPOINT="http://127.0.0.1:9")
    assert code == 5 and "cannot be reached" in answer["error"]["message"]


@pytest.mark.slow
def test_a_proxy_is_used(home: Home, hub: StubHub) -> None:
    """HTTP_PROXY and HF_ENDPOINT mean here what they mean elsewhere."""
    _, answer = pull(hub, HF_ENDPOINT="http://hub.invalid", HTTP_PROXY=hub.url)
    assert answer["error"]["code"] == "model", answer
    assert all(path.startswith("http://hub.invalid/") for _, path, _ in hub.requests)


def test_a_full_disk_is_foreseen(home: Home, hub: StubHub) -> None:
    """Before anything is downloaded; the message says how much is missing."""
    hub.announced = 1 << 50
    code, answer = pull(hub)
    assert code == 5 and "are free" in answer["error"]["message"]
    assert not [path for method, path, _ in hub.requests if method == "GET"]


ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from photosd.core.errors import DownloadFailed
from photosd.encoder.install.hub import Checksums
from photosd.encoder.install.hub import Hub
hub = Hub()
remote = hub.look(sys.argv[1], ("open_clip_model.safetensors",))
try:
    there = Path(sys.argv[2])
    hub.download(remote, there, lambda *_: None, Checksums(there))
except DownloadFailed as error:
    print(error, "|", [file.stat().st_size for file in Path(sys.argv[2]).iterdir()])
"""


def test_a_disk_that_fills_up_keeps_what_came(hub: StubHub, tmp_path: Path) -> None:
    """A disk that fills up is reported; the next attempt downloads only the rest."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=2m none {small} && exec "$@"'
    arguments = [sys.executable, "-c", ON_A_SMALL_DISK, REPOSITORY, str(small)]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *arguments],
        capture_output=True,
        env=environment(hub),
        timeout=100,
        check=False,
    )
    message, _, sizes = done.stdout.decode().partition(" | ")
    assert message == "the disk is full", done
    assert 1_000_000 < json.loads(sizes)[0] < SIZE


def test_licences_for_research_only_need_consent(home: Home, hub: StubHub) -> None:
    """Without a terminal to ask on, --yes says it."""
    code, answer = pull(hub, "MobileCLIP2-S0/dfndr2b")
    assert code == 2 and "scientific research" in answer["error"]["message"]
    assert not hub.requests


@pytest.mark.parametrize("name", ["nothing", "ViT-B-32/nothing", "ViT-B-99/openai"])
def test_unknown_names(name: str, home: Home, hub: StubHub) -> None:
    """Are refused with what there is."""
    code, answer = pull(hub, name)
    assert code == 1 and answer["error"]["remedy"]
    assert not hub.requests
