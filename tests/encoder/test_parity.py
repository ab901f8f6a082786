"""Our lean loading gives what stock open_clip gives, and imports a fraction of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from photosd.models.spec import STARTER, read_model
from tests.encoder.models import TINY, make_model

TEXTS = ["a photo of a dog", "sunset over the sea, with a very long description " * 20, "x", ""]
HEAVY = ("torchvision", "timm", "transformers", "huggingface_hub", "PIL")
OURS = """
import json, sys
from pathlib import Path
import numpy as np
from photosd.encoder.model import WarmModel
from photosd.models.spec import read_model
directory, texts, pixels, out = sys.argv[1:]
model = WarmModel(read_model(Path(directory)), Path(directory), lambda phase: None)
np.savez(
    out,
    texts=model.encode_texts(json.loads(texts)),
    images=model.encode_images(np.load(pixels)),
    tokens=model.tokenizer.encode(json.loads(texts)),
    modules=sorted(sys.modules),
)
"""


def ours(directory: Path, pixels: np.ndarray[Any, Any], tmp_path: Path) -> dict[str, Any]:
    """What an encoder process makes of texts and pixels, and the modules it has imported."""
    np.save(tmp_path / "pixels.npy", pixels)
    command = [sys.executable, "-c", OURS, str(directory), json.dumps(TEXTS)]
    files = [str(tmp_path / "pixels.npy"), str(tmp_path / "out.npz")]
    root = Path(__file__).parent.parent.parent / "daemon"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run([*command, *files], check=True, timeout=100, env=environment)
    with np.load(tmp_path / "out.npz") as found:
        return dict(found)


@pytest.fixture(autouse=True)
def the_real_open_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the lean one that another test may have left behind in this process."""
    for name in [name for name in sys.modules if name.split(".")[0] == "open_clip"]:
        monkeypatch.delitem(sys.modules, name)


def stock(directory: Path, tokens: Any, pixels: Any) -> tuple[Any, Any]:
    """The same by stock open_clip, loaded as its users do."""
    import open_clip.model

    spec = read_model(directory)
    config = dict(spec.open_clip)
    custom = config.pop("custom_text", False)
    make: Any = open_clip.model.CustomTextCLIP if custom else open_clip.model.CLIP
    model = make(**config).eval()
    model.load_state_dict(
        {k: v.float() for k, v in load_file(directory / "weights.safetensors").items()}
    )
    scaled = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean, std = (
        torch.tensor(x).view(1, 3, 1, 1) for x in (spec.preprocess.mean, spec.preprocess.std)
    )
    with torch.inference_mode():
        texts = model.encode_text(torch.from_numpy(tokens), normalize=True)
        images = model.encode_image((scaled - mean) / std, normalize=True)
    return texts.numpy(), images.numpy()


@pytest.mark.parametrize("kind", ["plain", "custom_text", "starter"])
def test_both_towers_agree_with_stock(kind: str, tmp_path: Path) -> None:
    """Cosine of at least 0.9999 on identical input; nothing heavy is imported."""
    directory = STARTER
    if kind != "starter":
        config = {**TINY, "custom_text": kind == "custom_text"}
        directory = make_model(tmp_path / "model", config)
    size = read_model(directory).preprocess.size
    pixels = np.random.default_rng(1).integers(0, 255, (3, size, size, 3), np.uint8)
    found = ours(directory, pixels, tmp_path)
    texts, images = stock(directory, found["tokens"], pixels)
    assert (found["texts"] * texts).sum(axis=1).min() >= 0.9999
    assert (found["images"] * images).sum(axis=1).min() >= 0.9999
    imported = {str(name).partition(".")[0] for name in found["modules"]}
    assert imported.isdisjoint(HEAVY)
