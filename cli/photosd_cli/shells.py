"""Completion in bash, zsh and fish: the scripts, and the offered values.

Click's own, with two changes: bash gets names one by one, so that it quotes blanks, quotes, `$` and
`&` itself, and fish does not end a name at its first comma.
"""

from __future__ import annotations

import os

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

from photosd_cli import console

VARIABLE = "_PHOTOSD_COMPLETE"
# `filenames` has readline quote what is inserted, matching the quotes already typed.
BASH = """\
%(complete_func)s() {
    local type value words
    words=$(IFS=$'\\n'; printf '%%s' "${COMP_WORDS[*]}")
    COMPREPLY=()
    while IFS= read -r -d '' type && IFS= read -r -d '' value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            path) compopt -o filenames; COMPREPLY+=("$value") ;;
            *) COMPREPLY+=("$value") ;;
        esac
    done < <(COMP_WORDS=$words COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
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


def script(shell: str, command: click.Command) -> str:
    """The script that a shell loads."""
    return SHELLS[shell](command, {}, "photosd", VARIABLE).source()


def offer(command: click.Command) -> int:
    """Answer the shell's request in VARIABLE (``bash_complete``); returns the exit code."""
    shell, _, what = os.environ[VARIABLE].partition("_")
    if shell not in SHELLS or what not in ("source", "complete"):
        return 1
    if what == "source":
        console.out(script(shell, command))
    else:
        found = SHELLS[shell](command, {}, "photosd", VARIABLE).complete()
        console.out_bytes(os.fsencode(found) + b"\n")
    return 0
