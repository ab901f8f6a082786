"""Options with an optional value: it is attached with `=`, so the next word is not its value."""

from __future__ import annotations

from collections.abc import Iterable

import click

# The value of each option if it is given without one.
ALONE = {"--preview": "--preview=auto", "--html": "--html="}
PAGES = (".html", ".htm")


class AttachedValues(click.Command):
    """A command that reads `--preview` as `--preview=auto`, and `--html` as `--html=`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Insert omitted values, up to `--`."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(context, spelled_out(args[:end]) + args[end:])


def spelled_out(words: Iterable[str]) -> list[str]:
    """Every option with its value; `--html` also takes the next word if it names a page."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == ALONE["--html"] and word.lower().endswith(PAGES):
            found[-1] += word
        else:
            found.append(ALONE.get(word, word))
    return found
