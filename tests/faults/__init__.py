"""Faults on order in worker processes: hangs, crashes, wrong answers; see sitecustomize.py."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PHOTOSD_TEST_FAULTS"  # names the file of orders
PLACE = str(Path(__file__).parent)


def with_faults(python_path: str) -> str:
    """PYTHONPATH for processes that read orders."""
    return os.pathsep.join([PLACE, python_path])
