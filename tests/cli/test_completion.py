"""TAB in real shells: the scripts of `photosd completion` are loaded, and names are completed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from photosd.core.paths import Home
from tests.cli.conftest import Photosd, command, environment

PATIENCE = 30.0


@pytest.fixture
def shell_environment(home: Home, tmp_path: Path) -> dict[str, str]:
    """An environment in which `photosd` is a program, and nothing of the user's is read."""
    assert home
    program = tmp_path / "bin" / "photosd"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(command())} "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return {**environment(), "PATH": path, "HOME": str(tmp_path), "TERM": "dumb", "LC_ALL": "C"}


def script(photosd: Photosd, shell: str, directory: Path) -> Path:
    """The completion script in a file; skips where the shell is not there."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    file = directory / f"photosd.{shell}"
    file.write_text(photosd("completion", shell).out)
    return file


def offered(shell: list[str], program: str, environment: dict[str, str]) -> str:
    return subprocess.run(
        [*shell, program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    ).stdout


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("photosd sta", {"start", "status"}),
        ("photosd model u", {"use"}),
        ("photosd model use st", {"starter"}),
        ("photosd model pull m", {"multilingual"}),
        ("photosd config set watch.", {"watch.settle_seconds", "watch.rescan_minutes"}),
        ("photosd query --js", {"--json", "--jsonl"}),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_names_are_completed(
    photosd: Photosd,
    shell_environment: dict[str, str],
    tmp_path: Path,
    shell: str,
    line: str,
    wanted: set[str],
) -> None:
    """As the shell asks at each TAB."""
    file = script(photosd, shell, tmp_path)
    if shell == "fish":
        out = offered(["fish", "-c"], f"source {file}; complete -C '{line}'", shell_environment)
        assert {row.split("\t")[0] for row in out.splitlines()} == wanted
        return
    words = line.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    asking = f"source {file}; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1};"
    asking += " _photosd_completion photosd; printf '%s\\n' \"${COMPREPLY[@]}\""
    assert set(offered(["bash", "-c"], asking, shell_environment).split()) == wanted


def test_zsh_completes(photosd: Photosd, shell_environment: dict[str, str], tmp_path: Path) -> None:
    """Installed as its help says, on a terminal: one TAB, and the one name that fits is there."""
    file = script(photosd, "zsh", tmp_path)
    places = tmp_path / "functions"
    places.mkdir()
    shutil.copy(file, places / "_photosd")
    (tmp_path / ".zshrc").write_text(
        f"fpath=({places} $fpath); autoload -U compinit; compinit -u\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe("zsh", ["zsh", "-i"], shell_environment)
    try:
        os.write(terminal, b"PS1='ready> '\n")
        assert "ready> " in _until(terminal, "\nready> ")
        os.write(terminal, b"photosd sockn\t")
        assert "photosd sockname" in _until(terminal, "sockname")
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def _until(terminal: int, wanted: str) -> str:
    """What the terminal shows until ``wanted`` is there, or patience ends."""
    shown, limit = "", time.monotonic() + PATIENCE
    while wanted not in shown and time.monotonic() < limit:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
    return shown.replace("\r", "")
