"""`photosd help`: the commands that matter first, all of them, or one."""

from __future__ import annotations

import click

from photosd.core.errors import BadRequest
from photosd_cli import command_names, console
from photosd_cli.group import SHORT_HELP, cli


@click.command()
@click.argument("names", metavar="[all | COMMAND]", nargs=-1)
def command(names: tuple[str, ...]) -> None:
    """Show the first commands to know; `photosd help all` lists every command."""
    if not names:
        console.out_wrapped(SHORT_HELP, hang=4)
        return
    context = click.Context(cli, info_name="photosd", **cli.context_settings)
    shown: click.Command = cli
    for name in () if names == ("all",) else names:
        name = command_names.ALIASES.get(name, name)
        found = shown.get_command(context, name) if isinstance(shown, click.Group) else None
        if found is None:
            raise BadRequest(f"no such command: {' '.join(names)}", remedy="photosd help all")
        shown, context = found, click.Context(found, info_name=name, parent=context)
    console.out(shown.get_help(context))
