"""Tokenizer files: finds those beside the weights, and how open_clip would use them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from photosd.core.errors import ModelError
from photosd.models.spec import Tokenizer

FILE = "tokenizer.json"
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json")
DEFAULT_LENGTH = 77
PROBE = "a"


def needs_files(text_cfg: dict[str, Any]) -> bool:
    """Whether the tokenizer bundled with open_clip is not the right one."""
    return bool(text_cfg.get("hf_tokenizer_name"))


def tokenizer_of(text_cfg: dict[str, Any], beside: Path) -> Tokenizer:
    """The tokenizer of this text tower; raises ModelError if its files are missing."""
    length = text_cfg.get("context_length", DEFAULT_LENGTH)
    options = text_cfg.get("tokenizer_kwargs", {})
    if not needs_files(text_cfg):
        return Tokenizer("clip-bpe", length)
    file = beside / FILE
    if not file.is_file():
        raise ModelError(
            f"the tokenizer of this architecture is missing: {file}",
            remedy=f"put {FILE} and {SETTINGS[0]} of {text_cfg['hf_tokenizer_name']} "
            "(on huggingface.co) beside the weights",
        )
    before, after, pad = _special_tokens(file)
    if after is not None and options.get("strip_sep_token"):
        after = 0
    return Tokenizer(
        "tokenizers",
        length,
        file=FILE,
        pad_id=pad,
        bos=before,
        eos=after,
        clean=options.get("clean", "whitespace"),
    )


def copy_tokenizer(tokenizer: Tokenizer, beside: Path, target: Path) -> None:
    """Copy the files of ``tokenizer`` to ``target``."""
    if tokenizer.file is not None:
        shutil.copyfile(beside / FILE, target / FILE)


def _special_tokens(file: Path) -> tuple[int | None, int | None, int]:
    """Ids added before and after each text, and the padding id."""
    from tokenizers import Tokenizer as Reader

    try:
        reader = Reader.from_file(str(file))
    except Exception as error:  # the library raises bare Exception
        raise ModelError(
            f"{file} is not a tokenizer: {error}", remedy="get the file again"
        ) from error
    bare = reader.encode(PROBE, add_special_tokens=False).ids
    whole = reader.encode(PROBE).ids
    start = next((at for at in range(len(whole)) if whole[at : at + len(bare)] == bare), 0)
    before, after = whole[:start], whole[start + len(bare) :]
    if len(before) > 1 or len(after) > 1:
        raise ModelError(
            f"{file} puts {len(before)} tokens before a text and {len(after)} after it",
            remedy="photosd uses at most one of each: choose another model",
        )
    return next(iter(before), None), next(iter(after), None), _padding(file, reader)


def _padding(file: Path, reader: Any) -> int:
    names = [_named_padding(file.with_name(name)) for name in SETTINGS]
    for name in (*names, "<pad>", "[PAD]"):
        if name is not None and (found := reader.token_to_id(name)) is not None:
            return int(found)
    return int((reader.padding or {}).get("pad_id", 0))


def _named_padding(file: Path) -> str | None:
    try:
        token = json.loads(file.read_text("utf-8")).get("pad_token")
    except (OSError, ValueError, AttributeError):
        return None
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None
