"""Every command line of photosd's in the documentation is one that photosd understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from photosd_cli.group import cli
from tests.conftest import ROOT
from tests.docs.test_links import pages

# The first two are generated and have other tests; the last describes earlier versions.
LEFT_OUT = ("docs/reference/", "docs/protocol.md", "CHANGELOG.md")
BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(photosd [a-z][^`]*)`|<code[^>]*>(photosd [a-z][^<]*)</code>")
# In a shell a command ends here.
ENDS = frozenset(("|", "||", "&&", ";", ">", "<", "&"))


def command_lines(text: str) -> Iterator[list[str]]:
    """The arguments of each `photosd …` in the blocks and in the prose of a page."""
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [one or other for one, other in SPAN.findall(prose.replace("\n", " "))]
    for line in [*lines, *spans]:
        yield from _in(line.removeprefix("$ "))


def _in(line: str) -> Iterator[list[str]]:
    if "…" in line:  # a shape, not a command
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    while "photosd" in words:
        words = words[words.index("photosd") + 1 :]
        end = next((at for at, word in enumerate(words) if word in ENDS), len(words))
        yield words[:end]


def understood(words: list[str]) -> None:
    """Parse without carrying out; raises click.UsageError."""
    command: click.Command = cli
    context = click.Context(cli, info_name="photosd")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(context, name)
        if found is None and command is cli and " " in name:
            found, words = cli.get_command(context, "query"), [name, *words]
        if found is None:
            raise click.UsageError(f"there is no {name}")
        command, context = found, click.Context(found, parent=context, info_name=name)
    if words == [] or isinstance(command, click.Group):
        return  # a command that is only named
    command.make_context(context.info_name, words, parent=context.parent)


@pytest.mark.parametrize("page", [p for p in pages() if not p.startswith(LEFT_OUT)])
def test_commands_and_options_exist(page: str) -> None:
    for words in command_lines((ROOT / page).read_text(encoding="utf-8")):
        try:
            understood(words)
        except click.UsageError as error:
            if isinstance(error, click.BadParameter) and any(map(str.isupper, words)):
                continue  # `enable MODE`: the place of a value
            pytest.fail(f"photosd {shlex.join(words)}: {error.format_message()}")


def test_what_does_not_exist_is_seen(tmp_path: Path) -> None:
    text = "```sh\nls && photosd qeury x | cat\n```\nSay `photosd status --nothing`.\n"
    for words in command_lines(text):
        with pytest.raises(click.UsageError):
            understood(words)
    assert len(list(command_lines(text))) == 2
