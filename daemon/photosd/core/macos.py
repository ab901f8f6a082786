"""macOS: folders that programs may read only with the user's consent, and files kept in iCloud."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import unicodedata
from collections.abc import Iterable

# Reading these below the home directory opens a dialog, or waits for a file provider.
PROTECTED = (
    "Desktop",
    "Documents",
    "Downloads",
    "Pictures",
    "Library/Mobile Documents",
    "Library/CloudStorage",
)
VOLUMES = "/Volumes/"  # removable disks and network shares
PLACE = "System Settings → Privacy & Security → Files and Folders (or Full Disk Access)"
REMEDY = f"allow Python in {PLACE}, then: photosd restart"
EXPLANATION = (
    "macOS may ask now whether Python may read this folder: photosd runs in Python, and only reads"
    " photos. Choose Allow; until then nothing in it is indexed."
    f" To change the answer: {PLACE}, Python."
)
# sys/resource.h
MATERIALIZE_DATALESS_FILES, SCOPE_PROCESS, OFF = 3, 0, 1


def protected_directories() -> list[str]:
    """The protected directories of this user, there or not; none on other systems."""
    if sys.platform != "darwin":
        return []
    home = os.path.realpath(os.path.expanduser("~"))  # noqa: PTH111
    return [f"{home}/{name}" for name in PROTECTED]


def explanation(directories: Iterable[str]) -> str | None:
    """What to tell the user before the daemon reads these; None if macOS will not ask."""
    if sys.platform != "darwin":
        return None
    places = [_folded(place) for place in (*protected_directories(), VOLUMES)]
    asked = [_folded(directory) for directory in directories]
    return EXPLANATION if any(one.startswith(tuple(places)) for one in asked) else None


def _folded(directory: str) -> str:
    """With a closing slash; equal for equal names of a directory."""
    path = os.path.realpath(directory).rstrip("/") + "/"
    return unicodedata.normalize("NFD", path).casefold()


def comparable(path: bytes) -> bytes:
    """On a Mac equal for all spellings of a path that its disks take for one; elsewhere ``path``.

    A disk there may tell case apart, which most do not; then different paths may be equal.
    """
    if sys.platform != "darwin":
        return path
    return os.fsencode(unicodedata.normalize("NFD", os.fsdecode(path)).casefold())


def refused(number: int | None) -> bool:
    """Whether this error says that the user has not consented, and not that permissions lack."""
    return sys.platform == "darwin" and number == errno.EPERM


def leave_in_the_cloud() -> None:
    """Let this process get EDEADLK for what is only in iCloud, instead of downloading it."""
    if sys.platform == "darwin":
        import ctypes  # slow to import, and the command does not need it

        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).setiopolicy_np(MATERIALIZE_DATALESS_FILES, SCOPE_PROCESS, OFF)
