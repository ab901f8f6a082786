"""What is in the wheel and in the source archive: all that is needed, and nothing else."""

from __future__ import annotations

import email
import email.message
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import photosd
from tests.conftest import ROOT

NAME = f"photosd-{photosd.__version__}"
INFO, DATA = f"{NAME}.dist-info", f"{NAME}.data"
LARGEST = 30_000_000  # bytes; the starter model has 18


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both archives, made as a release makes them."""
    pytest.importorskip("hatchling", reason="hatchling comes with the development tools")
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(directory)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return directory


@pytest.fixture(scope="module")
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    return email.message_from_bytes(wheel.read(f"{INFO}/METADATA"))


def tracked(*places: str) -> set[str]:
    """Files of the repository below these; skips where git does not know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *places],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def test_the_wheel_holds_our_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Every file of both packages, templates, manual page; no tests, no training, no data of it."""
    held = {name for name in wheel.namelist() if not name.endswith("/")}
    ours = {name.partition("/")[2] for name in tracked("daemon/photosd", "cli/photosd_cli")}
    templates = {f"photosd/_templates/{name}" for name in tracked("launchd", "systemd")}
    manual = f"{DATA}/data/share/man/man1/photosd.1"
    metadata_files = {"METADATA", "WHEEL", "RECORD", "entry_points.txt"}
    licences = {"licenses/LICENSE", "licenses/NOTICE"}
    about = {f"{INFO}/{name}" for name in metadata_files | licences}
    assert held == ours | templates | about | {manual}
    assert sum(item.file_size for item in wheel.infolist()) < LARGEST


def test_the_wheel_has_nothing_that_only_tests_use(wheel: zipfile.ZipFile) -> None:
    """No fault can be ordered from an installed photosd."""
    programs = [name for name in wheel.namelist() if name.endswith(".py")]
    assert programs
    assert not [name for name in programs if b"PHOTOSD_TEST" in wheel.read(name)]


def test_the_model_and_the_templates_are_whole(wheel: zipfile.ZipFile) -> None:
    """Byte for byte those of the repository."""
    for name in ("model.json", "tokenizer.json", "weights.safetensors", "words.txt"):
        inside = f"photosd/models/starter/{name}"
        assert wheel.read(inside) == (ROOT / "daemon" / inside).read_bytes()
    for name in ("systemd/photosd.service", "launchd/org.photosd.daemon.plist"):
        assert wheel.read(f"photosd/_templates/{name}") == (ROOT / name).read_bytes()


def test_the_metadata_say_what_pip_needs(
    wheel: zipfile.ZipFile, metadata: email.message.Message
) -> None:
    """One program, the licence, the extras; every dependency has an upper bound."""
    assert metadata["Name"] == "photosd"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "raw" in (metadata.get_all("Provides-Extra") or [])
    programs = wheel.read(f"{INFO}/entry_points.txt").decode()
    assert programs.split() == ["[console_scripts]", "photosd", "=", "photosd_cli.main:main"]
    for requirement in metadata.get_all("Requires-Dist") or []:
        assert "<" in requirement.partition(";")[0], requirement


def test_the_source_archive_is_complete(built: Path) -> None:
    """All that is in the repository, so that its tests run, too; and nothing else."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        held = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert held - {"PKG-INFO"} == tracked()
