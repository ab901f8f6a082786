"""Names of commands, and what the words after `photosd` mean: a command or a query. Imports next to
nothing, since every query runs it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

# Each command is a module of photosd_cli.commands; a name here adds it.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Search": (
        "query",
        "tui",
        "open",
        "reveal",
        "copy",
        "similar",
        "more",
        "last",
        "facets",
        "preview",
        "web",
        "on",
        "mcp",
    ),
    "Library": (
        "add",
        "remove",
        "folders",
        "index",
        "reindex",
        "list",
        "show",
        "duplicates",
        "failures",
        "purge",
        "pause",
        "resume",
    ),
    "Daemon": (
        "start",
        "stop",
        "restart",
        "run",
        "status",
        "logs",
        "service",
        "sockname",
        "config",
    ),
    "Models": ("model",),
    "Cloud": ("cloud",),
    "Help": ("help", "version", "doctor", "bugreport", "demo", "completion"),
}
COMMANDS = frozenset(name for names in SECTIONS.values() for name in names)
ALIASES = {"search": "query", "find": "query", "ls": "list"}
# Words that people type for a command: the command.
SYNONYMS = {
    "browser": "web",
    "gui": "web",
    "tags": "facets --kind tag",
    "people": "facets --kind person",
    "persons": "facets --kind person",
    "places": "facets --kind place",
    "cameras": "facets --kind camera",
    "stats": "facets",
    "alert": "on",
    "alerts": "on",
    "watch": "add",
    "delete": "remove",
    "rm": "remove",
    "dirs": "folders",
    "directories": "folders",
    "rescan": "index",
    "scan": "index",
    "sync": "index",
    "photos": "list",
    "info": "show",
    "dedupe": "duplicates",
    "errors": "failures",
    "clean": "purge",
    "serve": "run",
    "log": "logs",
    "settings": "config",
    "models": "model",
    "gemini": "cloud",
    "check": "doctor",
}
# Likely queries that differ from a command by one letter.
NO_TYPOS = frozenset(
    ("clouds", "dogs", "dog", "shop", "star", "stars", "step", "sun", "gun", "fun", "house", "lost")
)
NEEDS_ARGUMENTS = frozenset(
    (
        *("query", "similar", "preview", "on", "add", "remove", "show", "completion"),
        *("open", "reveal", "copy"),
    )
)
SUBCOMMANDS = {
    "cloud": ("enable", "disable", "forget", "status", "log", "preview"),
    "config": ("get", "set", "path"),
    "folders": ("accept",),
    "model": ("list", "pull", "import", "use", "remove"),
    "service": ("install", "uninstall", "status"),
}
ERASES = ("remove", "purge")
MIN_LETTERS = 4  # of a word that may be a misspelled command
MARKS = dict.fromkeys(map(ord, "',-\u2019"))  # in words of a query


def query_of(arguments: Sequence[str]) -> list[str] | None:
    """The arguments of `photosd query` in a command line; None if it is another command, or may be
    a misspelled one.
    """
    if not arguments or arguments[0].startswith("-"):
        return None
    first = ALIASES.get(arguments[0], arguments[0])
    if first == "query":
        return list(arguments[1:])
    if first in COMMANDS or meant(arguments) is not None:
        return None
    return list(arguments)


def meant(arguments: Sequence[str]) -> str | None:
    """The command that an unknown first word probably means; None if the words are a query.

    A lone word that is nearly a command is one; several are if the next one looks like a path or a
    subcommand, or if the command deletes data or is `query`.
    """
    first = arguments[0]
    words = [word for word in arguments if not word.startswith("-")]
    near = SYNONYMS.get(first) or next(_near(first, {*COMMANDS, "search"}), None)
    if near is None:
        return None
    near = ALIASES.get(near, near)
    command = near.split()[0]
    if len(words) == 1:
        return None if command in NEEDS_ARGUMENTS and first not in SYNONYMS else near
    below = SUBCOMMANDS.get(command, ())
    path = words[1].startswith(("/", "~", "./", "../"))
    subcommand = words[1] in below or any(_near(words[1], below))
    return near if path or subcommand or command in ("query", *ERASES) else None


def may_be_query(arguments: Sequence[str]) -> bool:
    """Whether a command line that is no valid command may be a query whose first word happens to
    name one: ``last summer``, ``stop sign, 2019``.
    """
    first = ALIASES.get(arguments[0], arguments[0]) if arguments else ""
    plain = all(
        not word.startswith("-") and word.translate(MARKS).isalnum() for word in arguments
    ) and any(word.translate(MARKS).isalpha() for word in arguments[1:])
    return len(arguments) > 1 and first in COMMANDS and first != "query" and plain


def _near(word: str, names: Collection[str]) -> Iterator[str]:
    """The names that differ from ``word`` by one letter: missing, added, other or swapped."""
    if len(word) >= MIN_LETTERS and word not in NO_TYPOS:
        yield from (name for name in sorted(names) if _one_apart(word, name))


def _one_apart(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    swapped = len(a) > 1 and len(b) > 1 and (a[0], a[1]) == (b[1], b[0]) and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
