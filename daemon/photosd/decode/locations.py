"""Location fields: those of one place stay together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from photosd.core import wording

FIELDS = ("sublocation", "city", "region", "country", "country_code")


def joined(stated: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields of the first of ``stated`` that has any, and of others that contradict none."""
    found: dict[str, Any] = {}
    for one in stated:
        said = {name: one[name] for name in FIELDS if one.get(name)}
        common = found.keys() & said.keys()
        if all(wording.key(str(found[name])) == wording.key(str(said[name])) for name in common):
            found = said | found
    return found
