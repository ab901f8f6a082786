"""Every promise in the pages people trust names a test that holds it.

A sentence with a word like *never* or *every* is a promise. Behind it stands a comment, which
Markdown does not show: ``<!-- test: tests/protocol/test_peer.py::test_name -->`` (several with
commas), or ``<!-- no promise -->`` where the sentence states a limit or what others do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = (
    "README.md",
    "SECURITY.md",
    "docs/explanation/privacy.md",
    "docs/explanation/never-loses-a-photo.md",
    "docs/how-to/external-disks.md",
)
WORDS = re.compile(
    r"\b(never|only|always|nothing|no|none|nobody|every|everything|cannot|alone)\b", re.IGNORECASE
)
STRICT = ("SECURITY.md", "docs/explanation/privacy.md")
MORE_WORDS = re.compile(rf"{WORDS.pattern}|\b(without|neither)\b", re.IGNORECASE)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*[-*] |\d+\. |\||#)")  # paragraphs, items, rows of tables
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
SENTENCE = re.compile(r"(?<=[.!?])\*{0,2}\s+(?=[\"“'`*_\[]*[A-Z])|(?<=\))\.\s+(?=[A-Z])")
LINK = re.compile(r"\]\([^)]*\)|`[^`]*`")  # addresses and code hold no promise
NO_PROMISE = "no promise"


def claims(page: str, words: re.Pattern[str] = WORDS) -> Iterator[tuple[str, str]]:
    """Each sentence that promises something, and the comment behind it ("" where there is none)."""
    for block in BLOCK.split(FENCE.sub("", page)):
        if block.startswith("#"):
            continue
        *covered, rest = COMMENT.split(block)
        for text, comment in zip(covered[::2], covered[1::2], strict=True):
            *others, last = SENTENCE.split(text.strip())
            yield from ((sentence, "") for sentence in others if _promises(sentence, words))
            if _promises(last, words):
                yield last, comment.strip()
        yield from ((one, "") for one in SENTENCE.split(rest) if _promises(one, words))


def _promises(sentence: str, words: re.Pattern[str]) -> bool:
    return words.search(LINK.sub("", sentence)) is not None


def named_in(comment: str) -> list[str]:
    """The tests that a comment names."""
    return [name.strip() for name in comment.removeprefix("test:").split(",") if name.strip()]


def exists(test: str) -> bool:
    """Whether ``file::name`` is a test here."""
    file, _, name = test.partition("::")
    if not (ROOT / file).is_file():
        return False
    tree = ast.parse((ROOT / file).read_text())
    return any(
        isinstance(node, ast.FunctionDef) and node.name == name.partition("[")[0]
        for node in ast.walk(tree)
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_promise_names_its_test(page: str) -> None:
    """A promise without one is either given a test, softened, or removed."""
    bare = []
    words = MORE_WORDS if page in STRICT else WORDS
    for sentence, comment in claims(Path(ROOT / page).read_text(), words):
        if comment == NO_PROMISE:
            continue
        if not comment.startswith("test:") or not named_in(comment):
            bare.append(" ".join(sentence.split()))
    assert not bare, "\n".join(["without a test:", *bare])


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    """Also where a comment stands behind a sentence that is no promise."""
    comments = COMMENT.findall((ROOT / page).read_text())
    named = [test for text in comments if "test:" in text for test in named_in(text.strip())]
    assert [test for test in named if not exists(test)] == []


def test_promises_are_found() -> None:
    """In paragraphs, items and tables; the comment belongs to the sentence before it."""
    page = (
        "# Never a title\n\nIt never waits. It runs. <!-- test: a::b -->\nIt [is](never.md) `no`.\n"
        "- Nothing\n  is sent. <!-- no promise -->\n- Only this.\n\n| every | row | <!-- x --> |\n"
    )
    assert [(one.strip(), two) for one, two in claims(page)] == [
        ("It never waits.", ""),
        ("- Nothing\n  is sent.", "no promise"),
        ("- Only this.", ""),
        ("| every | row |", "x"),
    ]
