"""Terms of a query as typed: words and pictures with weights. Without click."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Any, cast

from photosd.core.errors import BadRequest
from photosd.protocol.client import path_params
from photosd_cli import paths

if TYPE_CHECKING:
    from photosd.protocol.requests import Term

MAX_WEIGHT = 100.0  # same limit as in the protocol
WEIGHTED = re.compile(r"(\d+(?:\.\d+)?|\.\d+):(.*)", re.DOTALL)


def words(text: str, sign: int) -> Term:
    """A text term, its weight before a colon: ``2:dog``."""
    weight, rest = weighted(text)
    if not rest.strip():
        raise BadRequest(f"no words follow the weight in {text!r}", remedy="--plus 2:dog")
    return {"text": rest, "weight": sign * weight}


def picture(text: str, sign: int = 1) -> Term:
    """A picture term; ``2:x.jpg`` has weight 2 unless a file has this name."""
    named = WEIGHTED.fullmatch(text) and os.path.lexists(text)  # no other path is accessed here
    weight, rest = (1.0, text) if named else weighted(text)
    if not rest:
        raise BadRequest(f"no file follows the weight in {text!r}", remedy="--like 2:dog.jpg")
    term: Any = {**path_params(paths.absolute(rest)), "weight": sign * weight}
    return cast("Term", term)


def weighted(text: str) -> tuple[float, str]:
    """``2:dog`` -> (2.0, "dog"); the default weight is 1."""
    found = WEIGHTED.fullmatch(text)
    if found is None or not math.isfinite(weight := float(found[1])):
        return 1.0, text
    if not 0 < weight <= MAX_WEIGHT:
        raise BadRequest(
            f"invalid weight {found[1]}: use one above 0, at most {MAX_WEIGHT:g}",
            remedy="--plus 2:dog",
        )
    return weight, found[2]
