"""The settings file (TOML): read even if partly invalid, and changed one setting at a time.

An invalid line or value affects only that setting: the default is used, and a `Problem` reports it.
If a cloud setting is invalid the mode is local, and nothing can select another one
(`ClosedCloudSettings`): no mistake in the file can send more data, to another address or at a
higher cost.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import os
import re
import stat
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from photosd.core import config
from photosd.core.atomic_write import replace_file
from photosd.core.config import ClosedCloudSettings, Settings
from photosd.core.errors import ConfigError
from photosd.core.secrets import shortened, without_secrets

MAX_BYTES = 1 << 20
MAX_BAD_LINES = 20  # larger files are not settings
TURN_SECONDS = 5.0  # for another process to finish its change
POLL_SECONDS = 0.01

_threads = threading.Lock()  # flock(2) is per process; threads take turns first


@dataclass(frozen=True)
class Problem:
    """Something in the file that is ignored: ``setting`` (or section), what, remedy."""

    setting: str
    says: str
    remedy: str


@dataclass(frozen=True)
class SettingsReading:
    """The settings in the file, and its problems."""

    settings: Settings
    problems: tuple[Problem, ...] = ()


def load(file: Path) -> Settings:
    """The settings in ``file``; defaults for those that are missing or invalid."""
    return read(file).settings


def read(file: Path) -> SettingsReading:
    """The settings in ``file``, and its problems."""
    try:
        text = _text(file)
    except ConfigError as error:
        closed = Settings(cloud=ClosedCloudSettings())
        return SettingsReading(closed, (Problem("", str(error), error.remedy),))
    return _understand(file, text)


def change(file: Path, name: str, text: str) -> SettingsReading:
    """Set ``name`` (``section.key``) to ``text``, keeping the rest of the file; returns the
    settings.

    One thread and process at a time. A crash leaves the old file or the new one; a link stays a
    link, and its target is replaced. Raises ConfigError, and then nothing has changed.
    """
    value = config.parsed(name, text)
    target = _target(file)
    with _turn(target.parent):
        changed = _changed(file, _text(target), name, value)
        _replace(target, changed)
    return _understand(file, changed)


# -- reading ----------------------------------------------------------------------------------


def _text(file: Path) -> str:
    """Its text, "" if there is none. Invalid bytes become surrogates, which TOML refuses.

    Raises ConfigError.
    """
    try:
        # Not blocking, as reading a FIFO may hang.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _unusable(file, "is not a file")
        data = b""
        while len(data) <= MAX_BYTES and (part := os.read(descriptor, MAX_BYTES + 1)):
            data += part  # some file systems return less than requested
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise _unusable(file, "is too large for settings")
    return data.decode("utf-8-sig", "surrogateescape")


def _unusable(file: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{file} {why}; using the defaults",
        remedy=f"correct or remove {file}, then: photosd restart",
    )


def _understand(file: Path, text: str) -> SettingsReading:
    data, problems = _parsed(file, text)
    sections = {}
    for section in (field.name for field in msgspec.structs.fields(Settings)):
        found = data.pop(section, {})
        if not isinstance(found, dict):
            problems.append(_problem(file, text, section, f"{section} must be a table"))
            found = {}
        sections[section] = _section(file, text, section, found, problems)
    problems += [
        _problem(file, text, name, f"unknown section {name!r}", _near(name, sections))
        for name in data
    ]
    cloud_invalid = any(problem.setting.partition(".")[0] in ("", "cloud") for problem in problems)
    if cloud_invalid:
        cloud = msgspec.structs.asdict(sections["cloud"])
        sections["cloud"] = ClosedCloudSettings(**{**cloud, "mode": "local"})
        if cloud["mode"] != "local":
            says = "cloud.mode is local until every cloud setting is valid"
            problems.append(_problem(file, text, "cloud.mode", says))
    return SettingsReading(Settings(**sections), tuple(problems))


def _section(
    file: Path, text: str, section: str, found: dict[str, Any], problems: list[Problem]
) -> Any:
    """One section: its valid settings."""
    default = getattr(Settings(), section)
    known, values = default.__struct_fields__, {}
    for key, value in found.items():
        name = f"{section}.{key}"
        if key not in known:
            says = f"unknown setting {name}"
            problems.append(_problem(file, text, name, says, _near(key, known)))
            continue
        try:
            values[key] = config.checked(name, value)
        except ValueError as error:
            shown = shortened(_shown(value), config.LONGEST_SHOWN)
            says = f"{name} = {shown}: {error}; {getattr(default, key)!r} is used"
            problems.append(_problem(file, text, name, says))
    return msgspec.structs.replace(default, **values)


def _shown(value: Any) -> str:
    """A value as text; Python limits the digits of numbers and the depth of nesting."""
    try:
        return str(value)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that is too long"


def _parsed(file: Path, text: str) -> tuple[dict[str, Any], list[Problem]]:
    """The TOML in it, without invalid lines."""
    written = text.split("\n")
    lines, problems = written.copy(), []
    for number, line in enumerate(written):
        if not _is_utf8(line):
            problems.append(_bad_line(file, written, number, "it is not UTF-8"))
            lines[number] = ""
    while len(problems) <= MAX_BAD_LINES:
        try:
            return tomllib.loads("\n".join(lines)), problems
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            number = _line_in(str(error), lines)
            problems.append(_bad_line(file, written, number, str(error).partition(" (at ")[0]))
            lines[number] = ""
    whole = f"{file} is not TOML; using the defaults"
    return {}, [Problem("", whole, f"correct or remove {file}, then: photosd restart")]


def _line_in(error: str, lines: list[str]) -> int:
    """The line of a TOML error; the last non-empty one if the error is at the end."""
    last = max((n for n, line in enumerate(lines) if line.strip()), default=0)
    found = re.search(r"\(at line (\d+)", error)
    number = min(int(found[1]) - 1, last) if found else last
    while number > 0 and not lines[number].strip():  # the line before is not terminated
        number -= 1
    return number


def _bad_line(file: Path, lines: list[str], number: int, why: str) -> Problem:
    """A problem with a line. ``setting``: the section and key it seems to set; empty if unclear."""
    section = ""
    for line in lines[: number + 1]:
        if (header := HEADER.match(line)) is not None:
            section = header[1]
    key = re.match(r"\s*([\w.-]+)\s*=", lines[number])
    name = ".".join(filter(None, (section, key[1] if key else "")))
    words = lines[number].strip().encode("utf-8", "replace").decode()
    shown = shortened(words, config.LONGEST_SHOWN)
    return Problem(
        name, f"{file}, line {number + 1}: {why}: {shown}", f"correct line {number + 1} of {file}"
    )


HEADER = re.compile(r"\s*\[\s*[\"']?([\w-]+)")


def _problem(file: Path, text: str, name: str, says: str, hint: str = "") -> Problem:
    line = _line_of(text, name)
    where = str(file) if line is None else f"{file}, line {line}"
    place = f"{file}" if line is None else f"line {line} of {file}"
    return Problem(name, f"{where}: {says}{hint}", f"correct {place}")


def _line_of(text: str, name: str) -> int | None:
    """The line, from 1, where ``section`` or ``section.key`` is written."""
    section, _, key = name.partition(".")
    inside = ""
    for number, line in enumerate(text.split("\n"), 1):
        if (header := HEADER.match(line)) is not None:
            inside = header[1]
        written = re.match(r"\s*[\"']?([\w.-]+)[\"']?\s*=", line)
        full = ".".join(filter(None, (inside, written[1]))) if written else inside
        if full == name or (not key and full == section):
            return number
    return None


def _near(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _is_utf8(line: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in line)


# -- changing ---------------------------------------------------------------------------------


def _changed(file: Path, before: str, name: str, value: Any) -> str:
    """The text with that setting changed; raises ConfigError if the text is not TOML."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    _, problems = _parsed(file, before)
    if problems:
        raise ConfigError(problems[0].says, remedy=f"{problems[0].remedy}; then set it again")
    section, _, key = name.partition(".")
    try:
        document = tomlkit.parse(before)
        table: Any = document.setdefault(section, tomlkit.table())
        table[key] = value
        after = tomlkit.dumps(document)
        if tomllib.loads(after)[section][key] == value:
            return after
    except (TOMLKitError, TypeError, KeyError, ValueError):
        pass
    raise ConfigError(
        f"{file} is written in a way that photosd cannot change", remedy=f"set {name} in {file}"
    )


def _target(file: Path) -> Path:
    """The file after following links, and its directory created."""
    try:
        target = file.resolve()
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError) as error:  # RuntimeError: circular links
        raise _refused(file, error) from error
    return target


@contextlib.contextmanager
def _turn(directory: Path) -> Iterator[None]:
    """Hold the lock for changing these settings."""
    until = time.monotonic() + TURN_SECONDS
    if not _threads.acquire(timeout=TURN_SECONDS):
        raise _busy(directory)
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        _threads.release()
        raise _refused(directory, error) from error
    try:
        while not _locked(descriptor):
            if time.monotonic() > until:
                raise _busy(directory)
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
        _threads.release()


def _locked(descriptor: int) -> bool:
    """Whether the lock was taken; without locks in the file system only threads are excluded."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # NFS does not lock directories
        return True
    return True


def _replace(target: Path, text: str) -> None:
    """Write the file; the mode is kept, or private if new or with a secret."""
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
        if without_secrets(text) != text:
            mode &= 0o700
        replace_file(target, text.encode(), mode)
    except OSError as error:
        raise _refused(target, error) from error


def _busy(directory: Path) -> ConfigError:
    return ConfigError(
        f"another process has been changing the settings in {directory} for {TURN_SECONDS:g} s",
        remedy="try again; then: photosd restart",
    )


def _refused(file: Path, error: Exception) -> ConfigError:
    why = getattr(error, "strerror", None) or str(error)
    return ConfigError(
        f"{file} cannot be written: {why}",
        remedy=f"make {file} and its directory writable, or free space on its disk",
    )
