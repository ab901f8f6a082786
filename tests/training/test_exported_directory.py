"""An exported model directory is complete, small, and answers as in stock open_clip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
import xxhash
from safetensors import safe_open

from photosd.encoder.canary import check, picture
from photosd.encoder.model import WarmModel
from photosd.models.spec import STARTER, read_model
from training.complete import Trained
from training.export import export
from training.model import Starter
from training.vocabulary import known_words, word_pieces

CAPTIONS = ["a dog runs on the beach", "two dogs run", "a dog", "a red car", "a car in the snow"]
STRENGTH = {"weak": 0.1, "fair": 0.2, "strong": 0.3}
LARGEST = 30_000_000

STOCK = """
import json, sys
from pathlib import Path
import numpy as np, torch
from open_clip.model import CustomTextCLIP
from safetensors.torch import load_file
directory, tokens, pixels, out = sys.argv[1:]
spec = json.loads((Path(directory) / "model.json").read_text())
config = spec["open_clip"]
config.pop("custom_text")
model = CustomTextCLIP(**config)
weights = load_file(Path(directory) / spec["weights"]["file"])
model.load_state_dict({name: value.float() if value.is_floating_point() else value
                       for name, value in weights.items()})
model.eval()
with torch.inference_mode():
    texts = model.encode_text(torch.from_numpy(np.load(tokens)), normalize=True)
    images = model.encode_image(torch.from_numpy(np.load(pixels)), normalize=True)
np.savez(out, texts=texts.numpy(), images=images.numpy())
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model, exported: form, not quality, is what these tests look at."""
    torch.manual_seed(3)
    where = tmp_path_factory.mktemp("model")
    words = known_words([*CAPTIONS, *CAPTIONS, *CAPTIONS], ["giraffe"])
    tokenizer = word_pieces(words)
    model = Starter(tokenizer.get_vocab_size())
    for module in model.visual.modules():
        if isinstance(module, torch.nn.Conv2d):  # the default lets every picture fade to one
            torch.nn.init.kaiming_normal_(module.weight)
    export(Trained(model, tokenizer, words), STRENGTH, 9, where)
    return where


@pytest.fixture(scope="module")
def shipped() -> WarmModel:
    return loaded(STARTER)


def loaded(directory: Path) -> WarmModel:
    return WarmModel(read_model(directory), directory, lambda _phase: None)


def test_what_was_exported_passes_its_own_self_test(directory: Path) -> None:
    spec = read_model(directory)
    untrained = msgspec.structs.replace(spec, name="untrained")  # it cannot know any picture
    check(loaded(directory), untrained)
    weights = (directory / spec.weights.file).read_bytes()
    assert spec.weights.xxh3 == xxhash.xxh3_128_hexdigest(weights)
    assert spec.version == 9
    assert spec.strength.weak < spec.strength.fair < spec.strength.strong


@pytest.mark.slow
def test_stock_open_clip_answers_as_photosd_does(shipped: WarmModel, tmp_path: Path) -> None:
    pytest.importorskip("timm", reason="timm comes with open-clip-torch")
    spec = read_model(STARTER)
    texts = ("a dog on the beach", "", "red car in the snow at night")
    pixels = np.stack([picture(spec.preprocess.size), np.zeros((224, 224, 3), np.uint8)])
    scaled = (pixels / 255.0 - spec.preprocess.mean) / spec.preprocess.std
    np.save(tmp_path / "tokens.npy", shipped.tokenizer.encode(texts))
    np.save(tmp_path / "pixels.npy", scaled.transpose(0, 3, 1, 2).astype(np.float32))
    arguments = [str(tmp_path / name) for name in ("tokens.npy", "pixels.npy", "out.npz")]
    subprocess.run([sys.executable, "-c", STOCK, str(STARTER), *arguments], check=True)
    stock = np.load(tmp_path / "out.npz")
    assert (shipped.encode_texts(texts) * stock["texts"]).sum(axis=1).min() > 0.9999
    assert (shipped.encode_images(pixels) * stock["images"]).sum(axis=1).min() > 0.9999


def test_the_shipped_directory_is_small_and_in_half_precision() -> None:
    files = [file for file in STARTER.iterdir() if file.is_file()]
    names = {"model.json", "weights.safetensors", "tokenizer.json", "words.txt"}
    assert names <= {file.name for file in files}
    assert sum(file.stat().st_size for file in files) <= LARGEST
    with safe_open(STARTER / "weights.safetensors", framework="pt") as tensors:
        kinds = {tensors.get_tensor(name).dtype for name in tensors.keys()}  # noqa: SIM118
    assert kinds <= {torch.float16, torch.int64}
    spec = json.loads((STARTER / "model.json").read_text())
    assert spec["format"] == 1 and spec["arch"] == "photosd-starter"


@pytest.mark.parametrize(
    "text", ["", "   ", "🌅", "שקיעה בים", "zeppelin", "dog " * 2500, "x" * 10_000, "\x00\ufffd"]
)
def test_no_text_breaks_the_shipped_model(shipped: WarmModel, text: str) -> None:
    vectors = shipped.encode_texts([text])
    assert np.isfinite(vectors).all()
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-3)
    share, _ = shipped.tokenizer.understood(text)
    assert 0 <= share <= 1


def test_understood_tells_known_from_unknown(shipped: WarmModel) -> None:
    tokenizer = shipped.tokenizer
    assert tokenizer.understood("Dogs running on the beach")[0] == 1
    assert tokenizer.understood("pelicans")[0] == 1  # a class name of the backbone
    assert tokenizer.understood("zeppelin qwertyuiop") == (0, ["zeppelin", "qwertyuiop"])
    assert tokenizer.understood("שקיעה")[0] == 1
    assert tokenizer.understood("ηλιοβασίλεμα")[0] == 0
