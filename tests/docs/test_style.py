"""Text and names in the repository avoid the phrases that docs/style.md replaces."""

from __future__ import annotations

import ast
import io
import itertools
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

REFUSED = {
    r"anew": "again; from scratch",
    r"(?:can|could|cannot|not|to) be had": "is (not) available",
    r"behind (?:every|any)body's back": "unnoticed",
    r"(?:no|some|every|any)body": "name who: the user, the caller, other users, a thread",
    r"(?:ours|yours) alone": "only you can access it",
    r"beside those": "extra; in addition to",
    r"in vain": "without effect; or say what fails",
    r"go(?:es)? on|went on": "continue",
    r"ha(?:s|ve|d) settled": "has stopped changing; is flushed",
    r"for ever": "forever; without limit",
    r"for good": "permanently",
    r"sa(?:y|ys|id|ying) so": "report it; or say what is reported",
    r"who asks?": "the caller",
    r"whoever": "the caller; any process that",
    r"(?:^|(?<=[.;:] ))(?-i:Of)": "start with the subject",
    r"heed(?:s|ed|ing)?": "apply; obey",
    r"mend(?:s|ed|ing)?": "repair; fix",
    r"nursery|courier|obituary|stillborn|mourn(?:s|ed)?|bur(?:y|ied)": "use the plain name",
    r"what is due": "due work",
    r"in hand": "in progress",
    r"strangers?": "other users; other processes",
    r"(?:told|tells?) of": "is notified of; reports",
    r"lies|lain": "is in; is at",
    r"wish(?:es)?": "option; request",
    r"second thoughts": "say what is not checked",
    r"(?:make|makes) nothing of": "does not understand",
    r"turn (?:them|it) round": "swap; rotate",
    r"(?:indexing|it|work) rests": "is paused",
    r"stood already|stands already|can stand": "exists already; can be saved",
    r"(?:set|sets|setting|put|puts) (?:it |them )?aside": "rename; quarantine; skip",
    r"is no (?:date|place|photo|picture|folder|number|setting)": "is not a ...; cannot read ...",
    r"does? without|do it without": "does not need",
    r"which ha(?:s|d) to do with": "depends on; concerns",
    r"לתמיד|אין סוף": "ללא הגבלה",
    r"בשתיקה|ששותק": "בלי תשובה; שלא עונה",
}
# Whole words of names: of modules, classes, functions, arguments, variables and log events.
REFUSED_IN_NAMES = re.compile(
    r"(?<![a-z])(?:lies|lying|lain|mend(?:s|ed|ing)?|anew|courier|strangers?|in_hand|second_thoughts"
    r"|innocen(?:t|ce)|acquit(?:s|ted)?|convict(?:s|ed)?|suspect(?:s|ed)?|distrust(?:s|ed)?"
    r"|went_back|patien(?:ce|ts?)|lookers?|for_ever|let_go|well_again|asleep|awaken(?:s|ed)?|set_aside|aside|settling|cures?|cured"
    r"|nursery|obituary|stillborn|mourn(?:s|ed)?|bur(?:y|ied)|heed(?:s|ed)?"
    r"|(?:no|some|every|any)body)(?![a-z])"
)
PATTERNS = [
    (re.compile(rf"(?<!\w)(?:{one})\b", re.IGNORECASE), better) for one, better in REFUSED.items()
]
# Found in a whole file, with its lines joined, wherever one of the patterns may match.
SUSPECT = re.compile(
    "|".join([*(pattern.pattern for pattern, _ in PATTERNS), r"(?-i:\bOf\b)"]), re.IGNORECASE
)
LINE_ENDS = re.compile(r"\s*\n[\s#]*")
EXEMPT = ("docs/style.md", "tests/docs/test_style.py")
SCRIPTS = ("Makefile", "systemd", "launchd", ".ci", ".github", "tests/darwin/*.sh")
UNSHOWN = re.compile(r"^ *```.*?^ *```$|<!--.*?-->", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"``.*?``|`[^`]*`|\]\([^)]*\)|<[^>]*>")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def prose_of_python(source: str, *, with_strings: bool) -> Iterator[tuple[int, str]]:
    """Docstrings, comments (adjacent lines joined) and strings of several words, with lines."""
    tree = ast.parse(source)
    documented = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, DOCUMENTED) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if node in documented or (with_strings and " " in node.value.strip()):
            yield node.lineno, node.value
    block: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != last + 1 and block:
                yield last, " ".join(block)
                block = []
            last = token.start[0]
            block.append(token.string.lstrip("# "))
    yield last, " ".join(block)


def prose_of_text(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs of Markdown or HTML without code, links' addresses, tags and comments."""
    line = 1
    for part in re.split(r"(\n\s*\n|\n(?=\s*[-*|] ?|\d+\. ))", _blank(UNSHOWN, text)):
        yield line, CODE.sub(" ", part).strip(" \n|-*")
        line += part.count("\n")


def prose_of_script(text: str) -> Iterator[tuple[int, str]]:
    """Paragraphs of a script, unit or workflow: adjacent lines, without the marks of comments."""
    line = 1
    for part in re.split(r"(\n[\s#]*\n)", text):
        yield line, LINE_ENDS.sub(" ", part).strip("# ")
        line += part.count("\n")


def names_in(source: str) -> Iterator[tuple[int, str]]:
    """Names that a module defines or assigns, and its log events, with lines."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log")),
                args=[ast.Constant(value=str(event)), *_],
            ):
                yield node.lineno, event


def refused_names(names: Iterator[tuple[int, str]]) -> Iterator[str]:
    """Line and name; ``SetAside`` and ``SET_ASIDE`` count as ``set_aside``."""
    for line, name in names:
        if REFUSED_IN_NAMES.search(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()):
            yield f"{line}: {name}"


def refused_in(prose: Iterator[tuple[int, str]]) -> Iterator[str]:
    """Line, phrase and what to write instead."""
    for line, text in prose:
        plain = " ".join(CODE.sub(" ", text).split())
        for pattern, better in PATTERNS:
            for match in pattern.finditer(plain):
                yield f"{line}: {match[0]!r}: {better}"


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


def _prose(name: str) -> Iterator[tuple[int, str]]:
    text = (ROOT / name).read_text()
    if not SUSPECT.search(LINE_ENDS.sub(" ", text)):
        return iter(())
    if name.endswith(".py"):
        return prose_of_python(text, with_strings=not name.startswith("tests/"))
    return prose_of_text(text)


def _files(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [one for one in listed.stdout.split() if one not in EXEMPT and Path(ROOT / one).exists()]


def test_text_is_plain() -> None:
    """Each phrase in `REFUSED` has a plainer one beside it."""
    files = _files("*.py", "*.md", "*.html")
    found = [f"{name}:{one}" for name in files for one in refused_in(_prose(name))]
    assert not found, "\n".join(["see docs/style.md:", *found])


def test_scripts_and_units_are_plain() -> None:
    """So are comments and messages of Makefile, units and workflows."""
    texts = {name: (ROOT / name).read_text() for name in _files(*SCRIPTS)}
    found = [f"{name}:{one}" for name in texts for one in refused_in(prose_of_script(texts[name]))]
    assert len(texts) > 10 and not found, "\n".join(["see docs/style.md:", *found])


def test_names_are_plain() -> None:
    """Names say what a thing is or does."""
    files = _files("*.py")
    found = [
        f"{name}:{one}"
        for name in files
        for one in refused_names(
            itertools.chain([(1, Path(name).stem)], names_in((ROOT / name).read_text()))
        )
    ]
    assert len(files) > 100 and not found, "\n".join(["choose plainer names:", *found])


def test_phrases_are_found() -> None:
    """In docstrings, comments, messages and pages, across lines; not in code."""
    source = (
        '"""Nobody reads."""\n\n# it goes\n# on\n\nNOTE = "anew it is"  # anew\nKEY = "nobody"\n'
    )
    lines = [one.split(":")[0] for one in refused_in(prose_of_python(source, with_strings=True))]
    assert sorted(lines) == ["1", "4", "6", "6"]
    page = "Read it\nanew.\n\n```\nanew\n```\n\nOf two, one. `anew` <!-- anew -->\n- [x](anew)\n"
    assert [one.split(":")[0] for one in refused_in(prose_of_text(page))] == ["1", "8"]


def test_refused_names_are_found() -> None:
    """Whole words alone, in either way of writing."""
    source = (
        "class SetAside:\n    def mend(self, asleep):\n        self._in_hand = went_back = 1\n"
        "LIES = families = amendment = 1\nlog.info('zygote_distrusted', mended=1)\n"
    )
    found = [one.split(": ")[1] for one in refused_names(names_in(source))]
    assert sorted(found) == [
        "LIES", "SetAside", "_in_hand", "asleep", "mend", "went_back", "zygote_distrusted",
    ]  # fmt: skip
    script = "run: x\n# It is made\n# anew.\n\n# Of two\necho nobody\n"
    assert [one.split(":")[0] for one in refused_in(prose_of_script(script))] == ["1", "5", "5"]


def test_examples_on_the_page_are_twenty() -> None:
    """Rules and pairs of docs/style.md stay at one page."""
    page = (ROOT / "docs/style.md").read_text()
    assert len(re.findall(r"^\d+\. ", page, re.MULTILINE)) == 10
    assert len(re.findall(r"^\| (?!before|-)", page, re.MULTILINE)) == 20
