"""macOS: folders that programs may read only with the user's consent, and files kept in iCloud."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

# Reading these below the home directory opens a dialog, or waits for a file provider.
PROTECTED = (
    "Desktop",
    "Documents",
    "Downloads",
    "Pictures",
    "Library/Mobile Documents",
    "Library/CloudStorage",
)
LINKS_MOST = 40  # as for the kernel
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
    """What to tell the user before the daemon reads these absolute paths; None if macOS will not
    ask.
    """
    if sys.platform != "darwin":
        return None
    places = tuple(_folded(os.path.realpath(place)) for place in protected_directories())
    places += (_folded(VOLUMES),)
    return EXPLANATION if any(_leads_into(one, places) for one in directories) else None


def _leads_into(path: str, places: tuple[str, ...]) -> bool:
    """Whether ``path`` is in one of these, perhaps through links. Accesses nothing in them: a share
    may hang.
    """
    for _ in range(LINKS_MOST):
        path = os.path.normpath(path)
        if _folded(path).startswith(places):
            return True
        for name in [*map(str, reversed(PurePath(path).parents)), path]:
            with contextlib.suppress(OSError):
                target = os.path.join(os.path.dirname(name), os.readlink(name))  # noqa: PTH115, PTH118, PTH120
                path = target + path[len(name) :]
                break
        else:
            return False
    return False


def _folded(directory: str) -> str:
    """With a closing slash; equal for equal names of a directory."""
    return unicodedata.normalize("NFD", directory.rstrip("/") + "/").casefold()


def comparable(path: bytes) -> bytes:
    """A key of ``path`` that is equal for all its spellings on a Mac; elsewhere ``path`` itself.

    On a case-sensitive disk of a Mac different paths may have the same key.
    """
    if sys.platform != "darwin":
        return path
    return os.fsencode(unicodedata.normalize("NFD", os.fsdecode(path)).casefold())


def refused(number: int | None) -> bool:
    """Whether this error means that the user has not consented; not missing permissions."""
    return sys.platform == "darwin" and number == errno.EPERM


def never_download_from_icloud() -> None:
    """Let this process get EDEADLK for what is only in iCloud, instead of downloading it."""
    if sys.platform == "darwin":
        import ctypes  # slow to import, and the command does not need it

        with contextlib.suppress(AttributeError, OSError):
            ctypes.CDLL(None).setiopolicy_np(MATERIALIZE_DATALESS_FILES, SCOPE_PROCESS, OFF)
