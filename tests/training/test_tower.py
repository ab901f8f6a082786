"""Our EfficientNet-Lite2 is timm's: the same names, the same answers."""

from __future__ import annotations

import pytest
import torch

from photosd.encoder.efficientnet import FEATURES, EfficientNetTower, fold_norms


def test_same_weights_give_what_timm_gives() -> None:
    timm = pytest.importorskip("timm", reason="timm comes with open-clip-torch")
    torch.manual_seed(7)
    theirs = timm.create_model("tf_efficientnet_lite2", pretrained=False, num_classes=0).eval()
    ours = EfficientNetTower(16).eval()
    ours.trunk.load_state_dict(theirs.state_dict())  # strict: a name too many or too few raises
    for size in (96, 101):  # padding differs where strides meet odd sizes
        pictures = torch.randn(2, 3, size, size)
        with torch.inference_mode():
            expected, got = theirs(pictures), ours.trunk(pictures)
        assert got.shape == (2, FEATURES)
        torch.testing.assert_close(got, expected)


def test_folding_the_norms_changes_no_answer() -> None:
    torch.manual_seed(7)
    tower = EfficientNetTower(16).eval().requires_grad_(False)
    for module in tower.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # fresh ones would be nearly the identity
            for values in module.buffers():
                if values.is_floating_point():  # mean and variance
                    torch.nn.init.uniform_(values, 0.5, 2.0)
            torch.nn.init.uniform_(module.weight, 0.5, 2.0)
    pictures = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        expected = tower(pictures)
        fold_norms(tower)
        assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in tower.modules())
        torch.testing.assert_close(tower(pictures), expected, rtol=1e-3, atol=1e-4)


def test_the_projection_is_named_as_open_clip_names_it() -> None:
    names = {name for name, _ in EfficientNetTower(16).named_parameters()}
    assert {"head.proj.weight", "head.proj.bias", "trunk.conv_stem.weight"} <= names
    assert all(name.startswith(("trunk.", "head.proj.")) for name in names)
