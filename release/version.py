"""The version and the changelog: what a release changes in the repository."""

from __future__ import annotations

import re
from datetime import date

VERSION = re.compile(r'__version__ = "([^"]+)"')
UNRELEASED = "## [Unreleased]"


class Refused(Exception):
    """Why this cannot be released, and what to do."""


def raised(module: str, version: str) -> str:
    """The text of ``photosd/__init__.py`` with a newer version in it.

    Raises:
        Refused: Not three numbers, or not newer.
    """
    found = VERSION.search(module)
    assert found is not None
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise Refused(f"{version!r} is no version; say for example VERSION=0.2.0")
    if _numbers(version) <= _numbers(found[1]):
        raise Refused(f"{version} is not newer than {found[1]}")
    return VERSION.sub(f'__version__ = "{version}"', module)


def dated(changelog: str, version: str, day: date) -> str:
    """The changelog with what is unreleased under this version and day.

    Raises:
        Refused: Nothing is written there.
    """
    before, heading, after = changelog.partition(UNRELEASED + "\n")
    unreleased = after.partition("\n## ")[0]
    if not heading or "\n- " not in unreleased:
        raise Refused(f"CHANGELOG.md has nothing under {UNRELEASED}: say what is new")
    return f"{before}{heading}\n## [{version}] - {day.isoformat()}\n{after}"


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]
