"""Checks of the model's files: complete and unchanged."""

from __future__ import annotations

from pathlib import Path

from photosd.core.errors import ModelError
from photosd.doctor.finding import Findings, failed, fault, ok
from photosd.doctor.patient import Patient
from photosd.models.spec import STARTER, ModelSpec, read_model

BLOCK = 4 << 20
STARTER_REMEDY = "install photosd again"
OTHER_REMEDY = "install the model again, or: photosd model use starter"


def model_files(patient: Patient) -> Findings:
    """The weights match their digest, and the tokenizer can be read."""
    directory = patient.model_directory
    remedy = STARTER_REMEDY if directory == STARTER else OTHER_REMEDY
    try:
        spec = read_model(directory)
    except ModelError as error:
        yield failed("model files", error)
        return
    weights = directory / spec.weights.file
    try:
        whole = _digest(weights) == spec.weights.xxh3
    except OSError as error:
        yield fault("model files", f"{weights} cannot be read: {error.strerror}", remedy)
        return
    if not whole:
        yield fault("model files", f"{weights} is damaged: its digest does not match", remedy)
    elif wrong := _tokenizer_trouble(spec, directory):
        yield fault("model files", wrong, remedy)
    else:
        yield ok("model files", f"{spec.name}: weights and tokenizer are intact")


def _digest(file: Path) -> str:
    import xxhash

    digest = xxhash.xxh3_128()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _tokenizer_trouble(spec: ModelSpec, directory: Path) -> str | None:
    """Why the tokenizer is unusable, if it is; the one bundled with open_clip is not checked."""
    if spec.tokenizer.words and not (directory / spec.tokenizer.words).is_file():
        return f"{directory / spec.tokenizer.words} is missing"
    if spec.tokenizer.kind != "tokenizers":
        return None
    from tokenizers import Tokenizer

    file = directory / (spec.tokenizer.file or "")
    try:
        Tokenizer.from_file(str(file)).encode("sunset שקיעה 🌅")
    except Exception as error:  # the library raises bare Exception
        return f"{file} cannot be used: {error}"
    return None
