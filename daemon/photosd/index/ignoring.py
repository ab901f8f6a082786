"""Why a file or a folder is ignored, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from photosd.core.errors import quoted
from photosd.core.formats import is_library_name
from photosd.core.ignored_names import HIDDEN, LIBRARIES, NOMEDIA, RULES, ignored_names
from photosd.core.log import printable
from photosd.watch.filesystems import Filesystems
from photosd.watch.ignore import EXCLUDED, HIDE_MARK, LINKED, OWN, Reason

MEANINGS = {rule.name: rule.meaning for rule in RULES}
UNKNOWN = ("it cannot be read, or the ignore rules cannot", "photosd folders")


def why_ignored(
    filesystems: Filesystems,
    path: bytes,
    root: bytes,
    excludes: Sequence[str],
    own: Sequence[bytes],
    off: Sequence[str],
) -> tuple[str, str] | None:
    """Why scans of the watched folder ``root`` ignore ``path``, and the remedy; None if they do
    not. The other arguments are those of `IgnoreRules`.
    """
    try:
        found = list(filesystems.call(path, "ignored", root, excludes, own, off, path))
    except OSError:
        return UNKNOWN
    return _in_words(Reason(*found[0]), root, off) if found else None


def _in_words(reason: Reason, root: bytes, off: Sequence[str]) -> tuple[str, str]:
    place, folder = printable(reason.place), printable(root)
    match reason.rule:
        case rule if rule == OWN:
            return (
                f"{place} is used by photosd itself",
                "no action needed; its photos are elsewhere",
            )
        case rule if rule == LINKED:
            return (
                f"{place} is a link to a folder, and not followed",
                f"photosd add {quoted(place)}",
            )
        case rule if rule == EXCLUDED and reason.file:
            return f"{printable(reason.file)} excludes {place}", "change that file"
        case rule if rule == EXCLUDED:
            return (
                f"--exclude of photosd add excludes {place}",
                f"photosd remove {quoted(folder)}   and add it again without that pattern",
            )
    why = f"the rule {reason.rule} ignores {place} ({MEANINGS[reason.rule]})"
    if reason.rule == LIBRARIES and is_library_name(reason.place):
        return why, f"to index its originals: photosd add {quoted(place)}"
    return why, turn_off(reason.rule, off)


def turn_off(rule: str, off: Sequence[str]) -> str:
    """The command that turns off this rule in addition to those in ``off``."""
    names = ",".join(sorted({*off, rule}))
    return f"to index such files: photosd config set watch.ignore_off {names}"


def usually_ignored(filesystems: Filesystems, path: bytes, off: Sequence[str]) -> str | None:
    """A note about a folder that was added, and is or would be ignored inside another one."""
    if NOMEDIA not in off:
        with contextlib.suppress(OSError):
            if filesystems.ask(path + b"/" + HIDE_MARK, "exists"):
                return f"the rule {NOMEDIA} ignores all of it: it contains {HIDE_MARK.decode()}"
    names = ignored_names(frozenset((*off, HIDDEN)))
    for name in path.split(b"/"):
        if (rule := names.directories.rule(name)) and rule != LIBRARIES:
            return (
                f"the rule {rule} ignores {printable(name)} in other folders"
                f" ({MEANINGS[rule]}); this one is indexed, because it was added"
            )
    return None
