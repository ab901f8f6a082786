"""What leaves the machine: nothing, words alone, or nameless copies; never to anywhere else."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from photosd.core.paths import Home
from photosd.protocol.client import Client
from photosd_cli.commands.demo import PICTURES
from tests.conftest import ROOT
from tests.gemini.conftest import MARKED, UNMARKED, Cloudy, hostile
from tests.gemini.fake_gemini import KEY, FakeGemini, wait_for

# In every Python process below the daemon: each use of a socket that is no Unix socket is noted.
WATCH = """
import os, socket, sys

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        note(event, arguments)
    elif event == "socket.__new__" and arguments[1] not in (socket.AF_UNIX, -1):
        note(event, arguments[1:])
    elif event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        if arguments[0].family != socket.AF_UNIX:
            note(event, arguments[1:])

def note(event, arguments):
    line = f"{sys.argv} {event} {arguments}\\n".encode()
    file = os.open({file!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line)

os.open({seen!r} + str(os.getpid()), os.O_WRONLY | os.O_CREAT, 0o600)
sys.addaudithook(watch)
"""
STRACE = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=socket,connect,bind,sendto,sendmsg"]


def live(home: Home, directory: Path, trap: FakeGemini, prefix: list[str], path: Path) -> None:
    """A daemon's whole life in the mode local, with everything there that could tempt it."""
    pictures = directory / "pictures"
    pictures.mkdir()
    for name in MARKED:
        shutil.copy(PICTURES / f"{name}.jpg", pictures)
    environment = {
        **os.environ,
        **hostile(trap.url),
        "GEMINI_API_KEY": KEY,
        "EMBEDDING_MODE": "gemini",
        "PYTHONPATH": os.pathsep.join([str(path), str(ROOT / "daemon"), str(ROOT / "cli")]),
    }
    home.config.mkdir(parents=True)
    home.settings.write_text(f'[cloud]\nmode = "gemini"\nbase_url = "{trap.url}"\n')
    process = subprocess.Popen(
        [
            *prefix,
            sys.executable,
            "-c",
            "from photosd.runtime.main import main; raise SystemExit(main())",
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(home.socket.exists)
        with Client(home.socket, timeout=120) as client:
            wait_for(lambda: client.status()["state"] == "ready", 90)
            client.add(str(pictures), cloud=True)
            list(client.rescan())
            assert client.query("snow")["fallback_reason"] == "consent"
            client.query("שקיעה", mode="local")
            client.thumbnail(str(pictures / "snow.jpg"))
            client.cloud_preview(str(pictures / "snow.jpg"))
            client.cloud_status()
            client.self_check()
            os.kill(client.status()["pid"], signal.SIGTERM)
        process.wait(30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)


def test_in_local_mode_no_process_connects(home: Home, tmp_path: Path, trap: FakeGemini) -> None:
    """A key, gemini mode, an address and a marked folder are there; consent is not."""
    noted, seen, site = tmp_path / "noted", tmp_path / "seen", tmp_path / "site"
    for directory in (seen, site):
        directory.mkdir()
    script = WATCH.replace("{file!r}", repr(str(noted))).replace("{seen!r}", repr(f"{seen}/"))
    (site / "sitecustomize.py").write_text(script)
    live(home, tmp_path, trap, [], site)
    assert len(list(seen.iterdir())) >= 3, "daemon, encoder and decoders were watched"
    assert not noted.exists(), noted.read_text()
    assert trap.requests == []
    assert not home.cloud.exists()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_kernel_saw_none_either(home: Home, tmp_path: Path, trap: FakeGemini) -> None:
    """Native libraries open sockets past Python; the kernel's log has them all."""
    record = tmp_path / "calls"
    probe = subprocess.run([*STRACE, "-o", str(record), "true"], check=False, capture_output=True)
    if probe.returncode != 0:
        pytest.skip(f"strace may not trace here: {probe.stderr.decode()[:200]}")
    live(home, tmp_path, trap, [*STRACE, "-o", str(record)], tmp_path)
    calls = record.read_text(errors="replace").splitlines()
    assert sum("AF_UNIX" in call for call in calls) > 5, "the record is one of a daemon's life"
    families = {match[0] for call in calls for match in re.findall(r"\bAF_\w+|\bPF_\w+", call)}
    foreign = [call for call in calls if re.search(r"AF_(INET6?|NETLINK|PACKET|VSOCK)", call)]
    assert not foreign, (families, foreign[:10])


@pytest.fixture(scope="module")
def cloudy(make_cloudy: Callable[..., Cloudy]) -> Cloudy:
    made = make_cloudy({"שקיעה": ["a sunset over the sea"]})
    made.put_key()
    made.paint()
    return made


def test_in_hybrid_words_leave_and_no_picture(cloudy: Cloudy) -> None:
    cloudy.enable("hybrid")
    cloudy.warm()
    assert cloudy.query("שקיעה")["mode_used"] == "hybrid"
    cloudy.call("thumbnail", path=str(cloudy.marked / "secret-snow.jpg"))
    requests = cloudy.gemini.requests
    assert requests and all(request.path.endswith(":generateContent") for request in requests)
    assert cloudy.gemini.images == []
    assert not _leaked(requests[0].raw + b"".join(r.raw for r in requests), cloudy)
    asked = len(requests)
    cloudy.query("a private question", mode="local")
    assert len(cloudy.gemini.requests) == asked


def test_in_gemini_copies_leave_without_a_name(cloudy: Cloudy) -> None:
    """Small, bare, of marked folders alone; the very bytes that the preview shows."""
    cloudy.gemini.requests.clear()
    cloudy.enable("gemini")
    wait_for(lambda: cloudy.status()["photos_sent"] == len(MARKED))
    cloudy.query("something white")
    images = cloudy.gemini.images
    assert len(images) == len(MARKED)
    for image in images:
        with Image.open(io.BytesIO(image)) as picture:
            assert picture.format == "JPEG" and max(picture.size) <= 512
            assert not picture.getexif() and "exif" not in picture.info
            assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    for request in cloudy.gemini.requests:
        text = str({**request.headers, "x-goog-api-key": ""}).encode()
        assert not _leaked(text + request.path.encode() + request.raw + b"".join(images), cloudy)
        assert request.headers["x-goog-api-key"] == KEY and KEY.encode() not in request.raw
    for name in MARKED:
        ran = cloudy.run("cloud", "preview", str(cloudy.marked / f"secret-{name}.jpg"), "--json")
        assert '"may_be_sent": true' in ran.stdout
        out = cloudy.directory / "copy.jpg"
        cloudy.run("cloud", "preview", f"{cloudy.marked}/secret-{name}.jpg", "-o", str(out))
        assert out.read_bytes() in images
    other = cloudy.run("cloud", "preview", f"{cloudy.unmarked}/secret-{UNMARKED[0]}.jpg", "--json")
    assert '"may_be_sent": false' in other.stdout


def test_the_key_is_nowhere_to_be_seen(cloudy: Cloudy) -> None:
    """Not in the log, the status, the protocol, the state on disk; not of a refused one either."""
    words = cloudy.daemon.log() + str(cloudy.status()) + str(cloudy.call("config"))
    assert KEY not in words
    for file in cloudy.home.state.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file


def _leaked(data: bytes, cloudy: Cloudy) -> list[str]:
    secrets = [
        "secret-",
        str(cloudy.directory),
        cloudy.marked.name,
        "SecretCamera",
        "taken at home",
        "Exif\0",
    ]
    return [secret for secret in secrets if secret.encode() in data]
