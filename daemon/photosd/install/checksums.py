"""SHA-256 of downloads: the hub's, or the one recorded at the first download."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from pathlib import Path

from photosd.core.errors import DownloadFailed

FILE = "downloads.sha256"  # beside the models; in the format of sha256sum(1)
BLOCK = 4 << 20
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
SHA256, GIT_SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


class Checksums:
    """SHA-256 of files for which the hub has none, recorded at first use.

    Trust on first use, as in ssh: later downloads must be identical. Lines are only added; users
    delete one to accept a new version.
    """

    def __init__(self, models: Path) -> None:
        self.file = models / FILE

    def known(self, name: str) -> str | None:
        """The recorded hash of ``repository/file``; raises DownloadFailed if unreadable."""
        try:
            lines = self.file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError) as error:
            raise DownloadFailed(
                f"{self.file} cannot be read: {error}", remedy=f"make {self.file} readable"
            ) from error
        for line in lines:
            if (found := LINE.fullmatch(line)) and found[2] == name:
                return found[1]
        return None

    def record(self, name: str, digest: str) -> None:
        """Add a line, durably; raises OSError."""
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with contextlib.closing(os.fdopen(handle, "wb")) as stream:
            stream.write(f"{digest}  {name}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())


def digests(file: Path) -> tuple[str, str]:
    """SHA-256 of the content, and its SHA-1 as a git blob; one pass."""
    sha256 = hashlib.sha256()
    git = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            sha256.update(block)
            git.update(block)
    return sha256.hexdigest(), git.hexdigest()
