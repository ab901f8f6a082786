"""Runs the README from top to bottom with only a clone and an empty home.

`make walk`, a quarter of an hour. Commands run as they stand there, in order, in one shell's
environment; afterwards photosd is removed as its page says, and everything that is left is listed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.docs.examples import examples_of, painted

ROOT = Path(__file__).resolve().parents[1]
REMOVE = "docs/how-to/remove-photosd.md"
# What the README says in passing, after the blocks.
BETWEEN_THE_LINES = (
    'make demo PHOTOS=~/Pictures QUERY="sunset"',
    'photosd query "the sun sets over the ocean" --html',
    "photosd index --wait",
    "photosd doctor",
    "photosd service install",
)
MAY_FAIL = {  # how each may end besides well, and why
    "photosd query": (1, "no good matches, which depends on whose photos they are"),
    "photosd model": (5, "the hub of models is out of reach"),
    "photosd doctor": (1, "it found something to say"),
    "photosd service": (1, "no systemd of this user, or this is root"),
}
INSTALLERS = (".cache/pip", ".cache/uv", ".local/share/uv")  # pip's and uv's own
COMMON = (".config", ".local/state", ".local/share")  # of all programs; in any home they are there
SECONDS = 1800


class Newcomer:
    """An empty home with two photos, a clone in it, and a shell that knows nothing else."""

    def __init__(self, place: Path) -> None:
        self.home, self.runtime = place / "home", place / "run"
        self.clone, self.environment = self.home / "photosd", self.home / "environment"
        for name in COMMON:
            (self.home / name).mkdir(parents=True)
        self.runtime.mkdir(mode=0o700)
        painted(self.home / "Pictures", "beach")
        painted(self.home / "Pictures", "sunset")
        packages = {  # where they come from may be special
            name: os.environ[name]
            for name in os.environ
            if name.startswith(("UV_", "PIP_", "SSL_"))
        }
        self._shell = {
            **packages,
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
        }
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.clone)], check=True)

    def activate(self) -> None:
        """The virtual environment that `pip install .` is said to be for."""
        subprocess.run([sys.executable, "-m", "venv", str(self.environment)], check=True)
        self._shell["PATH"] = f"{self.environment / 'bin'}:{self._shell['PATH']}"

    def say(self, line: str) -> None:
        """Run a line; raises SystemExit where it ends as it may not."""
        print(f"$ {line}", flush=True)
        started = time.monotonic()
        shell = ["bash", "-o", "pipefail", "-c", line]
        code = subprocess.run(
            shell, cwd=self.clone, env=self._shell, stdin=subprocess.DEVNULL, timeout=SECONDS
        ).returncode
        allowed, why = MAY_FAIL.get(" ".join(line.split()[:2]), (0, ""))
        if code not in (0, allowed):
            raise SystemExit(f"it ended with {code}: {line}")
        print(f"# {time.monotonic() - started:.1f} s{', ' + why if code else ''}", flush=True)

    def left(self) -> list[str]:
        """Files left in home and runtime directory."""
        own = [self.home / name for name in ("Pictures", "photosd", "environment", *INSTALLERS)]
        common = [self.home / name for name in COMMON]
        return [
            str(path)
            for top in (self.home, self.runtime)
            for path in top.rglob("*")
            if path not in common
            and not any(path.is_relative_to(each) or each.is_relative_to(path) for each in own)
        ]


def main() -> None:
    """All of it; raises SystemExit at the first thing that is not as the README says."""
    with tempfile.TemporaryDirectory(prefix="photosd-walk-", dir="/tmp") as place:
        newcomer = Newcomer(Path(place))
        try:
            for line in (*examples_of(ROOT / "README.md"), *BETWEEN_THE_LINES):
                if line.startswith("pip install"):
                    newcomer.activate()
                newcomer.say(line)
        finally:
            if newcomer.environment.exists():
                for line in examples_of(ROOT / REMOVE):
                    newcomer.say(line)
        if left := newcomer.left():
            raise SystemExit("left behind:\n" + "\n".join(left))
    print("the README holds, and nothing is left")


if __name__ == "__main__":
    main()
