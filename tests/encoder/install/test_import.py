"""`photosd model import`: a checkpoint on this machine becomes a model, or nothing is left."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from photosd.core.errors import BadRequest, ModelError
from photosd.core.paths import Home
from photosd.encoder.install.model_spec import InstallOrder, model_spec
from photosd.encoder.install.tokenizer_files import tokenizer_of
from photosd.models import registry
from tests.conftest import ROOT, RunningDaemon
from tests.encoder.install.checkpoints import publish, word_tokenizer


def photosd(*arguments: object) -> tuple[int, Any]:
    """Exit code and the JSON object of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "photosd_cli.main", *map(str, arguments), "--json"],
        capture_output=True,
        cwd=ROOT / "cli",
        timeout=100,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or b"null")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint with open_clip's description."""
    return publish(tmp_path_factory.mktemp("published"))


def leftovers(home: Home) -> list[Path]:
    return list(home.models.iterdir()) if home.models.exists() else []


@pytest.mark.slow
def test_an_imported_model_serves(home: Home, published: Path, photos: Path) -> None:
    """Import, list, use, index, query: answers come from it, under its name; then remove it."""
    code, answer = photosd("model", "import", published, "--name", "mine")
    assert code == 0, answer
    assert answer["name"] == "mine" and answer["measured"]["image_ms"] > 0
    spec = registry.find(home, "mine")[1]
    assert spec.preprocess.interpolation == "bilinear" and spec.preprocess.resize_mode == "squash"
    assert len(spec.canary.vectors) == len(spec.canary.texts) > 1

    assert photosd("model", "use", "mine")[0] == 0
    folder = home.state.parent / "photos"
    folder.mkdir()
    for file in sorted((photos / "library").glob("*.jpg"))[:5]:
        shutil.copy(file, folder)
    daemon = RunningDaemon(home)
    try:
        status: Any = daemon.wait_until("ready")
        assert status["encoder"]["model"] == "mine"
        daemon.index(folder)
        found: Any = daemon.query("sunset")
        assert found["model"] == "mine" and len(found["hits"]) == 5
    finally:
        daemon.stop()
    assert photosd("model", "remove", "mine")[0] == 2  # in use
    assert photosd("model", "use", "starter")[0] == 0
    code, answer = photosd("model", "remove", "mine")
    assert code == 0 and answer["bytes"] > 1e6
    assert not leftovers(home)


@pytest.mark.parametrize(
    "fault",
    ["no file", "no architecture", "other architecture", "damaged", "code inside", "tokenizer"],
)
def test_what_cannot_be_imported_leaves_nothing(
    fault: str, home: Home, published: Path, tmp_path: Path
) -> None:
    """The error has a clear cause and a remedy; no half of a model is left."""
    source, arguments, word = tmp_path / "weights.safetensors", ["--arch", "RN50"], ""
    shutil.copy(published / "open_clip_model.safetensors", source)
    if fault == "no file":
        source, word = tmp_path / "nowhere", "no such file"
    elif fault == "no architecture":
        arguments, word = ["--arch", "ViT-B-33"], "ViT-B-32"
    elif fault == "other architecture":
        word = "does not match RN50"
    elif fault == "damaged":
        source.write_bytes(source.read_bytes()[:-1000])
        word = "cannot be read"
    elif fault == "code inside":
        source = tmp_path / "weights.pt"
        torch.save({"x": Exploit()}, source)
        word = "cannot be read"
    else:
        arguments, word = ["--arch", "ViT-B-16-SigLIP"], "tokenizer.json"
    code, answer = photosd("model", "import", source, *arguments)
    assert code != 0 and word in answer["error"]["message"], answer
    assert answer["error"]["remedy"]
    assert not leftovers(home)
    assert not Exploit.DONE.exists()


class Exploit:
    """Runs a command when it is unpickled."""

    DONE = Path("/tmp/photosd-test-exploit")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.DONE,))


def test_a_model_that_is_not_installed_is_named_with_its_remedy(home: Home) -> None:
    """The remedy is the command that gets it."""
    for name, remedy in (("multilingual", "pull multilingual"), ("mine", "import FILE")):
        code, answer = photosd("model", "use", name)
        assert code == 1 and remedy in answer["error"]["remedy"]


@pytest.mark.slow
def test_an_installation_that_was_killed_is_swept(home: Home, published: Path) -> None:
    """What it left is no model, and is gone after the next one."""
    stale = home.models / ".new-999999999-x"
    stale.mkdir(parents=True)
    (stale / "model.json").write_text("{}")
    assert [spec.name for spec in registry.installed(home)] == ["starter"]
    assert not registry.damaged(home)
    assert photosd("model", "import", published, "--name", "mine")[0] == 0
    assert [path.name for path in leftovers(home)] == ["mine"]


@pytest.mark.parametrize("name", ["../evil", "starter", "a/b/c", ".new-x", "", "x" * 200])
def test_names_stay_within_the_shelf(name: str) -> None:
    """No name leads elsewhere, or takes the place of what is ours."""
    with pytest.raises(BadRequest):
        registry.check_name(name)


def test_each_architecture_has_its_own_preprocessing(tmp_path: Path) -> None:
    """CLIP, SigLIP and MobileCLIP differ in mean, interpolation, resizing and tokenizer."""
    word_tokenizer(tmp_path, ["sunset"], pad="</s>")

    def of(arch: str, tag: str | None = None) -> Any:
        return model_spec(InstallOrder(str(tmp_path), "x", arch=arch, tag=tag), tmp_path)

    clip, siglip = of("ViT-B-32"), of("ViT-B-16-SigLIP", "webli")
    mobile = of("MobileCLIP-S1", "datacompdr")
    assert clip.preprocess.mean[0] == pytest.approx(0.4815, abs=1e-4)
    assert (clip.preprocess.resize_mode, clip.preprocess.interpolation) == ("shortest", "bicubic")
    assert siglip.preprocess.resize_mode == "squash" and siglip.preprocess.mean == (0.5, 0.5, 0.5)
    assert mobile.preprocess.interpolation == "bilinear" and mobile.preprocess.mean == (0, 0, 0)
    assert siglip.tokenizer.clean == "canonicalize" and siglip.tokenizer.pad_id == 2
    assert of("ViT-B-32", "openai").open_clip["quick_gelu"] is True
    assert of("xlm-roberta-base-ViT-B-32").languages == ("mul",)
    for arch in ("coca_ViT-B-32", "nllb-clip-base"):
        with pytest.raises(ModelError, match="cannot use"):
            of(arch)


def test_tokenizer_files_are_read_as_transformers_reads_them(tmp_path: Path) -> None:
    """Special tokens, padding, cleaning and truncation agree with the original."""
    transformers = pytest.importorskip("transformers")
    from photosd.encoder.tokenizer import TextTokenizer
    from photosd.models.spec import STARTER, read_model

    word_tokenizer(tmp_path, ["sunset", "over", "the", "sea", "שקיעה"])
    text_cfg = {"hf_tokenizer_name": "x", "context_length": 8}
    found = tokenizer_of(text_cfg, tmp_path)
    assert (found.bos, found.eos, found.pad_id) == (0, 2, 1)
    spec = msgspec.structs.replace(read_model(STARTER), tokenizer=found)
    texts = ["sunset over  the sea", "שקיעה", "", "sunset " * 30]
    ours = TextTokenizer(spec, tmp_path).encode(texts)
    original = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"), pad_token="<pad>"
    )
    theirs = original(
        texts, max_length=8, padding="max_length", truncation=True, return_tensors="np"
    ).input_ids
    assert np.array_equal(ours, theirs)


def test_every_tag_can_be_listed(home: Home) -> None:
    """With its licence; architectures that photosd cannot use are left out."""
    code, answer = photosd("model", "list", "--tags")
    assert code == 0
    by_name = {tag["name"]: tag for tag in answer["tags"]}
    assert len(by_name) > 100
    assert "research" in by_name["MobileCLIP2-S0/dfndr2b"]["licence"]
    assert by_name["xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k"]["languages"] == ["mul"]
    assert not any(name.startswith(("coca", "nllb", "mt5")) for name in by_name)
