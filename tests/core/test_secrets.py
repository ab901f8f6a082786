"""Secrets in any text, log line, error, setting or bug report are taken out."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd.core.secrets import without_secrets
from photosd.doctor.bugreport import make_report
from tests.cli.conftest import Photosd, photosd
from tests.conftest import ROOT

__all__ = ["photosd"]  # the fixture

SECRETS = [
    ("http://user:hunter2-pass@proxy:3128/x", "hunter2-pass"),
    ("socks5://:hunter2@proxy", "hunter2"),
    ("https://tokentoken@host/path", "tokentoken"),
    ("proxy https://a%40b:p%40ss-word@host refused", "p%40ss-word"),
    ("https://host/v1?key=abcdef123456&x=1", "abcdef123456"),
    ("https://host/v1?x=1&access_token=abcdef123456", "abcdef123456"),
    ("https://s3.host/o?X-Amz-Signature=abcdef0123", "abcdef0123"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIzaSyA123"),
    ("key AIzaSyA1234567890abcdefghijklmnopqrstuv.", "AIzaSyA123"),
    ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
    ('{"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}', "dXNlcjpwYXNzd29yZA"),
    ("Proxy-Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("x-goog-api-key: abcdef123456", "abcdef123456"),
    ("'X-Goog-Api-Key': 'abcdef123456'", "abcdef123456"),
    ("GEMINI_API_KEY=abcdef123456", "abcdef123456"),
    ("HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop"),
    ("token hf_abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop"),
    ("password = correct-horse", "correct-horse"),
    ("passwd:hunter22", "hunter22"),
    ('"password": "hunter22"', "hunter22"),
    ("client_secret=abcdef123456", "abcdef123456"),
    ("sk-abcdefghijklmnopqrstuvwx", "abcdefghijkl"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123", "abcdefghijkl"),
    ("github_pat_abcdefghijklmnopqrstuvwxyz", "abcdefghijkl"),
    ("glpat-abcdefghijklmnopqrst", "abcdefghijkl"),
    ("xoxb-1234567890-abcdef", "1234567890"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI", "wJalrXUtnFEMI"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh", "eyJzdWIi"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----", "MIIEvQIB"),
    ("Cookie: session=abcdef; other=1", "abcdef"),
    ("ya29.a0AfH6SMBabcdefghijklmnop", "a0AfH6SMB"),
    ('"password": "correct horse battery staple"', "battery"),
    ("passphrase = 'correct horse battery staple'", "battery"),
    ("[(b'x-goog-api-key', b'abcdef123456')]", "abcdef123456"),
    ("('authorization', 'Token abcdef123456')", "abcdef123456"),
    ('Authorization: Digest username="bob", response="6629fae49393a053"', "6629fae4"),
    (r"{\"api_key\": \"abcdef123456\"}", "abcdef123456"),
    ("http://user:pa/ss-word@host/x", "ss-word"),
    ("http://user:pa#ss-word@host/x", "ss-word"),
    ("proxy user:hunter2-pass@proxy:3128", "hunter2"),
    ("//user:hunter2-pass@proxy:3128", "hunter2"),
    ("curl -u user:hunter2pass https://x", "hunter2pass"),
    ("op read --token abcdef123456", "abcdef"),
    ("vault --api-key=abcdef123456", "abcdef"),
    ("privateKey: abcdef123456", "abcdef"),
    ("AccountKey=abcdef123456==;EndpointSuffix=x", "abcdef"),
    ("https://host/v1?api%5Fkey=abcdef123456", "abcdef"),
    ("https://host/v1;token=abcdef123456", "abcdef"),
    ("npm_abcdefghijklmnopqrstuvwxyz0123", "abcdefgh"),
    ("sk_live_abcdefghijklmnopqrstuvwx", "abcdefgh"),
    ("GOCSPX-abcdefghijklmnopqrstuvwx", "abcdefgh"),
    ("1//0abcdefghijklmnopqrstuvwxyz0123", "abcdefgh"),
    (r"http:\/\/user:hunter2-pass@host", "hunter2"),
    ("secret_key => abcdef123456", "abcdef"),
    ("https://host/?private_token=abcdef123456", "abcdef"),
    ("PRIVATE-TOKEN: abcdef123456", "abcdef"),
    ("https://host/?auth=abcdef123456", "abcdef"),
    ("mount.cifs -o user=anna,pass=abcdef123456,uid=1000", "abcdef"),
]
HARMLESS = [
    "12,408 photos, key frames and tokens",
    "hung: no answer to text for 2.5 s",
    "/home/anna/Pictures/keyboard.jpg",
    "the file is a circular link",
    "https://host/path?limit=3",
    "sk-1, basic colours",
    "/photos/at 12:30@beach.jpg",
    "//server/share/a@b.jpg",
    "http://127.0.0.1:9/x@y",
    "it must be one of 'date', 'key', 'name'",
    "first pass: comparing; passes=3; authors: 12",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_each_kind_is_removed_wherever_it_stands(text: str, secret: str) -> None:
    for whole in (text, f"it failed: {text}", f"[{text}]", f"a\n{text}\nb"):
        assert secret not in without_secrets(whole)


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "piece", ["a.", "a-", "-", "//", "http://u:", "x:y@", "'a', ", "key=", '\\"']
)
def test_no_text_keeps_it_busy(piece: str) -> None:
    """An error or a log line may hold whatever a client has sent: 64 KiB took 40 s."""
    text = piece * ((64 << 10) // len(piece)) + " key @"
    begun = time.thread_time()
    without_secrets(text)
    assert time.thread_time() - begun < 2


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_errors_have_none(text: str, secret: str) -> None:
    assert secret not in json.dumps(PhotosdError(text, remedy=text).as_dict())


LOGS = """
import logging, sys
from pathlib import Path
import structlog
from photosd.core.log import set_up
set_up("debug", Path(sys.argv[1]))
for text in sys.argv[2:]:
    structlog.get_logger().info("event", cause=text, nested={"a": [text]})
    try:
        raise ValueError(text)
    except ValueError:
        structlog.get_logger().exception("failed")
    logging.getLogger("httpx").warning("request %s", text)
"""


def test_logs_have_none(tmp_path: Path) -> None:
    """Neither in values nor in tracebacks nor in what libraries log."""
    file = tmp_path / "log"
    texts = [text for text, _ in SECRETS]
    path = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")])
    done = subprocess.run(
        [sys.executable, "-c", LOGS, str(file), *texts],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
    )
    written = file.read_text() + done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0 and written.count("event") > len(SECRETS)
    assert not [secret for _, secret in SECRETS if secret in written]


def test_settings_and_bug_reports_have_none(home: Home, photosd: Photosd) -> None:
    proxy = "http://user:hunter2-pass@127.0.0.1:9"
    for words in ([], ["--json"]):
        ran = photosd("config", "set", "cloud.proxy", proxy, *words)
        assert ran.code == 0 and "hunter2" not in ran.out
    home.log.parent.mkdir(parents=True, exist_ok=True)
    home.log.write_text("\n".join(json.dumps({"event": "e", "cause": t}) for t, _ in SECRETS))
    for words in (["config", "get"], ["config", "get", "cloud.proxy"], ["config", "get", "--json"]):
        assert "hunter2" not in photosd(*words).out
    assert "hunter2" in home.settings.read_text()
    _, data = make_report(home)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        texts = [stream.read().decode() for m in tar if (stream := tar.extractfile(m)) is not None]
    assert not [secret for _, secret in SECRETS for text in texts if secret in text]
