"""Writes the model directory that photosd ships: weights, tokenizer, words, canary, thresholds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Tokenizer

from photosd.encoder.canary import picture
from photosd.models.spec import LANGUAGES, STARTER
from training.backbone import MEAN, STD
from training.complete import Trained
from training.model import CONTEXT, Starter, open_clip_config, tokenize
from training.vocabulary import BEGIN, END, PAD, write_words

CANARY = (
    "a photo of a dog",
    "sunset over the sea",
    "two children playing in the snow",
    "a red car on a city street",
)
DIGITS = 5
# Words that the text tower learned from its teacher, chosen by the known words nearest to them.
MORE_WORDS = Path(__file__).with_name("more_words.txt")
WRITTEN = ("synonyms.txt", "hebrew.txt", "languages.txt")  # by hand, in the shipped directory


def export(
    trained: Trained, strength: dict[str, float], version: int, directory: Path = STARTER
) -> None:
    """Write the model in float16 to ``directory``; the canary is asked of what was written."""
    model, tokenizer = trained.model, trained.tokenizer
    directory.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.half().contiguous()
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked") and not name.endswith("attn_mask")
    }
    state.update(
        {
            name: value
            for name, value in model.state_dict().items()
            if name.endswith("num_batches_tracked")
        }
    )
    weights = directory / "weights.safetensors"
    save_file(state, weights)
    model.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    model.eval()
    tokenizer.save(str(directory / "tokenizer.json"))
    write_words(directory / "words.txt", sorted({*trained.words, *MORE_WORDS.read_text().split()}))
    for name in WRITTEN:
        if directory != STARTER:
            shutil.copyfile(STARTER / name, directory / name)
    spec = {
        "format": 1,
        "name": "starter",
        "version": version,
        "arch": "photosd-starter",
        "open_clip": open_clip_config(tokenizer.get_vocab_size()),
        "preprocess": {"size": 224, "mean": MEAN, "std": STD, "interpolation": "bicubic"},
        "tokenizer": {
            "kind": "tokenizers",
            "file": "tokenizer.json",
            "words": "words.txt",
            "synonyms": WRITTEN[0],
            "glossary": WRITTEN[1],
            "languages": WRITTEN[2],
            "context_length": CONTEXT,
            "pad_id": PAD,
            "bos": BEGIN,
            "eos": END,
        },
        "languages": list(LANGUAGES),
        "licence": "Apache-2.0 code; trained on research-use photos, for trying photosd out",
        "weights": {
            "file": weights.name,
            "bytes": weights.stat().st_size,
            "xxh3": xxhash.xxh3_128_hexdigest(weights.read_bytes()),
        },
        "strength": strength,
        "canary": _canary(model, tokenizer),
    }
    (directory / "model.json").write_text(json.dumps(spec, indent=1) + "\n")


def image_vectors(model: Starter, pixels: NDArray[np.uint8]) -> torch.Tensor:
    """Unit vectors of (n, 224, 224, 3) uint8."""
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.inference_mode():
        return torch.nn.functional.normalize(model.visual((batch - mean) / std), dim=-1)


def _canary(model: Starter, tokenizer: Tokenizer) -> dict[str, Any]:
    with torch.inference_mode():
        texts = model.texts(tokenize(tokenizer, CANARY))
    image = image_vectors(model, picture(224)[np.newaxis])[0]
    return {"texts": CANARY, "vectors": _rounded(texts), "image_vector": _rounded(image)}


def _rounded(values: torch.Tensor) -> Any:
    return np.round(values.numpy().astype(float), DIGITS).tolist()
