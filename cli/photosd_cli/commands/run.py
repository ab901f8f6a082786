"""`photosd run`: be the daemon, in the foreground."""

from __future__ import annotations

import click


@click.command()
def command() -> int:
    """Run the daemon here, in the foreground; what systemd and launchd do. Ctrl-C ends it."""
    from photosd.app import main

    return main()
