"""Which files and directories of a watched folder are ignored."""

from __future__ import annotations

import codecs
import dataclasses
import errno
import os
import re
import stat
import unicodedata
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from photosd.core.errors import BadRequest
from photosd.core.filestat import is_hidden
from photosd.core.formats import ORIGINALS, is_library_name
from photosd.core.ignored_names import HIDDEN, LIBRARIES, NOMEDIA, IgnoredNames, ignored_names
from photosd.core.progress import tick
from photosd.watch.mounts import leads_to_share, mounts

IGNORE_FILE = b".photosdignore"
HIDE_MARK = b".nomedia"
MARKS = frozenset((IGNORE_FILE, HIDE_MARK))
# Reasons that are not rules of `ignored_names`, and cannot be turned off by a setting.
EXCLUDED, OWN, LINKED = "excluded", "own", "linked"
IGNORE_FILE_BYTES = 1 << 20
IGNORE_FILE_LINES = 10_000  # each is matched against each name
ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG))
LINE_CHARACTERS = 4096  # no path is longer
STAR = "[^/]*"  # `*` in pathspec's form; unambiguous, as no name contains a slash
ANY_DEPTH = (r"(?:.+/)?", r"(?:/.+)?")  # `**` at the start, in the middle
MAX_DEPTHS = 2
DOT = ord(".")  # begins the names of ignore files and marks
HERE = re.compile(r"^(!?)\./")  # git matches nothing with it
LINE_END = re.compile(r"\r\n|\r|\n")  # on any system
# Invisible marks inserted by editors of Hebrew and Arabic: directions, joiners.
UNSEEN = dict.fromkeys(
    (0x061C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)


class Reason(NamedTuple):
    """Why ``place`` is ignored, and what is below it.

    ``rule``: the name of a rule of `ignored_names`, or EXCLUDED, OWN, LINKED. ``file``: the ignore
    file that excludes it; empty for ``excludes``.
    """

    rule: str
    place: bytes
    file: bytes = b""


class Spec(NamedTuple):
    """Patterns of one file, relative to the first ``length`` bytes of a path."""

    length: int
    patterns: GitIgnoreSpec
    file: bytes = b""  # empty: ``excludes``


@dataclass(frozen=True, slots=True)
class Level:
    """The rules for the names inside one directory.

    ``specs`` are gitignore patterns, the deepest last; as in git the last matching pattern decides,
    the deepest file first. ``unknown``: 0, or the error number that explains why the rules are
    unknown. Then it is unknown which names to ignore. ``only``: if not empty, the only names that
    are not ignored.
    """

    prefix: bytes  # the directory with a closing slash
    specs: tuple[Spec, ...]
    forbidden: Container[bytes]
    names: IgnoredNames
    unknown: int = 0
    only: frozenset[bytes] = frozenset()

    def require(self) -> Level:
        """Returns ``self``; raises OSError if the rules are unknown."""
        if self.unknown:
            raise OSError(self.unknown, os.strerror(self.unknown), self.prefix + IGNORE_FILE)
        return self

    def hides(self, name: bytes, is_directory: bool) -> bool:
        """Whether the entry ``name`` of this directory is ignored."""
        return self.reason(name, is_directory) is not None

    def reason(self, name: bytes, is_directory: bool) -> Reason | None:
        """Why the entry ``name`` of this directory is ignored; None if it is not."""
        if self.only and name not in self.only:
            return Reason(LIBRARIES, self.prefix + name)
        names = self.names.directories if is_directory else self.names.files
        if rule := names.rule(name):
            return Reason(rule, self.prefix + name)
        if is_directory and self.prefix + name in self.forbidden:
            return Reason(OWN, self.prefix + name)
        return self._excluded(name, is_directory) if self.specs else None

    def shows(self, found: os.stat_result) -> bool:
        """Whether a file with this stat, whose name is not ignored, is not hidden by Finder."""
        return HIDDEN in self.names.off or not is_hidden(found)

    def below(self, name: bytes) -> Level:
        """The rules inside the sub-directory ``name``, its own ignore file not read yet."""
        return Level(b"%s%s/" % (self.prefix, name), self.specs, self.forbidden, self.names)

    def with_own_rules(self, names: Container[bytes] | None = None) -> Level | None:
        """These rules with the directory's own; None if it is ignored.

        ``names`` are its names that begin with a dot, if already known.
        """
        try:
            if NOMEDIA not in self.names.off and _has(self.prefix, HIDE_MARK, names):
                return None
            return self._with_ignore_file() if _has(self.prefix, IGNORE_FILE, names) else self
        except OSError as error:  # whether it is ignored is unknown
            return dataclasses.replace(self, unknown=error.errno or errno.EIO)

    def _with_ignore_file(self) -> Level:
        file = self.prefix + IGNORE_FILE
        try:
            patterns = _read_ignore_file(file)
        except OSError as error:
            return dataclasses.replace(self, unknown=error.errno or errno.EIO)
        if patterns is None:
            return self
        spec = Spec(len(self.prefix), patterns, file)
        return dataclasses.replace(self, specs=(*self.specs, spec))

    def _excluded(self, name: bytes, is_directory: bool) -> Reason | None:
        path = self.prefix + name + (b"/" if is_directory else b"")
        for length, patterns, file in reversed(self.specs):
            verdict = patterns.check_file(_plain(os.fsdecode(path[length:]))).include
            if verdict is not None:
                return Reason(EXCLUDED, self.prefix + name, file) if verdict else None
        return None


class IgnoreRules:
    """The rules of one watched folder.

    Ignored: what the rules of `ignored_names` that are not ``off`` say (of a photo library that is
    watched itself all but the originals), matches of ``excludes`` or a `.photosdignore`
    (gitignore syntax, relative to its directory), and ``other_roots``: folders watched
    separately, or photosd's own files. The folder itself is never
    ignored. Ignore files are read again on each question; while one is unreadable or invalid,
    nothing is known about its directory and below, and questions about it raise OSError, whose
    ``filename`` is the ignore file.
    """

    def __init__(
        self,
        root: bytes,
        excludes: Sequence[str] = (),
        *,
        other_roots: Iterable[bytes] = (),
        off: Iterable[str] = (),
        strict: bool = True,
    ) -> None:
        """Raises BadRequest naming an invalid pattern of ``excludes``.

        Not ``strict``: then nothing is known about the whole folder instead.
        """
        prefix = _closed(root)
        spec, wrong = _compile(_below(prefix, pattern) for pattern in excludes)
        if wrong and strict:
            raise BadRequest(
                f"invalid pattern {wrong[0][:100]!r}",
                remedy="use the syntax of .gitignore, for example: --exclude 'Screenshots/'",
            )
        self.root = root
        specs = (Spec(len(prefix), spec),) if spec is not None else ()
        unknown = errno.EINVAL if wrong else 0
        names = ignored_names(frozenset(off))
        whole = LIBRARIES in names.off or not is_library_name(root)
        only = frozenset[bytes]() if whole else ORIGINALS
        self._top = Level(prefix, specs, frozenset(other_roots) - {root}, names, unknown, only)

    def inside(self, directory: bytes) -> Level | None:
        """The rules inside ``directory`` (the root or below), without its own ignore file.

        None if the directory is ignored, hidden, or reached through a link (links to directories
        are not followed). Raises ValueError if it is outside the root, OSError if an ignore file on
        the way cannot be read.
        """
        found = self._inside(directory)
        return found if isinstance(found, Level) else None

    def _inside(self, directory: bytes) -> Level | Reason:
        level = self._top.require()
        for name in self._names(directory):
            own = level.with_own_rules()
            if own is None:
                return Reason(NOMEDIA, level.prefix[:-1])
            if reason := own.require().reason(name, is_directory=True):
                return reason
            found = _lstat(own.prefix + name)
            if found is not None and stat.S_ISLNK(found.st_mode):
                return Reason(LINKED, own.prefix + name)
            if found is not None and not own.shows(found):
                return Reason(HIDDEN, own.prefix + name)
            level = own.below(name)
        return level

    def ignored(self, path: bytes, is_directory: bool = False) -> bool:
        """Whether ``path`` is ignored by scans. Raises like `inside`."""
        return self.reason(path, is_directory) is not None

    def reason(self, path: bytes, is_directory: bool = False) -> Reason | None:
        """Why ``path`` is ignored by scans; None if it is not. Raises like `inside`."""
        if path == self.root:
            return None
        directory, _, name = path.rpartition(b"/")
        level = self._inside(directory or b"/")
        if isinstance(level, Reason):
            return level
        own = level.with_own_rules()
        if own is None:
            return Reason(NOMEDIA, level.prefix[:-1])
        return own.require().reason(name, is_directory)

    def shows(self, found: os.stat_result) -> bool:
        """Whether a file with this stat, whose path is not ignored, is not hidden by Finder."""
        return self._top.shows(found)

    def _names(self, directory: bytes) -> list[bytes]:
        """The names from the root to ``directory``."""
        if directory == self.root:
            return []
        prefix = self._top.prefix
        if not directory.startswith(prefix):
            raise ValueError(f"{directory!r} is not in {self.root!r}")
        return directory[len(prefix) :].split(b"/")


def _has(prefix: bytes, name: bytes, names: Container[bytes] | None) -> bool:
    """Raises OSError if it is unknown."""
    return _lstat(prefix + name) is not None if names is None else name in names


def _lstat(path: bytes) -> os.stat_result | None:
    """The stat of ``path``; None if missing. Raises OSError if unknown."""
    tick()
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise


def _closed(directory: bytes) -> bytes:
    return directory if directory.endswith(b"/") else directory + b"/"


def _read_ignore_file(file: bytes) -> GitIgnoreSpec | None:
    """The patterns in ``file``; raises OSError if not all can be read."""
    # A share may stop answering, and would stop the scans of this disk.
    if stat.S_ISLNK(os.lstat(file).st_mode) and leads_to_share(file, mounts()):
        raise _error(errno.EXDEV)
    # Non-blocking: a FIFO of that name must not stop a scan.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise _error(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(IGNORE_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > IGNORE_FILE_BYTES:
        raise _error(errno.EFBIG)
    lines = LINE_END.split(_text_of(data))
    if len(lines) > IGNORE_FILE_LINES:
        raise _error(errno.EFBIG)
    spec, wrong = _compile(lines)
    if any(not line.startswith("!") for line in wrong):  # its excludes are unknown
        raise _error(errno.EINVAL)
    return spec


def _text_of(data: bytes) -> str:
    """The text of an ignore file: UTF-8, or an encoding of Windows editors."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise _error(errno.EILSEQ) from None
    if "\0" in text:
        raise _error(errno.EILSEQ)
    return text


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _plain(text: str) -> str:
    """``text`` without newlines, which end pathspec's patterns, and normalised: macOS writes
    accents as separate letters.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(UNSEEN))
    return text.replace("\n", "\0")


def _below(prefix: bytes, pattern: str) -> str:
    """The pattern relative to the folder: shells insert full paths."""
    mark, whole = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    root = os.fsdecode(prefix)
    return f"{mark}/{whole[len(root) :]}" if whole.startswith(root) else pattern


def _compile(lines: Iterable[str]) -> tuple[GitIgnoreSpec | None, list[str]]:
    """The compiled patterns of ``lines`` (None if there are none), and invalid lines."""
    patterns, wrong = [], []
    for line in lines:
        if len(line) > LINE_CHARACTERS:
            wrong.append(line)
            continue
        try:
            pattern = Pattern(HERE.sub(r"\1/", _plain(line)))
        except (ValueError, re.error):
            wrong.append(line)
            continue
        if pattern.include is not None:
            patterns.append(pattern)
    return (GitIgnoreSpec(patterns) if patterns else None), wrong


class Pattern(GitIgnoreSpecPattern):
    """One line of an ignore file. Raises ValueError if invalid.

    It matches in linear time, since shared folders are untrusted: in pathspec's form, `*a*a*a*a*b`
    takes minutes for one long name, and blocks every other thread of the daemon.
    """

    @classmethod
    def pattern_to_regex(cls, pattern: str) -> tuple[str | None, bool | None]:  # type: ignore[override]
        """The regular expression, and whether it excludes (True) or re-includes (False)."""
        if "[[:" in pattern and not pattern.startswith("#"):  # pathspec treats it as letters
            raise ValueError(f"classes like [:upper:] are not supported: {pattern!r}")
        regex, include = super().pattern_to_regex(pattern)
        if regex is None:
            return None, include
        if sum(regex.count(depth) for depth in ANY_DEPTH) > MAX_DEPTHS:
            raise ValueError(f"more than {MAX_DEPTHS} ** in {pattern!r}")
        return _without_backtracking(regex), include


def _without_backtracking(regex: str) -> str:
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
