"""TAB in real shells: the scripts of `photosd completion` are loaded, and names are completed."""

from __future__ import annotations

import base64
import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from photosd.core.paths import Home
from photosd_cli import text
from tests.cli.conftest import Photosd, command, environment
from tests.cli.stub import StubDaemon

WAIT_SECONDS = 30.0


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
        timeout=WAIT_SECONDS,
        check=True,
    ).stdout


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("photosd sta", {"start", "status"}),
        ("photosd model u", {"use"}),
        ("photosd model use st", {"starter"}),
        ("photosd model pull m", {"multilingual"}),
        (
            "photosd config set watch.",
            {"watch.settle_seconds", "watch.rescan_minutes", "watch.ignore_off"},
        ),
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
    """Installed as its help says, on a terminal: one TAB, and the one name that fits is there.

    The first directory of `fpath` is not there on a new Mac, and the others belong to the system.
    """
    if shutil.which("zsh") is None:
        pytest.skip("no zsh here")
    told = photosd("completion", "--help").out
    (install,) = re.findall(r"zsh: +(.*)", told)
    (start,) = re.findall(r"in ~/.zshrc: (.*)", told)
    subprocess.run(["zsh", "-fc", install], env=shell_environment, check=True, timeout=WAIT_SECONDS)
    # -u: tests may run as root, whose files zsh asks about.
    (tmp_path / ".zshrc").write_text(f"{start} -u\n")
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe("zsh", ["zsh", "-i"], shell_environment)
    try:
        os.write(terminal, b"PS1='re''ady> '\n")  # the line itself is echoed
        assert "ready> " in _until(terminal, "ready> ")
        os.write(terminal, b"photosd sockn\t")
        assert "photosd sockname" in _until(terminal, "sockname")
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def _until(terminal: int, wanted: str) -> str:
    """What the terminal shows until ``wanted`` is there, or patience ends."""
    shown, limit = "", time.monotonic() + WAIT_SECONDS
    while wanted not in shown and time.monotonic() < limit:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
    return shown.replace("\r", "")


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_values_of_the_library_are_completed(
    photosd: Photosd,
    stub: StubDaemon,
    shell_environment: dict[str, str],
    tmp_path: Path,
    shell: str,
) -> None:
    """By what the daemon knows, blanks and quotes included."""
    file = script(photosd, shell, tmp_path)
    names = ["Noa", "Noa Levi", "Noa's friend"]
    values = [{"value": name, "photos": 3} for name in names]
    stub.answers["facets"] = lambda params: {"facets": {params["kinds"][0]: values}}
    for option, kinds in (
        ("--person", ["person"]),
        ("--tag", ["tag"]),
        ("--place", ["place", "country"]),
        ("--camera", ["camera"]),
    ):
        if shell == "fish":
            line = f"photosd query {option} No"
            out = offered(["fish", "-c"], f"source {file}; complete -C '{line}'", shell_environment)
            found = [row.split("\t")[0].replace("\\", "") for row in out.splitlines()]
        else:
            asking = f"source {file}; COMP_WORDS=('photosd' 'query' '{option}' 'No'); COMP_CWORD=3;"
            asking += " _photosd_completion photosd; printf '%s\n' \"${COMPREPLY[@]}\""
            found = offered(["bash", "-c"], asking, shell_environment).splitlines()
        assert sorted(found) == sorted(names)
        assert stub.params("facets")[-1]["kinds"] == kinds
        assert stub.params("facets")[-1]["begins"] == "No"


ODD = [
    "My Photos",
    "it's $HOME & more; `x` (1)",
    'say "cheese"!',
    "תמונות של נועה",
    "a,b*c?[d]",
    "k\\slash",
    "#1 <best>|~",
]


def run_lines(lines: list[str], setup: str, environment: dict[str, str]) -> None:
    """Type these lines into one bash, in each a TAB before the newline."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    try:
        os.write(terminal, f"{setup}; echo be''gun\n".encode())
        assert "begun\n" in _until(terminal, "begun\r\n")
        for line in lines:
            os.write(terminal, f"{line}\t\n".encode())
            assert "<end>" in _until(terminal, "<end>")
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


@pytest.fixture
def watched(home: Home, tmp_path: Path) -> Iterator[StubDaemon]:
    """A daemon that watches folders with such names, among them one that is not UTF-8."""
    stub = StubDaemon(home.socket)
    folders = []
    for name in [*ODD, "b\udce4d"]:
        path = tmp_path / "p" / name
        path.mkdir(parents=True)
        folders.append({"path": f"{tmp_path}/p/{text.inert(name)}", **path_fields(path)})
    stub.answers["folders"] = {"folders": folders}
    yield stub
    stub.close()


def path_fields(path: Path) -> dict[str, str]:
    encoded = base64.b64encode(os.fsencode(path)).decode()
    return {"path_b64": encoded} if "\udce4" in str(path) else {}


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_bash_is_offered_folders_it_can_use(
    photosd: Photosd,
    shell_environment: dict[str, str],
    watched: StubDaemon,
    tmp_path: Path,
    quote: str,
) -> None:
    """Whatever is in their names, and with a quote typed or without: one TAB, one argument."""
    file = script(photosd, "bash", tmp_path)
    program = Path(shell_environment["PATH"].split(os.pathsep)[0]) / "got"
    program.write_text(
        '#!/bin/sh\n[ -n "$_PHOTOSD_COMPLETE" ] && exec photosd\n'
        f"printf '%s\\0' \"$2\" >> {tmp_path}/got\necho '<end>'\n"
    )
    program.chmod(0o755)
    # No beginning of a name with an apostrophe can be typed in single quotes.
    # A quote around a directory without blanks is left open, as bash does with its own.
    names = [name for name in ODD if quote != "'" or "'" not in name]
    names += [] if quote else ["b\udce4d"]
    begun = [quote or ("" if name[0].isalnum() else "\\") for name in names]
    lines = [
        f"got remove {mark}{tmp_path}/p/{name[0]}"
        if mark == quote
        else f"got remove {tmp_path}/p/{mark}{name[0]}"
        for mark, name in zip(begun, names, strict=True)
    ]
    setup = f"source {file}; complete -o nosort -F _photosd_completion got; set +H"
    run_lines(lines, setup, {**shell_environment, "LC_ALL": "C.UTF-8"})
    found = (tmp_path / "got").read_bytes().split(b"\0")[:-1]
    assert [name.rstrip(b"/") for name in found] == [
        os.fsencode(tmp_path / "p" / name) for name in names
    ]


def test_the_bash_of_macos_is_offered_folders(
    photosd: Photosd, shell_environment: dict[str, str], watched: StubDaemon, tmp_path: Path
) -> None:
    """Bash 3.2 has no `compopt`, and `complete` knows no `nosort`."""
    file = script(photosd, "bash", tmp_path)
    line = (
        "enable -n compopt; complete() { case $* in *nosort*) echo invalid >&2; return 2; esac;"
        f' builtin complete "$@"; }}; source {file}; complete -p photosd'
        f"; COMP_WORDS=(photosd remove {tmp_path}/p/); COMP_CWORD=2; _photosd_completion photosd;"
        " printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(
        ["bash", "-c", line], env=shell_environment, capture_output=True, timeout=60
    )
    registered, *found = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    assert "-F _photosd_completion photosd" in registered
    assert f"{tmp_path}/p/{ODD[0]}" in found
    assert not done.stderr


def test_fish_is_offered_folders_with_commas(
    photosd: Photosd, shell_environment: dict[str, str], watched: StubDaemon, tmp_path: Path
) -> None:
    file = script(photosd, "fish", tmp_path)
    line = f"source {file}; complete -C 'photosd remove {tmp_path}/p/a'"
    assert f"{tmp_path}/p/a,b*c?[d]" in offered(["fish", "-c"], line, shell_environment)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_whole_names(
    photosd: Photosd, watched: StubDaemon, tmp_path: Path, shell: str
) -> None:
    """As bytes, also where the shell is not here to try it."""
    words = f"photosd remove {tmp_path}/p/"
    number = words if shell == "fish" else "2"
    done = subprocess.run(
        command(),
        env={
            **environment(),
            "_PHOTOSD_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": f"{tmp_path}/p/" if shell == "fish" else number,
        },
        capture_output=True,
        timeout=60,
        check=True,
    )
    for name in [*ODD, "b\udce4d"]:
        assert os.fsencode(tmp_path / "p" / name) in done.stdout


def test_the_widget_inserts_quoted_paths(
    photosd: Photosd, shell_environment: dict[str, str], tmp_path: Path
) -> None:
    """Where the cursor is; any name survives."""
    fzf = Path(shell_environment["PATH"].split(os.pathsep)[0]) / "fzf"
    fzf.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$@\" > {tmp_path}/asked\n"
        "printf '%s\\0' \"/p/it's a.jpg\" /p/b.jpg\n"
    )
    fzf.chmod(0o755)
    (tmp_path / "widget").write_text(photosd("completion", "bash", "--widget").out)
    line = (
        f"source {tmp_path}/widget 2>/dev/null; READLINE_LINE='ls  -l'; READLINE_POINT=3;"
        ' __photosd_find; printf "%s|%s" "$READLINE_LINE" "$READLINE_POINT"; eval "set -- $found"'
    )
    shown = offered(["bash", "-c"], line, shell_environment)
    assert shown.startswith("ls '/p/it'\\''s a.jpg' '/p/b.jpg'  -l|")
    asked = (tmp_path / "asked").read_text()
    assert "change:reload:" in asked and "photosd query --local -0 -- {q}" in asked
