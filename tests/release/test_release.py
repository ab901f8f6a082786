"""A release as a whole: all or nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import release.__main__ as whole
from release import smoke
from release.version import Refused


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with a version and news; commands succeed, archives are not built."""
    (tmp_path / "init.py").write_text('__version__ = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n- This.\n")
    monkeypatch.setattr(whole, "ROOT", tmp_path)
    monkeypatch.setattr(whole, "MODULE", tmp_path / "init.py")
    monkeypatch.setattr(whole, "CHANGELOG", tmp_path / "CHANGELOG.md")
    monkeypatch.setattr(whole, "build", lambda version: tmp_path / f"{version}.whl")
    monkeypatch.setattr(whole, "run", lambda *command: None)
    monkeypatch.setattr(smoke, "main", lambda wheel: None)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Begin"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_release_is_a_commit_and_a_tag(repository: Path) -> None:
    whole.main("0.2.0")
    assert whole.git("show", "v0.2.0:init.py") == '__version__ = "0.2.0"'
    assert "## [0.2.0] - " in whole.git("show", "v0.2.0:CHANGELOG.md")
    assert whole.git("status", "--porcelain") == ""


def test_what_fails_changes_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*command: str) -> None:
        assert "0.2.0" in (repository / "init.py").read_text()
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(whole, "run", fail)
    with pytest.raises(subprocess.CalledProcessError):
        whole.main("0.2.0")
    assert whole.git("status", "--porcelain") == whole.git("tag", "--list") == ""
    assert "0.1.0" in (repository / "init.py").read_text()


def test_changes_that_are_not_committed_are_not_lost(repository: Path) -> None:
    (repository / "init.py").write_text('__version__ = "0.1.0"  # mine\n')
    with pytest.raises(Refused, match="not committed"):
        whole.main("0.2.0")
    assert "mine" in (repository / "init.py").read_text()


def test_no_version_is_released_twice(repository: Path) -> None:
    whole.main("0.2.0")
    with pytest.raises(Refused, match="there already"):
        whole.main("0.2.0")
