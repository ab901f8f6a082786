"""The README's commands work in the order shown, for a user with an empty home.

Commands that need minutes or a network are tried in part: `make` knows its targets, the tests of
packaging install, and a download without a hub ends with an error in words.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from photosd.core.paths import Home
from tests.conftest import ROOT
from tests.docs.examples import examples_of, painted, run, with_photosd

NOWHERE = "http://127.0.0.1:9"


def test_every_command_in_order(home: Home, tmp_path: Path) -> None:
    painted(tmp_path / "Pictures", "beach")
    painted(tmp_path / "Pictures", "sunset")
    shell = {**with_photosd(tmp_path), "HF_ENDPOINT": NOWHERE}
    seen = set()
    try:
        for line in examples_of(ROOT / "README.md"):
            program, first, *_ = line.split()
            seen.add(f"{program} {first}")
            if program == "make":
                known = subprocess.run(["make", "-n", first], cwd=ROOT, capture_output=True)
                assert known.returncode == 0, line
            elif program == "photosd":
                done = run(line, tmp_path, shell)
                if first == "model":
                    assert done.returncode == 5 and "could not be downloaded" in done.stderr, done
                else:
                    # 1: no good matches, which depends on whose photos they are
                    assert done.returncode in ((0, 1) if first == "query" else (0,)), (line, done)
            else:
                assert line.startswith("pip install ."), line
        run("photosd index --wait", tmp_path, shell)
        status = run("photosd status", tmp_path, shell).stdout
        assert "2 of 2 photos" in status, status
    finally:
        run("photosd stop", tmp_path, shell)
    assert {"make demo", "make test", "photosd start", "photosd query", "photosd model"} <= seen
