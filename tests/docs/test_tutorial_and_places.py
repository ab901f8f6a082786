"""The examples of the tutorial, and of the how-tos about disks, shares and users, run in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.conftest import ROOT
from tests.docs.examples import examples_of, painted, run, with_photosd

DOCS = ROOT / "docs"


@pytest.fixture
def shell(home: Home, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A shell at a home of its own; a daemon that was started from it is stopped."""
    environment = with_photosd(tmp_path)
    yield environment
    run("photosd stop", tmp_path, environment)


@pytest.fixture
def running(shell: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A shell whose photosd runs already."""
    assert run("photosd start --wait", tmp_path, shell).returncode == 0
    return shell


def encoded(shell: dict[str, str], place: Path) -> int:
    """How many images the encoder has seen."""
    status = json.loads(run("photosd status --json", place, shell).stdout)
    return int(status["encoder"]["images_encoded"])


def carried_out(page: str, shell: dict[str, str], place: Path, **instead: Path) -> dict[str, str]:
    """What each line of a page prints; directories of the page are others here."""
    said = {}
    for line in examples_of(DOCS / page):
        example = line
        for name, directory in instead.items():
            example = example.replace(f"/{name.replace('_', '/')}", str(directory))
        done = run(example, place, shell)
        assert done.returncode == 0 or "--weak" in line, (line, done.stdout, done.stderr)
        said[line.partition("#")[0].strip()] = done.stdout
    return said


def test_the_tutorial(shell: dict[str, str], tmp_path: Path) -> None:
    """Each step shows what it says."""
    for name in ("beach", "sunset", "forest"):
        painted(tmp_path / "Pictures", name, taken="2019:08:31 18:00:00")
    photos = sorted((tmp_path / "Pictures").iterdir())
    said = carried_out("tutorial.md", shell, tmp_path)
    assert "beach.jpg" in said['photosd query "a beach" -n 3 --weak'].splitlines()[0]
    assert "beach.jpg" in (tmp_path / "beach.html").read_text()
    for folder in ("Trial", "Tried"):
        found = said[f'photosd query "a beach" --weak --in ~/Pictures/{folder}']
        assert f"{folder}/beach.jpg" in found.splitlines()[0]
    shown = next(printed for line, printed in said.items() if line.endswith("photosd show"))
    assert "indexed" in shown
    assert sorted((tmp_path / "Pictures").iterdir()) == photos


@pytest.mark.slow
def test_a_disk_comes_and_goes(running: dict[str, str], tmp_path: Path) -> None:
    """Away it is found all the same; under another name nothing is encoded again."""
    disk, other = tmp_path / "Disk", tmp_path / "Archive"
    painted(disk, "beach")
    lines = examples_of(DOCS / "how-to/external-disks.md")
    away = next(at for at, line in enumerate(lines) if line.startswith("photosd folders"))
    back = next(at for at, line in enumerate(lines) if line.endswith("Archive"))
    for at, line in enumerate(lines):
        if at == away:
            disk.rename(other)
            run("photosd index --wait", tmp_path, running)
            before = encoded(running, tmp_path)
            assert before > 0
        example = line.replace("/media/me/Disk", str(disk)).replace("/media/me/Archive", str(other))
        done = run(example, tmp_path, running)
        assert done.returncode == 0 or "--weak" in line, (line, done.stdout, done.stderr)
        if away <= at < back:
            assert "offline" in done.stdout, line
    assert "Archive/beach.jpg" in run("photosd query beach", tmp_path, running).stdout
    assert encoded(running, tmp_path) == before


def test_a_share(running: dict[str, str], tmp_path: Path) -> None:
    painted(tmp_path / "nas", "beach")
    painted(tmp_path / "nas/Backups", "sunset")
    page = "how-to/photos-on-a-nas.md"
    said = carried_out(page, running, tmp_path, mnt_nas_photos=tmp_path / "nas")
    assert "1 photo" in said["photosd folders"]


@pytest.mark.slow
def test_several_libraries(running: dict[str, str], tmp_path: Path) -> None:
    """One is not the other."""
    painted(tmp_path / "family", "sunset")
    painted(tmp_path / "Work", "beach")
    try:
        page = "how-to/several-users.md"
        said = carried_out(page, running, tmp_path, srv_photos=tmp_path / "family")
    finally:
        run("PHOTOSD_HOME=~/work-photos photosd stop", tmp_path, running)
    found = said['PHOTOSD_HOME=~/work-photos photosd query "beach" --weak']
    assert "Work/beach.jpg" in found and "family" not in found
