"""The manual page photosd(1), in the roff of man(7)."""

from __future__ import annotations

from photosd_cli.reference import tree
from photosd_cli.reference.markdown import CODES, ENVIRONMENT

FILES = {
    "~/.config/photosd": "settings (config.toml) and the list of folders",
    "~/.local/state/photosd": "catalog, index and log",
    "~/.local/share/photosd/models": "models that were pulled or imported",
    "$XDG_RUNTIME_DIR/photosd": "the socket",
}


def manual() -> str:
    """docs/man/photosd.1, without a date, so that it changes only with its content."""
    parts = [
        '.TH PHOTOSD 1 "" photosd "User Commands"\n',
        ".SH NAME\nphotosd \\- find your own photos by describing them\n",
        ".SH SYNOPSIS\n.B photosd\n.I COMMAND\n[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n",
        ".SH DESCRIPTION\n"
        "A background daemon keeps one model warm and an index of your photo folders fresh;\n"
        ".B photosd query\nanswers at once.\n"
        "No photo and no query leaves the machine.\n",
        ".SH COMMANDS\n",
    ]
    section = ""
    for page in tree.pages():
        if page.section != section:
            section = page.section
            parts.append(f".SS {_text(section)}\n")
        parts.append(_command(page))
    parts.append(".SH EXIT STATUS\n" + _list({str(code): text for code, text in CODES.items()}))
    parts.append(".SH ENVIRONMENT\n" + _list(ENVIRONMENT))
    parts.append(
        ".SH FILES\nOn Linux; on macOS in ~/Library/Application Support/photosd. With PHOTOSD_HOME "
        "all of them are below it.\n" + _list(FILES)
    )
    parts.append(".SH SEE ALSO\n.B photosd doctor\ndiagnoses problems and says how to fix them.\n")
    return "".join(parts)


def _command(page: tree.Page) -> str:
    name, _, rest = page.usage.removeprefix("photosd ").partition(" ")
    if page.name != name:  # of two words
        name, rest = page.name, page.usage.removeprefix(f"photosd {page.name}").strip()
    parts = [f".TP\n\\fBphotosd {_text(name)}\\fR {_text(rest)}\n"]
    for number, paragraph in enumerate(page.paragraphs):
        parts.append(".IP\n" if number else "")
        parts.append(_paragraph(paragraph))
    for forms, text in page.options:
        parts.append(f".RS\n.TP\n\\fB{_text(forms)}\\fR\n{_text(text)}\n.RE\n")
    return "".join(parts)


def _paragraph(paragraph: str) -> str:
    if tree.is_kept(paragraph):
        return f".nf\n{_text(paragraph.removeprefix(chr(8) + chr(10)))}\n.fi\n"
    return _text(" ".join(paragraph.split())) + "\n"


def _list(entries: dict[str, str]) -> str:
    return "".join(f".TP\n\\fB{_text(term)}\\fR\n{_text(text)}\n" for term, text in entries.items())


def _text(text: str) -> str:
    """Text escaped for roff: no escapes, no requests at the start of a line."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga")
    return "\n".join(
        f"\\&{line}" if line.startswith((".", "'")) else line for line in escaped.split("\n")
    )
