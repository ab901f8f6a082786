"""Our MobileNetV2 is timm's: the same names, the same answers."""

from __future__ import annotations

import pytest
import torch

from photosd.encoder.mobilenet import FEATURES, MobileNetV2Tower


def test_same_weights_give_what_timm_gives() -> None:
    timm = pytest.importorskip("timm", reason="timm comes with open-clip-torch")
    torch.manual_seed(7)
    theirs = timm.create_model("mobilenetv2_100", pretrained=False, num_classes=0).eval()
    ours = MobileNetV2Tower(16).eval()
    ours.trunk.load_state_dict(theirs.state_dict())  # strict: a name too many or too few raises
    pictures = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        expected, got = theirs(pictures), ours.trunk(pictures)
    assert got.shape == (2, FEATURES)
    torch.testing.assert_close(got, expected)


def test_the_projection_is_named_as_open_clip_names_it() -> None:
    names = {name for name, _ in MobileNetV2Tower(16).named_parameters()}
    assert {"head.proj.weight", "head.proj.bias", "trunk.conv_stem.weight"} <= names
    assert all(name.startswith(("trunk.", "head.proj.")) for name in names)
