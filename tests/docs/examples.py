"""The examples of a page of the documentation, and a home in which they run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from photosd_cli.commands.demo import PICTURES
from tests.conftest import ROOT


def examples_of(page: Path, language: str = "sh") -> list[str]:
    """Each line of its ``sh`` blocks; of other languages each block."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    if language != "sh":
        return blocks
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def with_photosd(home: Path, tools: dict[str, str] | None = None) -> dict[str, str]:
    """The environment of a shell at ``home`` in which `photosd` is ours; ``tools``: scripts."""
    programs = home / "bin"
    programs.mkdir(exist_ok=True)
    ours = f'#!/bin/sh\nexec "{sys.executable}" -m photosd_cli.main "$@"\n'
    for name, script in {"photosd": ours, **(tools or {})}.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")]),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
    }


def run(example: str, home: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One line of a page, as a shell that stands at ``home`` takes it."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", example],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def painted(
    directory: Path,
    name: str,
    *,
    camera: str = "",
    taken: str = "",
    rating: int = 0,
    place: tuple[float, float] | None = None,
) -> Path:
    """A scene of the demonstration as a JPEG that says these things of itself."""
    directory.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if camera:
        exif[0x010F], exif[0x0110] = camera.split(maxsplit=1)
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    if rating:
        exif[0x4746] = rating
    if place is not None:
        north, east = ((degrees, 0.0, 0.0) for degrees in place)
        exif.get_ifd(0x8825).update({1: "N", 2: north, 3: "E", 4: east})
    file = directory / f"{name}.jpg"
    with Image.open(PICTURES / f"{name}.jpg") as picture:
        picture.save(file, quality=90, exif=exif)
    return file
