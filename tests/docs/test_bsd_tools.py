"""Examples, scripts and the Makefile use no option that only GNU's tools have: a Mac has BSD's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml

from photosd_cli.group import cli
from tests.conftest import ROOT
from tests.docs.test_command_lines import BLOCK, LEFT_OUT
from tests.docs.test_links import pages

# A use of a tool, and what a Mac says to it.
GNU_ONLY = {
    r"\b(?:cp|mv|ln|install)\b[^|;&]*\s-[a-zA-Z]*t\b": "-t: name the directory last",
    r"(?<!-)\b(?:cp|mv|ln|rm|ls|sort|head|tail|cut|tr|date|stat|touch|du|df|wc|cat|chmod|mkdir|sed|ps)"
    r"\s(?:[^|;&'\"]*\s)?--[a-z]": "BSD's tools have no long options",
    r"\b(?:cp|mv|rm|ls|ln|mkdir)\s+[^-|;&\s\"'(][^|;&\"'(]*\s-[a-zA-Z]+\b": "options come first",
    r"\bsed\s+(?:-[a-zA-Z]*\s+)*-[a-zA-Z]*i\s+(?:['\"](?!['\"])|-|s/)": "sed -i needs a suffix",
    r"\bsed\b[^|;]*['\"/][^'\"]*\\[tns]": "BSD's sed knows no \\t, \\n, \\s",
    r"\breadlink\s+-[a-z]*[fem]": "older Macs have no readlink -f",
    r"\bdate\s+(?:\S+\s+)?-[Id]": "BSD's date has -v and -j -f",
    r"\bdate\b.*%N": "BSD's date has no %N",
    r"\bstat\s+-[a-zA-Z]*c": "BSD's stat has -f",
    r"\bgrep\s+(?:-[a-zA-Z]*\s+)*-[a-zA-Z]*P": "BSD's grep has no -P",
    r"\bxargs\s+(?:-[a-zA-Z0-9]*\s+)*-[a-zA-Z0-9]*[dar]\b": "BSD's xargs has no -d, -a, -r",
    r"\bfind\s+-": "BSD's find needs a directory first",
    r"\bfind\b.*\s-(?:printf|regextype|readable|executable)\b": "BSD's find has no such test",
    r"\bmktemp\s+(?:-d\s+)?(?:-p|--)": "BSD's mktemp takes a template",
    r"\bbase64\s+-[a-z]*w": "BSD's base64 does not wrap",
    r"\b(?:head|tail)\s+-[cn]\s*-\d": "BSD's head takes no negative number",
    r"\bdu\s+-[a-z]*b": "BSD's du counts blocks: -k",
    r"\becho\s+-e\b": "sh on a Mac prints the -e: printf",
    r"\bsleep\s+[\d.]+[mh]\b": "BSD's sleep takes seconds",
    r"(?:^|[|;&(]\s*|\$\()(?:timeout|tac|nproc|setsid|shuf|numfmt|ionice|free|ldd|ss|strace|pidof"
    r"|sha256sum|md5sum|realpath|xdg-open|apt|apt-get)\s": "not on a Mac",
}
# Lines for Linux alone.
LINUX = re.compile(r"systemctl|loginctl|journalctl|apt(?:-get)? |sysctl|systemd|/etc/|mount ")


def lines_of_pages() -> Iterator[tuple[str, str]]:
    """Each line of shell in the documentation, and the page."""
    for page in pages():
        if page not in LEFT_OUT and not page.startswith(("docs/adr/", "docs/reference/")):
            for block in BLOCK.findall((ROOT / page).read_text()):
                yield from ((page, line.removeprefix("$ ")) for line in block.splitlines())


def lines_of_programs() -> Iterator[tuple[str, str]]:
    """Each line of scripts and Makefile that runs on a Mac, and of the examples in `--help`."""
    for script in (
        "Makefile",
        "tests/darwin/macos-check.sh",
        "tests/darwin/macos-volumes.sh",
        "tests/darwin/macos-logs.sh",
    ):
        yield from ((script, line) for line in (ROOT / script).read_text().splitlines())
    jobs = yaml.safe_load((ROOT / ".github/workflows/macos.yml").read_text())["jobs"]
    for job in jobs.values():
        for step in job["steps"]:
            yield from (("macos.yml", line) for line in step.get("run", "").splitlines())
    for name, command in cli.commands.items():
        yield from ((f"photosd {name}", line) for line in (command.help or "").splitlines())


def found_in(line: str) -> list[str]:
    """What is wrong with a line."""
    code = re.sub(r"(?:^|\s)#.*", "", line)
    if LINUX.search(code):
        return []
    return [why for pattern, why in GNU_ONLY.items() if re.search(pattern, code)]


@pytest.mark.parametrize("source", [lines_of_pages, lines_of_programs], ids=["pages", "programs"])
def test_nothing_is_gnu_s_alone(source) -> None:  # type: ignore[no-untyped-def]
    lines = list(source())
    assert len(lines) > 100
    wrong = [f"{place}: {line.strip()}: {why}" for place, line in lines for why in found_in(line)]
    assert wrong == []


@pytest.mark.parametrize(
    "line",
    [
        'photosd query "sunset" -0 | xargs -0 cp -t Found',
        "sed -E 's/:.*## /\\t/' Makefile",
        "sed -i 's/a/b/' file",
        "sed -i s/a/b/ file",
        "readlink -f photo",
        "date -d yesterday",
        "date +%s.%N",
        "stat -c %s photo",
        "grep -oP 'a+' file",
        "photosd list | xargs -d '\\n' ls",
        "photosd list -0 | xargs -0 -r ls",
        "find -name '*.jpg'",
        "find . -printf '%p'",
        "mktemp -d -p /tmp",
        "rm ~/a -rf",
        "ls --color",
        "timeout 5 photosd query x",
        "photosd query x | sha256sum ",
        "sort --unique names",
    ],
)
def test_such_lines_are_found(line: str) -> None:
    assert found_in(line)


@pytest.mark.parametrize(
    "line",
    [
        'photosd query "sunset" -0 | xargs -0 sh -c \'cp "$@" Found\' sh',
        'photosd on "receipt" --exec "cp {} /backup"',
        "rm -rf ~/Library/Application\\ Support/photosd",
        "sed -i '' 's/a/b/' file",
        "photosd list -0 | tr -cd '\\0' | wc -c",
        "ls -l a-b c-d",
        "sudo apt-get install -y strace",
    ],
)
def test_portable_lines_are_not(line: str) -> None:
    assert found_in(line) == []
