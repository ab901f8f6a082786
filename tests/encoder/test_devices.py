"""A device that cannot be used is replaced by the CPU; huge models are not taken for hung."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from photosd.encoder import model, process
from photosd.encoder.limits import Limits
from photosd.encoder.requests import LaneQueue
from tests.encoder.models import make_model


def test_a_broken_gpu_leaves_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model serves, and the reason is among what it reports."""
    directory = make_model(tmp_path / "model")
    monkeypatch.setattr(model, "devices", lambda: ["xpu:99", "cpu"])
    sent: list[dict[str, Any]] = []
    reporter: Any = SimpleNamespace(send=lambda header, *_: sent.append(header), phase=lambda _: 0)
    process.come_up(directory, reporter)
    ready = sent[-1]
    assert ready["event"] == "ready" and ready["device"] == "cpu"
    assert "xpu:99 device cannot be used" in ready["doubt"]


def test_a_huge_model_has_time_for_its_first_batch() -> None:
    """Two seconds a picture, as a ViT-H takes here: sixteen of them are no hang."""
    limits, lane = Limits(), LaneQueue("image")
    lane.expect(16 * 2.0, limits.factor)
    assert lane.average.limit(limits.image_least, limits.factor, limits.image_most) >= 60
    small = LaneQueue("image")
    small.expect(16 * 0.03, limits.factor)
    limit = small.average.limit(limits.image_least, limits.factor, limits.image_most)
    assert limit == limits.image_least
