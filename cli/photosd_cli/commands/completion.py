"""`photosd completion`: completion in bash, zsh and fish.

The scripts are click's own, with two changes: bash gets names one by one, so that it quotes blanks,
quotes, `$` and `&` itself, and fish does not end a name at its first comma.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

from photosd_cli import console
from photosd_cli.group import cli

if TYPE_CHECKING:
    pass

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


# Ctrl-X p searches with fzf while typing, and inserts the chosen paths, quoted. Unfinished words
# are not sent to Gemini.
FZF = """\
fzf --read0 --print0 --multi --disabled --prompt 'photos> ' --preview 'photosd preview {}' \\
        --bind 'start:reload:photosd query --local --sort=-date -0 2>/dev/null || true' \\
        --bind 'change:reload:sleep 0.1; photosd query --local -0 -- {q} 2>/dev/null || true'"""
WIDGETS = {
    "bash": f"""
__photosd_find() {{
    local photo found=
    while IFS= read -r -d '' photo; do found+="${{photo@Q}} "; done < <({FZF})
    READLINE_LINE="${{READLINE_LINE:0:READLINE_POINT}}$found${{READLINE_LINE:READLINE_POINT}}"
    READLINE_POINT=$((READLINE_POINT + ${{#found}}))
}}
bind -x '"\\C-xp": __photosd_find'
""",
    "zsh": f"""
__photosd_find() {{
    local photo
    while IFS= read -r -d '' photo; do LBUFFER+="${{(q)photo}} "; done < <({FZF})
    zle reset-prompt
}}
zle -N __photosd_find
bindkey '^Xp' __photosd_find
""",
    "fish": f"""
function __photosd_find
    {FZF} | while read -z photo
        commandline -i -- (string escape -- $photo)' '
    end
    commandline -f repaint
end
bind \\cxp __photosd_find
""",
}
SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": ZshComplete, "fish": _Fish}


@click.command()
@click.argument("shell", type=click.Choice(tuple(SHELLS)))
@click.option(
    "--widget", is_flag=True, help="Instead: Ctrl-X p inserts photos that fzf finds while you type."
)
def command(shell: str, widget: bool) -> None:
    """A completion script for SHELL, on stdout.

    \b
    bash:  photosd completion bash > ~/.local/share/bash-completion/completions/photosd
    zsh:   mkdir -p ~/.zfunc; photosd completion zsh > ~/.zfunc/_photosd
           in ~/.zshrc: fpath+=~/.zfunc; autoload -U compinit; compinit
    fish:  photosd completion fish > ~/.config/fish/completions/photosd.fish
    """
    console.out(WIDGETS[shell] if widget else _completer(shell).source())


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
