"""`photosd completion`: completion in bash, zsh and fish: the scripts, and the offered values.

The scripts are click's own, with two changes: bash gets names one by one, so that it quotes blanks,
quotes, `$` and `&` itself, and fish does not end a name at its first comma.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

from photosd.core.errors import PhotosdError
from photosd.core.paths import Home
from photosd_cli import console, paths
from photosd_cli.group import cli

if TYPE_CHECKING:
    from photosd.protocol.requests import FacetKind

MOST_VALUES = 200  # offered at once
ANSWER_SECONDS = 1.0  # the shell waits for it
VARIABLE = "_PHOTOSD_COMPLETE"
# `filenames` has readline quote what is inserted, matching the quotes already typed. The bash of
# macOS, 3.2, knows neither `compopt` nor `nosort`.
BASH = """\
%(complete_func)s() {
    local type value words
    words=$(IFS=$'\\n'; printf '%%s' "${COMP_WORDS[*]}")
    COMPREPLY=()
    while IFS= read -r -d '' type && IFS= read -r -d '' value; do
        case $type in
            dir) compopt -o dirnames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            path) compopt -o filenames 2>/dev/null; COMPREPLY+=("$value") ;;
            *) COMPREPLY+=("$value") ;;
        esac
    done < <(COMP_WORDS=$words COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null ||
    complete -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    source_template = BASH

    def source(self) -> str:
        return ShellComplete.source(self)  # click checks the version of bash first

    def complete(self) -> str:
        arguments, begun = self.get_completion_args()
        found = self.get_completions(arguments, begun)
        return "".join(map(self.format_completion, found))

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Its kind and value, a NUL byte after each."""
        return f"{'path' if item.is_path else item.type}\0{item.value}\0"


class _Fish(FishComplete):
    source_template = FishComplete.source_template.replace(
        'string split "," ', 'string split --max 1 "," '
    )


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": _Fish}


@click.command()
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
def command(shell: str) -> None:
    """A completion script for SHELL, on stdout.

    \b
    bash:  photosd completion bash > ~/.local/share/bash-completion/completions/photosd
    zsh:   mkdir -p ~/.zfunc; photosd completion zsh > ~/.zfunc/_photosd
           in ~/.zshrc: fpath+=~/.zfunc; autoload -U compinit; compinit
    fish:  photosd completion fish > ~/.config/fish/completions/photosd.fish
    """
    console.out(_completer(shell).source())


def offer() -> int:
    """Answer the shell's request in VARIABLE (``bash_complete``); returns the exit code."""
    shell, _, what = os.environ[VARIABLE].partition("_")
    if shell not in SHELLS or what not in ("source", "complete"):
        return 1
    if what == "source":
        console.out(_completer(shell).source())
    else:
        console.out_bytes(os.fsencode(_completer(shell).complete()) + b"\n")
    return 0


def _completer(shell: str) -> ShellComplete:
    return SHELLS[shell](cli, {}, "photosd", VARIABLE)


# -- values of arguments --------------------------------------------------------------------------


def settings(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of settings."""
    from photosd.core import config

    return _beginning((s.name for s in config.describe(config.Settings())), begun)


def installed_models(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of the models on this machine."""
    from photosd.models import registry

    return _beginning((spec.name for spec in registry.installed(Home.from_environment())), begun)


def presets(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Names of recommended models."""
    from photosd.models.presets import PRESETS

    return _beginning((preset.name for preset in PRESETS), begun)


def folders(
    _context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem[str]]:
    """Watched folders; none while the daemon does not answer."""
    from photosd.protocol.client import Client

    whole = os.path.expanduser(begun)  # noqa: PTH111 (pathlib drops a slash at the end)
    try:
        with Client(timeout=ANSWER_SECONDS) as client:
            names = [os.fsdecode(paths.raw(f)) for f in client.folders()["folders"]]
    except PhotosdError:
        return []
    return [CompletionItem(name, is_path=True) for name in _beginning(names, whole)]


def values(kind: FacetKind) -> Callable[..., list[CompletionItem[str]]]:
    """People, tags or places of the library; none while the daemon does not answer."""

    def completed(
        _context: click.Context, _parameter: click.Parameter, begun: str
    ) -> list[CompletionItem[str]]:
        from photosd.protocol.client import Client

        try:
            with Client(timeout=ANSWER_SECONDS) as client:
                found = client.facets(kinds=[kind], limit=MOST_VALUES, begins=begun)["facets"]
        except (PhotosdError, UnicodeError):
            return []
        # As paths, so that the shell quotes blanks.
        return [CompletionItem(one["value"], is_path=True) for one in found.get(kind, ())]

    return completed


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return [name for name in names if name.startswith(begun)]
