"""Tests a wheel in an empty virtual environment and an empty home, through all first steps.

`python -m release.smoke dist/photosd-0.2.0-py3-none-any.whl`. Nothing of the repository is in
reach: what works here works from the package alone.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

INSTALL_SECONDS, STEP_SECONDS = 1800, 300


def main(wheel: Path) -> None:
    """Install it, and go through the first steps.

    Raises:
        subprocess.CalledProcessError: One of them failed; its output is shown.
    """
    with tempfile.TemporaryDirectory(prefix="photosd-smoke-") as name:
        directory = Path(name)
        environment = directory / "venv"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        install(wheel, environment)
        steps(environment, directory)
    print(f"smoke test: {wheel.name} works")


def install(wheel: Path, environment: Path) -> None:
    """By uv where there is one, from its cache; by pip elsewhere."""
    python = environment / "bin" / "python"
    beside = Path(sys.executable).with_name("uv")
    uv = shutil.which("uv") or (str(beside) if beside.exists() else None)
    by_pip = [str(python), "-m", "pip", "install"]
    command = [uv, "pip", "install", "--python", str(python)] if uv else by_pip
    wanted = f"{wheel.resolve()}[mcp,tui,web]"
    subprocess.run([*command, "-q", wanted], check=True, timeout=INSTALL_SECONDS)


def steps(environment: Path, directory: Path) -> None:
    """Version, manual page, completion, the whole demo, and a daemon of its own, examined."""
    home, photos = directory / "home", directory / "photos"
    home.mkdir()
    photos.mkdir()
    programs = environment / "bin"

    def photosd(*arguments: str | Path) -> str:
        ran = subprocess.run(
            [programs / "photosd", *arguments],
            cwd=directory,
            env={"HOME": str(home), "PATH": f"{programs}:/usr/bin:/bin", "LANG": "C.UTF-8"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=STEP_SECONDS,
        )
        return ran.stdout

    print(photosd("--version").strip())
    assert (environment / "share/man/man1/photosd.1").stat().st_size > 1000
    assert "_PHOTOSD_COMPLETE" in photosd("completion", "bash")
    photosd("demo")
    photosd("start")
    try:
        photosd("add", photos)
        photosd("index", "--wait")
        photosd("doctor")
    finally:
        photosd("stop")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
