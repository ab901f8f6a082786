"""Types of ours are first looked at in one thread; msgspec crashes when it is two."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT

RUNS = 12
TWO_THREADS = """
import sys, threading
sys.setswitchinterval(0.0005)
import msgspec
from photosd.core import typed
from photosd.core.config import Settings
from photosd.protocol.requests import QueryParams, Request
from photosd.models.spec import ModelSpec
plain, barrier, errors = msgspec.to_builtins(Settings()), threading.Barrier(4), []
def go():
    barrier.wait()
    try:
        assert typed.convert(plain, Settings) == Settings()
        typed.from_json(b'{"v":1,"id":"1","op":"query","params":{}}', Request)
        typed.from_json(b'{"text":"dog"}', QueryParams)
        try: typed.from_json(b"{}", ModelSpec)
        except msgspec.ValidationError: pass
    except BaseException as error:
        errors.append(error)
threads = [threading.Thread(target=go) for _ in range(4)]
for t in threads: t.start()
for t in threads: t.join()
sys.exit(f"{errors[0]!r}" if errors else 0)
"""


def test_threads_may_use_a_type_for_the_first_time_at_once() -> None:
    """With msgspec alone eighteen of thirty runs ended by SIGSEGV."""
    for _ in range(RUNS):
        done = subprocess.run(
            [sys.executable, "-c", TWO_THREADS], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_only_this_module_decodes_into_types() -> None:
    """Whatever is added."""
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in sorted((ROOT / "daemon").rglob("*.py")) + sorted((ROOT / "cli").rglob("*.py"))
        if file.name != "typed.py"
        for line in file.read_text().splitlines()
        if re.search(r"msgspec\.convert\(|decode\(.*\btype=|\bDecoder\((?!urgent)", line)
    ]
    assert found == []
