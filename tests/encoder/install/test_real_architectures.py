"""Five architectures at full size, random weights: pulled or imported, then as stock open_clip."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photosd.core.paths import Home
from photosd.models import registry
from tests.conftest import ROOT, RunningDaemon
from tests.encoder.install.checkpoints import word_tokenizer
from tests.encoder.install.stub_hub import StubHub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WORDS = ["sunset", "over", "the", "sea", "dog", "שקיעה", "מעל", "הים"]
TEXTS = ["sunset over the sea", "dog", "שקיעה מעל הים", "the dog over the sea " * 30]
PULLED = {
    "ViT-B-32": ("laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", ""),
    "xlm-roberta-base-ViT-B-32": (
        "laion5b_s13b_b90k",
        "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k",
        "xlm-roberta-base",
    ),
    "ViT-B-16-SigLIP": ("webli", "timm/ViT-B-16-SigLIP", "timm/ViT-B-16-SigLIP"),
}
IMPORTED = ("MobileCLIP-B", "RN50")

# Stock open_clip makes the checkpoint; what it answers is what we must answer.
STOCK = """
import json, sys
from pathlib import Path
import numpy as np, open_clip, torch
from safetensors.torch import save_file
arch, directory = sys.argv[1], Path(sys.argv[2])
torch.manual_seed(11)
if arch.startswith("xlm"):
    import transformers
    transformers.XLMRobertaConfig(
        vocab_size=250002, hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
        intermediate_size=3072, max_position_embeddings=514, type_vocab_size=1,
        layer_norm_eps=1e-5, pad_token_id=1,
    ).save_pretrained(directory / "config")
    config = open_clip.get_model_config(arch)
    config["text_cfg"]["hf_model_name"] = str(directory / "config")
    config["text_cfg"]["hf_model_pretrained"] = False
    model = open_clip.model.CustomTextCLIP(**config)
else:
    model = open_clip.create_model(arch, pretrained=None)
save_file({k: v.contiguous().clone() for k, v in model.state_dict().items()},
          directory / "open_clip_model.safetensors")
"""
COMPARE = """
import sys
import numpy as np, torch
from safetensors.torch import load_file
from pathlib import Path
from photosd.encoder.model import WarmModel
from photosd.models.spec import read_model
directory, source, texts, out = Path(sys.argv[1]), Path(sys.argv[2]), eval(sys.argv[3]), sys.argv[4]
spec = read_model(directory)
ours = WarmModel(spec, directory, lambda phase: None)
size = spec.preprocess.size
pixels = np.random.default_rng(1).integers(0, 255, (3, size, size, 3), np.uint8)
tokens = ours.tokenizer.encode(texts)
np.savez(out, texts=ours.encode_texts(texts), images=ours.encode_images(pixels), tokens=tokens,
         pixels=pixels)
"""
STOCK_ANSWERS = """
import sys
from pathlib import Path
import numpy as np, open_clip, torch
from safetensors.torch import load_file
arch, source, data, out = sys.argv[1], Path(sys.argv[2]), np.load(sys.argv[3]), sys.argv[4]
config = open_clip.get_model_config(arch)
if arch.startswith("xlm"):
    config["text_cfg"]["hf_model_name"] = str(source / "config")
    config["text_cfg"]["hf_model_pretrained"] = False
    model = open_clip.model.CustomTextCLIP(**config)
    model.load_state_dict(load_file(source / "open_clip_model.safetensors"))
else:
    model = open_clip.create_model(arch, pretrained=str(source / "open_clip_model.safetensors"))
tags = open_clip.list_pretrained_tags_by_model(arch)
facts = open_clip.get_pretrained_cfg(arch, tags[-1])
mean, std = (torch.tensor(facts[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
pixels = torch.from_numpy(data["pixels"]).permute(0, 3, 1, 2).float() / 255
with torch.inference_mode():
    model.eval()
    texts = model.encode_text(torch.from_numpy(data["tokens"]), normalize=True)
    images = model.encode_image((pixels - mean) / std, normalize=True)
np.savez(out, texts=texts.numpy(), images=images.numpy())
"""


def run(code: str, *arguments: object, **more: str) -> None:
    path = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")])
    subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", **more},
        check=True,
        timeout=300,
    )


def photosd(*arguments: object, **more: str) -> Any:
    path = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "cli")])
    done = subprocess.run(
        [sys.executable, "-m", "photosd_cli.main", *map(str, arguments), "--json"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path, **more},
        timeout=500,
        check=False,
    )
    answer = json.loads(done.stdout or b"null")
    assert done.returncode == 0, (answer, done.stderr[-2000:])
    return answer


@pytest.fixture
def hub() -> Iterator[StubHub]:
    stub = StubHub()
    yield stub
    stub.close()


def make(arch: str, directory: Path) -> Path:
    """A published directory of this architecture, its tokenizer a small real one."""
    directory.mkdir()
    run(STOCK, arch, directory)
    word_tokenizer(directory, WORDS, pad="</s>" if "SigLIP" in arch else "<pad>")
    return directory


def least_cosines(arch: str, source: Path, home: Home, name: str, scratch: Path) -> list[float]:
    """The least cosines of texts and of images, with stock open_clip's in full precision."""
    ours, theirs = scratch / "ours.npz", scratch / "theirs.npz"
    run(COMPARE, registry.directory_of(home, name), source, TEXTS, ours)
    run(STOCK_ANSWERS, arch, source, ours, theirs)
    with np.load(ours) as left, np.load(theirs) as right:
        return [float((left[k] * right[k]).sum(axis=1).min()) for k in ("texts", "images")]


@pytest.mark.parametrize("arch", [*PULLED, *IMPORTED])
def test_both_towers_are_those_of_stock_open_clip(arch: str, home: Home, tmp_path: Path) -> None:
    """Cosine on identical input: 0.9999 in full precision, 0.9995 in half."""
    source = make(arch, tmp_path / "source")
    for precision, least in (("float32", 0.9999), ("bfloat16", 0.9995)):
        photosd(
            *("model", "import", source / "open_clip_model.safetensors"),
            *("--arch", arch, "--name", precision, "--precision", precision),
        )
        cosines = least_cosines(arch, source, home, precision, tmp_path)
        print(f"{arch} {precision}: texts {cosines[0]:.6f}, images {cosines[1]:.6f}")
        assert min(cosines) >= least
        photosd("model", "remove", precision)


@pytest.mark.parametrize("arch", list(PULLED))
def test_pulled_used_indexed_and_asked(
    arch: str, home: Home, hub: StubHub, photos: Path, tmp_path: Path
) -> None:
    """From the hub to an answer, under the name that was pulled."""
    source = make(arch, tmp_path / "source")
    tag, repository, tokenizer = PULLED[arch]
    hub.files[f"{repository}/open_clip_model.safetensors"] = source / "open_clip_model.safetensors"
    for file in ("tokenizer.json", "tokenizer_config.json"):
        hub.files[f"{tokenizer}/{file}"] = source / file
    name = f"{arch}/{tag}"
    answer = photosd("model", "pull", name, HF_ENDPOINT=hub.url)
    assert answer["name"] == name
    photosd("model", "use", name)
    folder = home.state.parent / "photos"
    folder.mkdir()
    for photo in sorted((photos / "library").glob("*.jpg"))[:5]:
        shutil.copy(photo, folder)
    daemon = RunningDaemon(home)
    try:
        status: Any = daemon.wait_until("ready", 120)
        assert status["encoder"]["model"] == name
        daemon.index(folder)
        found: Any = daemon.query("שקיעה מעל הים", deadline_ms=10_000)
        assert found["model"] == name and len(found["hits"]) == 5
    finally:
        daemon.stop()
