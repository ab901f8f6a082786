"""Which hits of an answer a person is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit


def shown_hits(result: Mapping[str, Any], *, weak: bool) -> list[Hit]:
    """All hits, or without ``weak`` only the good ones; none if the answer is not convincing."""
    hits: list[Hit] = result["hits"]
    if weak:
        return hits
    return [hit for hit in hits if hit["strength"] != "weak"] if result["convincing"] else []
