"""`photosd run`: run the daemon in the foreground."""

from __future__ import annotations

import click


@click.command()
def command() -> int:
    """Run the daemon in the foreground, as systemd and launchd do. Stop it with Ctrl-C."""
    from photosd.runtime.main import main

    return main()
