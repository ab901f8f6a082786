"""`.gitignore` patterns that match in linear time, since shared folders are untrusted.

In pathspec's form, `*a*a*a*a*b` takes minutes for one long name, and blocks every other thread of
the daemon.
"""

from __future__ import annotations

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

STAR = "[^/]*"  # `*` in pathspec's form; unambiguous, as no name contains a slash
ANY_DEPTH = (r"(?:.+/)?", r"(?:/.+)?")  # `**` at the start, in the middle
MOST_DEPTHS = 2


class Pattern(GitIgnoreSpecPattern):
    """One line of an ignore file. Raises ValueError if invalid."""

    @classmethod
    def pattern_to_regex(cls, pattern: str) -> tuple[str | None, bool | None]:  # type: ignore[override]
        """The regular expression, and whether it excludes (True) or re-includes (False)."""
        if "[[:" in pattern and not pattern.startswith("#"):  # pathspec treats it as letters
            raise ValueError(f"classes like [:upper:] are not known, in {pattern!r}")
        regex, include = super().pattern_to_regex(pattern)
        if regex is None:
            return None, include
        if sum(regex.count(depth) for depth in ANY_DEPTH) > MOST_DEPTHS:
            raise ValueError(f"more than {MOST_DEPTHS} ** in {pattern!r}")
        return _without_second_thoughts(regex), include


def _without_second_thoughts(regex: str) -> str:
    """The same without backtracking: the part after a star is searched once, from the left, as in
    `fnmatch`.

    Between two stars, the first occurrence of a fixed part is as good as any other.
    """
    first, *parts = regex.split(STAR)
    if not parts:
        return regex
    between = (
        f"(?>{STAR}?{part})" if not any(depth in part for depth in ANY_DEPTH) else STAR + part
        for part in parts[:-1]
    )
    return "".join([first, *between, STAR, parts[-1]])
