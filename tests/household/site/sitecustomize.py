"""Gives each ``python -m photosd`` with this directory on PYTHONPATH a stand-in for its encoder."""

from __future__ import annotations

import sys
from pathlib import Path

if sys.orig_argv[-2:] == ["-m", "photosd"]:
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from tests.household.stand_in import install_encoder

    install_encoder()
