"""Which files and directories of a watched folder photosd leaves alone, and why."""

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

from pathspec import GitIgnoreSpec

from photosd.core.errors import BadRequest
from photosd.core.progress import tick
from photosd.watch.patterns import Pattern

IGNORE_FILE = b".photosdignore"
HIDE_MARK = b".nomedia"
MARKS = frozenset((IGNORE_FILE, HIDE_MARK))
# Thumbnails, snapshots and bins of NAS systems and Windows; the dotted kinds are hidden anyway.
JUNK = frozenset(
    (b"@eaDir", b"#recycle", b"#snapshot", b"$RECYCLE.BIN", b"System Volume Information")
)
IGNORE_FILE_BYTES = 1 << 20
IGNORE_FILE_LINES = 10_000  # each is tried on each name
ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG))
LINE_CHARACTERS = 4096  # no path is longer
DOT = ord(".")
HERE = re.compile(r"^(!?)\./")  # to git this matches nothing
LINE_END = re.compile(r"\r\n|\r|\n")  # of any system
# Marks that nobody sees and editors of Hebrew and Arabic put in: directions, joiners.
UNSEEN = dict.fromkeys(
    (0x061C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)


@dataclass(frozen=True, slots=True)
class Level:
    """The rules that hold for the names inside one directory.

    ``specs`` are gitignore patterns with the length of the path they are relative to, the
    deepest last; as in git the last pattern that matches decides, the deepest file first.
    ``unknown``: 0, or the error number that says why the rules cannot be known. Then nothing is
    known of the directory: neither what to leave alone nor what not to.
    """

    prefix: bytes  # the directory with a closing slash
    specs: tuple[tuple[int, GitIgnoreSpec], ...]
    forbidden: Container[bytes]
    unknown: int = 0

    def require(self) -> Level:
        """The same; raises OSError when the rules cannot be known."""
        if self.unknown:
            raise OSError(self.unknown, os.strerror(self.unknown), self.prefix + IGNORE_FILE)
        return self

    def hides(self, name: bytes, is_directory: bool) -> bool:
        """Whether the entry ``name`` of this directory is left alone."""
        if name[0] == DOT:
            return True
        if is_directory and (name in JUNK or self.prefix + name in self.forbidden):
            return True
        return bool(self.specs) and self._excluded(name, is_directory)

    def below(self, name: bytes) -> Level:
        """The rules inside the sub-directory ``name``, its own ignore file not read yet."""
        return Level(b"%s%s/" % (self.prefix, name), self.specs, self.forbidden)

    def settled(self, names: Container[bytes] | None = None) -> Level | None:
        """These rules with what the directory itself says; None when it hides itself.

        ``names`` are the names in it that begin with a dot, where they are known already.
        """
        try:
            if _has(self.prefix, HIDE_MARK, names):
                return None
            return self._with_ignore_file() if _has(self.prefix, IGNORE_FILE, names) else self
        except OSError as error:  # whether it hides itself is not known
            return dataclasses.replace(self, unknown=error.errno or errno.EIO)

    def _with_ignore_file(self) -> Level:
        try:
            spec = _read_ignore_file(self.prefix + IGNORE_FILE)
        except OSError as error:
            return dataclasses.replace(self, unknown=error.errno or errno.EIO)
        if spec is None:
            return self
        return Level(self.prefix, (*self.specs, (len(self.prefix), spec)), self.forbidden)

    def _excluded(self, name: bytes, is_directory: bool) -> bool:
        path = self.prefix + name + (b"/" if is_directory else b"")
        for length, spec in reversed(self.specs):
            verdict = spec.check_file(_plain(os.fsdecode(path[length:]))).include
            if verdict is not None:
                return verdict
        return False


class IgnoreRules:
    """The rules of one watched folder.

    Left alone: hidden names, `@eaDir` and its kind, what ``excludes`` or a `.photosdignore`
    matches (gitignore syntax, `.photosdignore` counting from its own directory), everything in a
    directory that holds `.nomedia`, and ``other_roots``: folders that are watched by themselves,
    or what photosd writes itself. The folder itself is never ignored. Ignore files are read anew at
    each question; while one cannot be read or understood, nothing is known of its directory and
    what lies below, and questions about that raise OSError, whose ``filename`` is the ignore file.
    """

    def __init__(
        self,
        root: bytes,
        excludes: Sequence[str] = (),
        *,
        other_roots: Iterable[bytes] = (),
        strict: bool = True,
    ) -> None:
        """Raises BadRequest naming the pattern of ``excludes`` that cannot be understood.

        Not ``strict``: then nothing is known of the whole folder instead.
        """
        prefix = _closed(root)
        spec, wrong = _compile(_below(prefix, pattern) for pattern in excludes)
        if wrong and strict:
            raise BadRequest(
                f"the pattern {wrong[0][:100]!r} cannot be understood",
                remedy="use the syntax of .gitignore, for example: --exclude 'Screenshots/'",
            )
        self.root = root
        specs = ((len(prefix), spec),) if spec is not None else ()
        unknown = errno.EINVAL if wrong else 0
        self._top = Level(prefix, specs, frozenset(other_roots) - {root}, unknown)

    def inside(self, directory: bytes) -> Level | None:
        """The rules inside ``directory`` (the root or below), its own ignore file not read yet.

        None when the directory is ignored, or leads through a link (links to directories are
        never followed). Raises ValueError when it lies outside the root, OSError when an ignore
        file on the way cannot be read.
        """
        level: Level | None = self._top.require()
        for name in self._names(directory):
            level = level.settled() if level is not None else None
            if level is None or level.require().hides(name, is_directory=True):
                return None
            found = _lstat(level.prefix + name)
            if found is not None and stat.S_ISLNK(found.st_mode):
                return None
            level = level.below(name)
        return level

    def ignored(self, path: bytes, is_directory: bool = False) -> bool:
        """Whether ``path`` is left alone, as scans do. Raises like `inside`."""
        if path == self.root:
            return False
        directory, _, name = path.rpartition(b"/")
        level = self.inside(directory or b"/")
        level = level.settled() if level is not None else None
        return level is None or level.require().hides(name, is_directory)

    def _names(self, directory: bytes) -> list[bytes]:
        """The names that lead from the root to ``directory``."""
        if directory == self.root:
            return []
        prefix = self._top.prefix
        if not directory.startswith(prefix):
            raise ValueError(f"{directory!r} is not in {self.root!r}")
        return directory[len(prefix) :].split(b"/")


def _has(prefix: bytes, name: bytes, names: Container[bytes] | None) -> bool:
    """Raises OSError when it cannot be known."""
    return _lstat(prefix + name) is not None if names is None else name in names


def _lstat(path: bytes) -> os.stat_result | None:
    """What is at ``path``; None when nothing is. Raises OSError when that cannot be known."""
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
    """The patterns in ``file``; raises OSError when they cannot be had, all of them."""
    # Not blocking: a FIFO of that name must not stop a scan.
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
    if any(not line.startswith("!") for line in wrong):  # what it was to exclude is not known
        raise _error(errno.EINVAL)
    return spec


def _text_of(data: bytes) -> str:
    """The text of an ignore file: UTF-8, or what an editor of Windows writes."""
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
    """``text`` with an ordinary character for newlines, at which pathspec's patterns end; what
    looks the same is the same: accents may be letters of their own (macOS writes names so)."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(UNSEEN))
    return text.replace("\n", "\0")


def _below(prefix: bytes, pattern: str) -> str:
    """The pattern as seen from the folder: shells put in whole paths."""
    mark, whole = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    root = os.fsdecode(prefix)
    return f"{mark}/{whole[len(root) :]}" if whole.startswith(root) else pattern


def _compile(lines: Iterable[str]) -> tuple[GitIgnoreSpec | None, list[str]]:
    """The patterns of ``lines`` (None when there are none) and the lines that are not patterns."""
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
