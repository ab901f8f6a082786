"""Names that are no photos of the library by default: bins, caches, packages, and others.

Each rule has a name, with which the setting `watch.ignore_off` turns it off. The reference page
`docs/reference/ignored.md` is generated from this table.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from typing import NamedTuple

from photosd.core.formats import LIBRARY_SUFFIXES, PROGRAM_SUFFIXES


class IgnoreRule(NamedTuple):
    """One rule: names of directories and of other files, with the wildcards of a shell.

    Case does not count: recycle bins travel between systems.
    """

    name: str
    meaning: str
    directories: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def _any(*suffixes: bytes) -> tuple[str, ...]:
    return tuple(f"*{suffix.decode()}" for suffix in suffixes)


HIDDEN, NOMEDIA, LIBRARIES = "hidden", "nomedia", "photo-libraries"
# The first rule that fits is the one that is shown.
RULES = (
    IgnoreRule(
        "recycle-bins",
        "deleted files: Windows, macOS, Linux, Synology, QNAP, Samba, digiKam",
        (
            *("$RECYCLE.BIN", "RECYCLER", "RECYCLED", ".Trash*", "Network Trash Folder"),
            *("#recycle", "@Recycle", ".recycle", ".dtrash"),
        ),
    ),
    IgnoreRule(
        "android-trash",
        "deleted photos on Android, and files that are still being written",
        files=(".trashed-*", ".pending-*"),
    ),
    IgnoreRule(
        "snapshots",
        "former states of the same files: btrfs, ZFS, NetApp, Synology, QNAP, Time Machine",
        (
            *("#snapshot", ".snapshot", ".snapshots", "~snapshot", ".zfs"),
            *("@Recently-Snapshot", "Backups.backupdb", ".MobileBackups"),
        ),
    ),
    IgnoreRule(
        "sync-versions",
        "former versions, and caches of Syncthing, Dropbox, Resilio Sync, Google Drive",
        (
            *(".stversions", ".stfolder", ".dropbox.cache", ".sync"),
            *(".tmp.drivedownload", ".tmp.driveupload"),
        ),
    ),
    IgnoreRule(
        "sync-conflicts",
        "the losing version of a file that was changed on two machines (Syncthing)",
        files=("*.sync-conflict-*",),
    ),
    IgnoreRule(
        "partial-files",
        "files that are still being downloaded, synchronised or edited",
        ("*.download",),
        (
            *("*.tmp", "*.part", "*.partial", "*.filepart", "*.crdownload", "*.opdownload"),
            *("*.!sync", "~$*", ".~lock.*", ".syncthing.*", "~syncthing~*", ".sync_*"),
        ),
    ),
    IgnoreRule(
        "thumbnails",
        "small copies made by Synology, QNAP, Android, Linux, Western Digital, Windows",
        (
            *("@eaDir", ".@__thumb", "@__thumb", ".thumbnails", ".thumbs", ".xvpics", ".wdmc"),
            *(".tmb", ".wd_tv"),
        ),
        ("SYNOFILE_THUMB_*", "SYNOPHOTO_THUMB_*", "Thumbs.db", "ehthumbs.db", "ZbThumbnail.info"),
    ),
    IgnoreRule(
        LIBRARIES,
        "libraries of Photos, iPhoto and Aperture; in one that is added itself: all but originals",
        _any(*LIBRARY_SUFFIXES),
    ),
    IgnoreRule(
        "previews",
        "previews and other data of Lightroom",
        ("*.lrdata", "*.lrcat-data", "*.lrlibrary"),
    ),
    IgnoreRule("programs", "programs, projects and catalogs of macOS", _any(*PROGRAM_SUFFIXES)),
    IgnoreRule(
        "program-files",
        "what photo programs keep beside photos: Picasa, gThumb, darktable, digiKam, caches",
        (".picasaoriginals", ".comments", ".cache", ".darktable", ".digikam", ".gthumb"),
    ),
    IgnoreRule(
        "system-folders",
        "folders that Windows, macOS, Linux and NAS systems keep on each disk",
        (
            *("System Volume Information", "found.[0-9][0-9][0-9]", "lost+found", "LOST.DIR"),
            *(".DocumentRevisions-V100", ".fseventsd", ".Spotlight-V100", ".TemporaryItems"),
            *("Temporary Items", ".AppleDouble", ".AppleDB", ".AppleDesktop", ".vol"),
            *("$WINDOWS.~BT", "$WINDOWS.~WS", "$WinREAgent", "@tmp"),
        ),
    ),
    IgnoreRule(
        "appledouble", "what macOS keeps beside a file on other file systems", files=("._*",)
    ),
    IgnoreRule(
        "icloud-placeholders", "names of files that are only in iCloud", files=(".*.icloud",)
    ),
    IgnoreRule("version-control", "data of Git, git-annex and others", (".git", ".hg", ".svn")),
    IgnoreRule(HIDDEN, "other names with a dot in front, and what Finder hides", (".*",), (".*",)),
    IgnoreRule(NOMEDIA, "folders that contain a file `.nomedia`, and everything below"),
)
WILD = frozenset("*?[")
RULE_NAMES = tuple(rule.name for rule in RULES)


class NameMatcher:
    """Finds the rule for the name of a directory, or of another file."""

    def __init__(self, rules: dict[str, tuple[str, ...]]) -> None:
        """``rules``: patterns by rule."""
        self._whole: dict[bytes, str] = {}
        self._by_suffix: dict[bytes, str] = {}
        others = []
        for rule, patterns in rules.items():
            for pattern in map(str.lower, patterns):
                stem, _, suffix = pattern.rpartition(".")
                if not WILD & set(pattern):
                    self._whole.setdefault(pattern.encode(), rule)
                elif stem == "*" and not WILD & set(suffix):
                    self._by_suffix.setdefault(suffix.encode(), rule)
                else:
                    others.append((rule, re.compile(fnmatch.translate(pattern).encode())))
        self._others = tuple(others)
        self._maybe = re.compile(b"|".join(p.pattern for _, p in others) or b"(?!)")

    def rule(self, name: bytes) -> str | None:
        """The rule for ``name``, if there is one."""
        name = name.lower()
        _, dot, suffix = name.rpartition(b".")
        if found := self._whole.get(name) or (dot and self._by_suffix.get(suffix)):
            return found
        if self._maybe.match(name) is None:
            return None
        return next(rule for rule, pattern in self._others if pattern.match(name))


class IgnoredNames(NamedTuple):
    """The rules that are not ``off``."""

    off: frozenset[str]
    directories: NameMatcher
    files: NameMatcher


@functools.lru_cache(maxsize=8)
def ignored_names(off: frozenset[str] = frozenset()) -> IgnoredNames:
    """The rules except those named in ``off``."""
    used = [rule for rule in RULES if rule.name not in off]
    return IgnoredNames(
        off,
        NameMatcher({rule.name: rule.directories for rule in used}),
        NameMatcher({rule.name: rule.files for rule in used}),
    )


def names_in(text: str) -> frozenset[str]:
    """The names in a value of `watch.ignore_off`: separated by commas."""
    return frozenset(filter(None, map(str.strip, text.split(","))))
