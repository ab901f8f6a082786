"""Tests that cannot pass while Linux pretends to be a Mac, each with its reason.

A key is the id of a test, a file or a directory. Tests that say themselves that they are for Linux
(``skipif``) are not listed.
"""

from __future__ import annotations

CANNOT: dict[str, str] = {}
