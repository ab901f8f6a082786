"""Redacts reports: removes paths, names of people and machines, and queries."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import platform
import re
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

from photosd.core.secrets import without_secrets
from photosd.core.socketpath import expanded

SECRET_KEYS = re.compile(r"query|text|words|key|token|secret|password|proxy|_b64$", re.IGNORECASE)
# Messages have paths in quotes, or up to ": " and a reason. Redact too much rather than too little:
# a line that begins with a path is treated as one up to its last ": ".
QUOTED = re.compile(r"""(['"])(/[^\n]*?)\1(?=$|[\s,;:.)\]])""")
WHOLE = re.compile(r"^/.*?(?=$|: (?!.*: ))")
WITHIN = re.compile(r"(?<![\w<>~/.])/[^\s'\",;:()\[\]]+")
BELOW_HOME = re.compile(r"(?<![\w~/])~/[^\s'\",;:()\[\]]+")
HOME = "home"  # of `own`: everything below it is the user's
SYSTEM = ("/usr/", "/lib/", "/proc/", "/sys/", "/etc/", "/dev/", "/bin/")
ENDS = r"(?=$|[/\s'\":,;)\]])"


class Redactor:
    """Replaces private data; the same path always gets the same placeholder.

    Paths of the system, of Python and of photosd itself are not private and stay.
    """

    def __init__(self, own: Mapping[str, Path], folders: Iterable[str] = ()) -> None:
        """``own``: photosd's directories by name; ``folders``: the watched ones."""
        self._folders = sorted(folders, key=len, reverse=True)
        places = {str(path): f"<{name}>" for name, path in own.items() if name != HOME}
        self._home = str(own.get(HOME, "")).rstrip("/")
        places |= {str(Path(__file__).parents[1]): "<photosd>"}
        python = {sys.prefix: "", sys.base_prefix: "", sysconfig.get_path("stdlib"): "/lib"}
        # The system's Python is in /usr, which also holds many other things.
        places |= {at: f"<python>{lib}" for at, lib in python.items() if not _of_system(at)}
        self._places = sorted(places.items(), key=lambda item: len(item[0]), reverse=True)
        names = {_user(), platform.node(), expanded("~").name}
        common = {"", "~", "root", "localhost"}
        self._names = [re.compile(rf"\b{re.escape(name)}\b") for name in names - common]

    def line(self, line: str) -> str:
        """One line of a log: JSON, or anything else."""
        try:
            value = json.loads(line)
        except ValueError:
            return self.text(line)
        return json.dumps(self.value(value), ensure_ascii=False)

    def value(self, value: object, key: str = "") -> object:
        """Any JSON value, its texts redacted; text typed by users is removed completely."""
        if isinstance(value, dict):
            return {self.text(str(k)): self.value(v, str(k)) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(element, key) for element in value]
        if not isinstance(value, str):
            return value
        return "<removed>" if SECRET_KEYS.search(key) else self.text(value)

    def text(self, text: str) -> str:
        """Any text, line by line."""
        text = without_secrets(text)
        return "\n".join(self._one_line(line) for line in text.split("\n"))

    def _one_line(self, line: str) -> str:
        for number, folder in enumerate(self._folders, 1):
            line = self._without_folder(line, folder, f"<folder {number}>")
        for path, name in self._places:
            line = re.sub(re.escape(path) + ENDS, name, line)
        if self._home:
            line = self._without_folder(line, self._home, f"<{HOME}>")
        line = BELOW_HOME.sub(lambda match: self._stand_in(match[0]), line)
        line = QUOTED.sub(lambda m: m[1] + self._stand_in(m[2]) + m[1], line)
        bare = WHOLE if line.startswith("/") else WITHIN
        line = bare.sub(lambda match: self._stand_in(match[0]), line)
        for pattern in self._names:
            line = pattern.sub("<name>", line)
        return line

    def _without_folder(self, line: str, folder: str, stand_in: str) -> str:
        """The line without this folder and all names below it, spaces and colons too."""
        if (found := re.search(re.escape(folder) + ENDS, line)) is None:
            return line
        path, colon, reason = line[found.start() :].rpartition(": ")
        if not colon:
            path, reason = reason, ""
        shown = stand_in
        if path[len(folder) :].strip("/'\""):
            shown += f"/{_digest(path)}{_suffix(path)}"
        rest = self._without_folder(reason, folder, stand_in)
        return line[: found.start()] + shown + colon + rest

    def _stand_in(self, path: str) -> str:
        if _of_system(path):
            return path
        return f"<path {_digest(path)}{_suffix(path)}>"


def _of_system(path: str) -> bool:
    return f"{path}/".startswith(SYSTEM)


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "replace")).hexdigest()[:8]


def _suffix(path: str) -> str:
    """The suffix, which is often what matters: ``.jpg``."""
    found = re.search(r"\.[A-Za-z0-9]{1,5}$", path.rstrip("'\""))
    return found[0].lower() if found else ""


def _user() -> str:
    """The name of the user; empty if unknown to the system, as in some containers."""
    with contextlib.suppress(KeyError, OSError):
        return getpass.getuser()
    return ""
