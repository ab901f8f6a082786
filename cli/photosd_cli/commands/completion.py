"""`photosd completion`: a script that teaches a shell our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from photosd.core.errors import BadRequest
from photosd_cli import console
from photosd_cli.group import cli

VARIABLE = "_PHOTOSD_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> int:
    """A completion script for SHELL, on stdout.

    \b
    bash:  photosd completion bash > ~/.local/share/bash-completion/completions/photosd
    zsh:   photosd completion zsh > "${fpath[1]}/_photosd"
    fish:  photosd completion fish > ~/.config/fish/completions/photosd.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise BadRequest(f"{shell} is not known", remedy="photosd completion --help")
    console.out(kind(cli, {}, "photosd", VARIABLE).source())
    return 0
