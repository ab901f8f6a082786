"""Patterns of `.gitignore` that no name can keep busy: who shares a folder may not stop photosd.

As pathspec writes them, `*a*a*a*a*b` takes minutes for one long name, and Python holds every other
thread of the daemon meanwhile.
"""

from __future__ import annotations

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

STAR = "[^/]*"  # `*` as pathspec writes it; nothing else becomes this, for no name holds a slash
ANY_DEPTH = (r"(?:.+/)?", r"(?:/.+)?")  # `**` at the beginning, in the middle
MOST_DEPTHS = 2


class Pattern(GitIgnoreSpecPattern):
    """One line of an ignore file. Raises ValueError for one that cannot be understood."""

    @classmethod
    def pattern_to_regex(cls, pattern: str) -> tuple[str | None, bool | None]:  # type: ignore[override]
        """The regular expression, and whether it excludes (True) or takes back (False)."""
        if "[[:" in pattern and not pattern.startswith("#"):  # pathspec takes it for letters
            raise ValueError(f"classes like [:upper:] are not known, in {pattern!r}")
        regex, include = super().pattern_to_regex(pattern)
        if regex is None:
            return None, include
        if sum(regex.count(depth) for depth in ANY_DEPTH) > MOST_DEPTHS:
            raise ValueError(f"more than {MOST_DEPTHS} ** in {pattern!r}")
        return _without_second_thoughts(regex), include


def _without_second_thoughts(regex: str) -> str:
    """The same, but what follows a star is sought once, from the left, as `fnmatch` does it.

    Where something fixed stands between two stars, its first occurrence is as good as any other.
    """
    first, *parts = regex.split(STAR)
    if not parts:
        return regex
    between = (
        f"(?>{STAR}?{part})" if not any(depth in part for depth in ANY_DEPTH) else STAR + part
        for part in parts[:-1]
    )
    return "".join([first, *between, STAR, parts[-1]])
