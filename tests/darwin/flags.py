"""Files with flags of macOS, in this process; see also tests.darwin.pretend for whole processes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from photosd.core import filestat
from photosd.core.filestat import SF_DATALESS
from photosd.watch import walk


class Flags:
    """Lets ``stat`` tell flags, and refuses to read what is dataless, as the policy of photosd."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._flags: dict[tuple[int, int], int] = {}
        self.opened: list[bytes] = []  # dataless ones
        patch.setattr(filestat, "flags_of", self._of)
        patch.setattr(walk, "has_flags", lambda: True)
        for name in ("open", "scandir"):
            patch.setattr(os, name, self._guarded(getattr(os, name)))

    def mark(self, path: Path, flags: int) -> None:
        """Set the flags of a file or directory."""
        found = path.lstat()
        self._flags[found.st_dev, found.st_ino] = flags

    def _of(self, found: os.stat_result) -> int:
        return self._flags.get((found.st_dev, found.st_ino), 0)

    def _guarded(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(path: Any, *arguments: Any, **options: Any) -> Any:
            try:
                found = os.stat(path)  # noqa: PTH116
            except OSError:
                return call(path, *arguments, **options)
            if self._of(found) & SF_DATALESS:
                self.opened.append(os.fsencode(path))
                raise OSError(errno.EDEADLK, os.strerror(errno.EDEADLK), path)
            return call(path, *arguments, **options)

        return guarded
