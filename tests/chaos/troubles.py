"""What a soak suffers beside kills: a share that stops answering, a disk that is full; in turns."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.chaos.walk import picture
from tests.watch.hangfs import Share, shared

DISK_MB = 160
SHARE_PHOTOS = 40
BLOCK = bytes(1 << 20)


class Trouble(Protocol):
    """Begins and ends again and again. ``folder``: photos that lie there, and are to be added."""

    folder: Path | None

    def begin(self) -> None: ...
    def end(self) -> None: ...


class HungShare:
    """A share with photos whose server goes away without a word, and comes back."""

    def __init__(self, share: Share) -> None:
        self.folder: Path | None = share.point
        self._share = share

    def begin(self) -> None:
        self._share.hang("all")

    def end(self) -> None:
        self._share.hang()


class FullDisk:
    """The disk of the daemon's state, filled to its last byte."""

    folder: Path | None = None

    def __init__(self, directory: Path) -> None:
        self._ballast = directory / "ballast"

    def begin(self) -> None:
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            for size in (len(BLOCK), 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(BLOCK[:size]) == size:
                        pass

    def end(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def troubles(root: Path, state: Path) -> Iterator[list[Trouble]]:
    """A share below ``root``, and a small disk for ``state``; before the daemon starts.

    None where disks and shares cannot be mounted, which takes root and /dev/fuse.
    """
    if not _possible():
        yield []
        return
    state.mkdir(parents=True, exist_ok=True)
    size = f"size={DISK_MB}m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "photosd-soak", state], check=True)
    try:
        with shared(root) as share:
            for number in range(SHARE_PHOTOS):
                (share.source / f"{number:04}.png").write_bytes(picture(1 << 41 | number))
            yield [HungShare(share), FullDisk(state)]
    finally:
        subprocess.run(["umount", "-l", state], check=False)


def _possible() -> bool:
    tools = shutil.which("mount") and shutil.which("umount")
    return bool(tools) and os.geteuid() == 0 and os.access("/dev/fuse", os.R_OK | os.W_OK)
