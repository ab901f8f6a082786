"""What the kernel saw of the use of a day: in local mode nothing for a network, in hybrid only what
people typed. `make wire MINUTES=60` does it for an hour."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from photosd_cli.commands.demo import PICTURES
from tests.conftest import ROOT
from tests.gemini import mixed_use
from tests.gemini.conftest import MARKED, hostile
from tests.gemini.fake_gemini import KEY, FakeGemini
from tests.gemini.test_gate import OURS, _words
from tests.gemini.test_privacy import STRACE

MINUTES = float(os.environ.get("PHOTOSD_TEST_MINUTES", "0"))
FOREIGN = re.compile(r"AF_(INET6?|NETLINK|PACKET|VSOCK)")

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(60 * MINUTES + 900),
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace"),
]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    directory = tmp_path / "pictures"
    directory.mkdir()
    for name in MARKED:
        shutil.copy(PICTURES / f"{name}.jpg", directory / f"secret-{name}.jpg")
    return directory


def use(home: Path, pictures: Path, environment: dict[str, str]) -> tuple[list[str], list[str]]:
    """What people typed, and the kernel's record of all system calls for sockets."""
    record = pictures.parent / "calls"
    probe = subprocess.run([*STRACE, "-o", str(record), "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        pytest.skip(f"strace may not trace here: {probe.stderr.decode()[:200]}")
    path = os.pathsep.join([str(ROOT), str(ROOT / "daemon"), str(ROOT / "cli")])
    driver = [sys.executable, "-m", mixed_use.__name__, str(MINUTES), str(pictures)]
    done = subprocess.run(
        [*STRACE, "-o", str(record), *driver],
        env={**os.environ, **environment, "PHOTOSD_HOME": str(home), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    calls = record.read_text(errors="replace").splitlines()
    assert sum("AF_UNIX" in call for call in calls) > 50, "not a record of a daemon's life"
    return done.stdout.splitlines(), calls


def test_in_local_mode_no_socket_but_unix(home: object, pictures: Path, trap: FakeGemini) -> None:
    """The environment has a key, a proxy and gemini mode, which must have no effect."""
    place = Path(os.environ["PHOTOSD_HOME"])
    environment = {**hostile(trap.url), "GEMINI_API_KEY": KEY, "EMBEDDING_MODE": "gemini"}
    typed, calls = use(place, pictures, environment)
    foreign = [call for call in calls if FOREIGN.search(call)]
    print(len(typed), "typed queries,", len(calls), "calls,", len(foreign), "foreign")
    assert foreign == []


def test_in_hybrid_mode_only_what_people_typed(
    home: object, pictures: Path, trap: FakeGemini
) -> None:
    """To the address that is set and to no other; alerts and agents' questions stay here."""
    place = Path(os.environ["PHOTOSD_HOME"])
    with FakeGemini() as gemini:
        key = place / "config" / "gemini.key"
        key.parent.mkdir(parents=True)
        key.write_text(KEY)
        key.chmod(0o600)
        environment = {**hostile(trap.url), "PHOTOSD_TEST_GEMINI": gemini.url}
        typed, calls = use(place, pictures, environment)
        arrived = set(_words([request.body for request in gemini.requests]))
        port = gemini.url.rsplit(":", 1)[1].strip("/")
    foreign = [call for call in calls if FOREIGN.search(call) and "connect(" in call]
    elsewhere = [call for call in foreign if f"htons({port})" not in call]
    print(len(typed), "typed queries,", len(gemini.requests), "requests,", len(foreign), "connects")
    assert arrived <= {*typed, OURS}, arrived - {*typed, OURS}
    assert len(arrived & set(typed)) > 3
    assert gemini.images == []
    assert elsewhere == []
