"""The key: its sources, and protection from being shown."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
from pathlib import Path

from photosd.core.config import CloudSettings
from photosd.core.errors import CloudNotPermitted
from photosd.core.socketpath import expanded
from photosd.gemini.environment import KEY, MODE, Environment

COMMAND_SECONDS = 10.0
KEY_FILE, DOTENV = "gemini.key", ".env"
UNTRUSTED = "?"  # not a mode: sends nothing
LARGEST_FILE = 64 << 10
PRINTABLE = re.compile(r"[!-~]{8,512}")  # other characters are invalid in a header
LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*")


class Key:
    """A secret: its text is only available on request, never by printing it."""

    def __init__(self, text: str, source: str) -> None:
        self._text, self.source = text, source

    def reveal(self) -> str:
        """The key itself, for the request header."""
        return self._text

    def hide_in(self, words: str) -> str:
        """``words`` without the key, in case they contain it."""
        return words.replace(self._text, "[key]")

    def __repr__(self) -> str:
        """Its source."""
        return f"Key(from {self.source})"


def find_key(config: Path, settings: CloudSettings, environment: Environment) -> Key:
    """The key: GEMINI_API_KEY, the key file, `.env`, the key command, in this order.

    Raises CloudNotPermitted if there is none, or other users can read it.
    """
    if environment.key:
        return _checked(environment.key, KEY)
    file = expanded(settings.key_file) if settings.key_file else config / KEY_FILE
    if settings.key_file or os.path.lexists(file):
        return _checked(_read_private(file), str(file))
    dotenv = config / DOTENV
    if os.path.lexists(dotenv) and (text := _variables(_read_private(dotenv)).get(KEY)):
        return _checked(text, str(dotenv))
    if settings.key_command:
        return _checked(_run(settings.key_command), "the key command")
    raise CloudNotPermitted(
        "there is no key for Gemini",
        remedy=f"get one at https://aistudio.google.com/apikey and put it into {file} (mode 0600)",
    )


def dotenv_mode(config: Path) -> str:
    """EMBEDDING_MODE in `.env` in the directory of the settings.

    A file that others can read or write enables nothing: its value is UNTRUSTED, unless it is
    "local". The same applies to an unreadable file.
    """
    file = config / DOTENV
    try:
        return _mode_in(_read_private(file))
    except CloudNotPermitted:
        if not os.path.lexists(file):
            return ""
    try:
        named = _mode_in(_read(file, private=False))
    except CloudNotPermitted:
        return UNTRUSTED
    return named if named in ("", "local") else UNTRUSTED


def _mode_in(text: str) -> str:
    return _variables(text).get(MODE, "").strip().lower()


def _checked(text: str, source: str) -> Key:
    text = text.strip()
    if not PRINTABLE.fullmatch(text):
        raise CloudNotPermitted(
            f"{source} does not hold a key: one word of 8 to 512 plain characters",
            remedy="get a key at https://aistudio.google.com/apikey",
        )
    return Key(text, source)


def _read_private(file: Path) -> str:
    """A private file of this user."""
    return _read(file, private=True)


def _read(file: Path, *, private: bool) -> str:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CloudNotPermitted(f"{file} is not a file", remedy=f"put the key into {file}")
            if private and (status.st_uid != os.getuid() or status.st_mode & 0o077):
                raise CloudNotPermitted(
                    f"other users can read {file}", remedy=f"chmod 600 {shlex.quote(str(file))}"
                )
            return stream.read(LARGEST_FILE).decode("utf-8-sig", "replace")
    except OSError as error:
        raise CloudNotPermitted(
            f"{file} cannot be read: {error.strerror}", remedy=f"put the key into {file}"
        ) from error


def _variables(text: str) -> dict[str, str]:
    """The variables in a `.env`; quotes around a value are removed."""
    found = {}
    for line in text.splitlines():
        if match := LINE.fullmatch(line):
            value = match[2]
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            found[match[1]] = value
    return found


def _run(command: str) -> str:
    """The output of the command; stderr is discarded, as it may contain the key."""
    remedy = "photosd config get cloud.key_command"
    try:
        ran = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise CloudNotPermitted(
            f"the key command did not finish within {COMMAND_SECONDS:.0f} s", remedy=remedy
        ) from None
    except (OSError, ValueError) as error:
        raise CloudNotPermitted(
            f"the key command cannot be run: {type(error).__name__}", remedy=remedy
        ) from None
    if ran.returncode != 0:
        raise CloudNotPermitted(
            f"the key command failed with exit code {ran.returncode}", remedy=remedy
        )
    return ran.stdout[:LARGEST_FILE].decode("utf-8", "replace")
