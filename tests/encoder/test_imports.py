"""The encoder imports what its model needs; the rest stays importable."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTED = """
import sys
from photosd.encoder.openclip_import import META, import_torch
import_torch(lean={lean})
print(META in sys.modules)
import torch, torch._meta_registrations
assert META in sys.modules and torch._meta_registrations.register_meta
assert (torch.ones(2, 3, device="meta") @ torch.ones(3, 4, device="meta")).shape == (2, 4)
"""


@pytest.mark.parametrize("lean", [True, False])
def test_torch_is_imported_without_its_meta_device(lean: bool) -> None:
    """They take a quarter of the time; other libraries may import them later."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(lean=lean)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(not lean)), done.stderr
