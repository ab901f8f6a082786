"""The model directory: the content of `model.json`, checked before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from photosd.core import typed
from photosd.core.errors import ModelError

FORMAT = 1
STARTER_ARCH = "photosd-starter"  # not one of open_clip's: its image tower is in this repository
STARTER = Path(__file__).parent / "starter"
LANGUAGES = {
    **{"en": "English", "he": "Hebrew", "ar": "Arabic", "de": "German", "es": "Spanish"},
    **{"fr": "French", "ru": "Russian"},
}  # others are not told apart: ISO 639's "mul"
SLASH = "--"  # replaces the slash of a model's name in its directory's name


class Preprocess(msgspec.Struct, frozen=True):
    """How a photo becomes the image tower's input: (size, size, 3) uint8, then normalised.

    The tower's input is ``(pixels / 255 - mean) / std``, channels first.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    resize_mode: Literal["shortest", "squash"] = "shortest"


class Tokenizer(msgspec.Struct, frozen=True):
    """The text tower's tokenizer; ``clip-bpe`` is bundled with open_clip.

    Files: ``words`` that the model knows; ``synonyms`` for others; ``glossary`` of Hebrew words
    with their English meanings, for a model of English; ``languages``: a table of words of others.
    """

    kind: Literal["tokenizers", "clip-bpe"]
    context_length: int
    file: str | None = None
    words: str | None = None
    synonyms: str | None = None
    glossary: str | None = None
    languages: str | None = None
    pad_id: int = 0
    bos: int | None = None
    eos: int | None = None
    clean: Literal["", "whitespace", "lower", "canonicalize"] = ""  # as open_clip names them


class Weights(msgspec.Struct, frozen=True):
    """The safetensors file, its size in bytes and its xxh3-128 digest."""

    file: str
    bytes: int
    xxh3: str


class Strength(msgspec.Struct, frozen=True):
    """Cosines from which a text match is weak, fair and strong."""

    weak: float = 0.15
    fair: float = 0.2
    strong: float = 0.25


class Canary(msgspec.Struct, frozen=True):
    """Known inputs and the outputs recorded when the model was installed."""

    texts: tuple[str, ...] = ()
    vectors: tuple[tuple[float, ...], ...] = ()
    image_vector: tuple[float, ...] = ()


class Measured(msgspec.Struct, frozen=True):
    """Run times and memory on this machine when it was installed, milliseconds and MB."""

    image_ms: float
    text_ms: float
    load_ms: float
    rss_mb: float


class ModelSpec(msgspec.Struct, frozen=True):
    """One installed model."""

    format: int
    name: str
    arch: str
    open_clip: dict[str, Any]
    preprocess: Preprocess
    tokenizer: Tokenizer
    weights: Weights
    version: int = 1
    languages: tuple[str, ...] = ("en",)
    licence: str = "unknown"
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    strength: Strength = Strength()
    canary: Canary = Canary()
    measured: Measured | None = None
    lists: str = ""  # digest of the tokenizer's lists of words, as `read_model` found them

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return int(self.open_clip["embed_dim"])

    @property
    def lean(self) -> bool:
        """Whether it can be loaded without timm and torchvision, half of open_clip's imports."""
        from_timm = bool(self.open_clip["vision_cfg"].get("timm_model_name"))
        return not from_timm or self.arch == STARTER_ARCH

    @property
    def fingerprint(self) -> str:
        """What an index depends on: architecture, weights, preprocessing, precision."""
        import xxhash

        facts = [self.arch, self.weights.xxh3, msgspec.to_builtins(self.preprocess), self.precision]
        return xxhash.xxh3_64_hexdigest(msgspec.json.encode(facts))

    @property
    def text_fingerprint(self) -> str:
        """What the vector of a text depends on: that, and the lists of words."""
        import xxhash

        if not self.lists:
            return self.fingerprint
        return xxhash.xxh3_64_hexdigest(f"{self.fingerprint} {self.lists}".encode())


def read_model(directory: Path) -> ModelSpec:
    """The spec in ``directory``; raises ModelError if it is missing, damaged or too new.

    The directory's name is the model's name: a copied directory may contain the old one.
    """
    file = directory / "model.json"
    try:
        spec = typed.from_json(file.read_bytes(), ModelSpec)
    except FileNotFoundError as error:
        raise ModelError(
            f"no model in {directory}",
            remedy="photosd model list; then: photosd model use NAME",
        ) from error
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(
            f"{file} cannot be read: {error}",
            remedy="photosd model use starter",
        ) from error
    if spec.format != FORMAT:
        raise ModelError(
            f"{file} has format {spec.format}, this photosd reads {FORMAT}",
            remedy="update photosd, or install the model again",
        )
    weights = directory / spec.weights.file
    if not weights.is_file() or weights.stat().st_size != spec.weights.bytes:
        raise ModelError(
            f"{weights} is missing or not {spec.weights.bytes} bytes long",
            remedy="install it again, or: photosd model use starter",
        )
    name = directory.name.replace(SLASH, "/")
    if spec.name.replace("/", SLASH) == directory.name:
        name = spec.name
    return msgspec.structs.replace(spec, name=name, lists=_digest(directory, spec.tokenizer))


def _digest(directory: Path, tokenizer: Tokenizer) -> str:
    """xxh3-64 of the lists of words, in hexadecimal; empty if the tokenizer has none."""
    import xxhash

    names = (tokenizer.words, tokenizer.synonyms, tokenizer.glossary, tokenizer.languages)
    files = [directory / name for name in names if name is not None]
    if not files:
        return ""
    digest = xxhash.xxh3_64()
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"")
        digest.update(b"\0")
    return digest.hexdigest()
