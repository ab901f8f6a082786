"""A device that cannot be used is reported; huge models are not taken for hung."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.core import machine
from photosd.core.errors import ModelError
from photosd.encoder import launcher, model, process
from photosd.encoder.encoder_limits import EncoderLimits
from photosd.encoder.memory import require_memory
from photosd.encoder.requests import LaneQueue
from photosd.models.spec import read_model
from tests.encoder.models import make_model


@pytest.mark.parametrize("wanted", ["auto", "xpu:99"])
def test_a_broken_gpu_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    """With the reason; the next encoder uses the CPU."""
    directory = make_model(tmp_path / "model")
    monkeypatch.setattr(model, "devices", lambda: ["xpu:99", "cpu"])
    reporter: Any = SimpleNamespace(send=lambda *_: 0, phase=lambda *_: 0)
    with pytest.raises(process.DeviceUnusable) as caught:
        process.start_serving(directory, reporter, wanted)
    assert (caught.value.device, caught.value.cause) == ("xpu:99", "error")
    assert "xpu" in caught.value.reason.lower()


def test_the_variable_for_metal_is_set_before_torch_is_imported() -> None:
    """PyTorch reads it once; operations that Metal lacks run on the CPU."""
    assert launcher.ENVIRONMENT["PYTORCH_ENABLE_MPS_FALLBACK"] == "1"
    code = (
        "import sys; import photosd.encoder.__main__, photosd.encoder.zygote;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_model_that_loads_slowly_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Mac, which compresses unused memory of other programs; the status shows a warning."""
    spec = read_model(make_model(tmp_path / "model"))
    monkeypatch.setattr(machine, "available", lambda: 10 << 20)
    monkeypatch.setattr(machine, "more_memory", lambda: "close other programs")
    monkeypatch.setattr(machine, "obtainable", lambda: 8 << 30)
    doubt = require_memory(spec)
    assert doubt is not None and "10 MB are free" in doubt
    monkeypatch.setattr(machine, "obtainable", lambda: 256 << 20)
    with pytest.raises(ModelError, match="10 MB are free"):
        require_memory(spec)


def test_a_huge_model_has_time_for_its_first_batch() -> None:
    """Two seconds a picture, as a ViT-H takes here: sixteen of them are no hang."""
    limits, lane = EncoderLimits(), LaneQueue("image")
    lane.expect(16 * 2.0, limits.factor)
    assert lane.average.limit(limits.image_least, limits.factor, limits.image_most) >= 60
    small = LaneQueue("image")
    small.expect(16 * 0.03, limits.factor)
    limit = small.average.limit(limits.image_least, limits.factor, limits.image_most)
    assert limit == limits.image_least
