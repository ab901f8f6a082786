"""`photosd completion`: a shell completion script."""

from __future__ import annotations

import click

from photosd_cli import console, shells
from photosd_cli.group import cli


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> int:
    """A completion script for SHELL, on stdout.

    \b
    bash:  photosd completion bash > ~/.local/share/bash-completion/completions/photosd
    zsh:   photosd completion zsh > "${fpath[1]}/_photosd"
    fish:  photosd completion fish > ~/.config/fish/completions/photosd.fish
    """
    console.out(shells.script(shell, cli))
    return 0
