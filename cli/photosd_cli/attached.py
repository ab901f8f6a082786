"""Options whose value may be left out: it is attached with `=`, so that no word is taken for it."""

from __future__ import annotations

from collections.abc import Iterable

import click

# What each means when it stands alone.
ALONE = {"--preview": "--preview=auto", "--html": "--html="}
PAGES = (".html", ".htm")


class AttachedValues(click.Command):
    """A command that reads `--preview` as `--preview=auto`, and `--html` as `--html=`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Spell out what was left out, up to `--`."""
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(context, spelled_out(args[:end]) + args[end:])


def spelled_out(words: Iterable[str]) -> list[str]:
    """Every option with its value; `--html` takes a next word that names a page."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == ALONE["--html"] and word.lower().endswith(PAGES):
            found[-1] += word
        else:
            found.append(ALONE.get(word, word))
    return found
