"""Our (XLM-)RoBERTa text tower is the one that open_clip builds with transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from photosd.encoder import roberta
from photosd.encoder.model import MaskedTrim

TINY = roberta.Size(vocabulary=99, width=32, layers=2, heads=4)
TEXTS = torch.tensor([[0, 5, 6, 7, 2, 1, 1, 1], [0, 9, 2, 1, 1, 1, 1, 1]])


@pytest.mark.parametrize("projection", ["mlp", "linear"])
def test_the_tower_agrees_with_transformers(
    projection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights of stock open_clip's tower fit by name and give the same vectors."""
    transformers = pytest.importorskip("transformers")
    hf_model = pytest.importorskip("open_clip.hf_model")
    if hf_model.transformers is None:
        pytest.skip("open_clip was imported without transformers before")
    config = transformers.XLMRobertaConfig(
        vocab_size=TINY.vocabulary,
        hidden_size=TINY.width,
        num_hidden_layers=TINY.layers,
        num_attention_heads=TINY.heads,
        intermediate_size=4 * TINY.width,
        max_position_embeddings=roberta.POSITIONS,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    config.save_pretrained(tmp_path)
    torch.manual_seed(1)
    stock: Any = hf_model.HFTextEncoder(
        str(tmp_path), 16, pooler_type="mean_pooler", proj_type=projection, pretrained=False
    )
    monkeypatch.setitem(roberta.SIZES, "tiny", TINY)
    ours = roberta.RobertaTower({"hf_model_name": "tiny", "hf_proj_type": projection}, 16)
    ours.load_state_dict(stock.state_dict())
    with torch.inference_mode():
        expected, found = stock.eval()(TEXTS), ours.eval()(TEXTS)
        trimmed = ours(MaskedTrim(roberta.PAD)(TEXTS))
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(trimmed, expected, atol=1e-5)  # padding has no say
