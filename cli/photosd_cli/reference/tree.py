"""The commands as data: each command of the click tree with usage, options and help."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import NamedTuple

import click

from photosd_cli.group import SECTIONS, cli


class Page(NamedTuple):
    """One command: ``name`` is complete ("model pull"), ``options`` are pairs of forms and help."""

    section: str
    name: str
    usage: str
    paragraphs: list[str]  # paragraphs that begin with a line of \b are kept as they are
    options: list[tuple[str, str]]


def pages() -> Iterator[Page]:
    """Every command and sub-command, in the order of `photosd --help`."""
    root = click.Context(cli, info_name="photosd", **cli.context_settings)
    for section, names in SECTIONS.items():
        for name in names:
            command = cli.get_command(root, name)
            if command is not None:
                yield from _pages(section, name, command, root)


def _pages(
    section: str, name: str, command: click.Command, parent: click.Context
) -> Iterator[Page]:
    context = click.Context(command, info_name=name.split()[-1], parent=parent)
    pieces = " ".join(command.collect_usage_pieces(context))
    options = [
        record
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)  # arguments are in the usage
        and (record := parameter.get_help_record(context))
        and "--help" not in record[0]
    ]
    text = inspect.cleandoc(command.help or "")
    yield Page(section, name, f"photosd {name} {pieces}".strip(), text.split("\n\n"), options)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None and not found.hidden:
                yield from _pages(section, f"{name} {inner}", found, context)


def is_kept(paragraph: str) -> bool:
    """Whether its lines must not be joined."""
    return paragraph.startswith("\b\n")
