"""The canary: known inputs that a model must answer as it did when it was installed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photosd.core.errors import ModelError
from photosd.models.spec import ModelSpec

# Drawn by formula, not in any training data.
KNOWN_PICTURES = Path(__file__).parent / "known_pictures.npz"
NORM_TOLERANCE = 1e-3
INDISTINGUISHABLE = 0.9999  # above this similarity two different inputs count as equal
# Tolerance for rounding; other devices and precisions round differently.
MIN_COSINE = {"float32": 0.999, "bfloat16": 0.99, "float16": 0.99}
MISSES_ALLOWED = 1  # of the known pictures; guessing reaches this in 5 of 100 cases
TEXTS = ("a photo of a dog", "sunset over the sea")


class Encodes(Protocol):
    """The part of a model's interface that the canary uses."""

    def encode_texts(self, texts: tuple[str, ...]) -> NDArray[np.float32]: ...

    def encode_images(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]: ...


def picture(size: int) -> NDArray[np.uint8]:
    """The canary's picture, (size, size, 3) uint8: the same on every machine."""
    y, x, channel = np.indices((size, size, 3))
    colours: NDArray[np.uint8] = ((x * (channel + 1) + y * 2) % 256).astype(np.uint8)
    return colours


def check(model: Encodes, spec: ModelSpec) -> str | None:
    """Run the canary; returns a warning about the model, or None.

    Raises ModelError if the model must not serve.
    """
    texts = spec.canary.texts or TEXTS
    size = spec.preprocess.size
    pictures = np.stack([picture(size), np.full((size, size, 3), 128, np.uint8)])
    text_vectors, image_vectors = model.encode_texts(texts), model.encode_images(pictures)
    for kind, vectors in (("texts", text_vectors), ("pictures", image_vectors)):
        if not np.isfinite(vectors).all():
            raise _unfit(spec, f"its vectors of {kind} are not finite")
        if np.abs(np.linalg.norm(vectors, axis=1) - 1).max() > NORM_TOLERANCE:
            raise _unfit(spec, f"its vectors of {kind} do not have unit length")
        if len(vectors) > 1 and float(vectors[0] @ vectors[1]) > INDISTINGUISHABLE:
            raise _unfit(spec, f"it gives the same vector for two different {kind}")
    least = MIN_COSINE[spec.precision]
    if spec.canary.vectors:
        cosines = (text_vectors * np.asarray(spec.canary.vectors, np.float32)).sum(axis=1)
        if float(cosines.min()) < least:
            raise _unfit(spec, f"its vectors differ from the recorded ones ({cosines.min():.4f})")
    if spec.canary.image_vector:
        cosine = float(image_vectors[0] @ np.asarray(spec.canary.image_vector, np.float32))
        if cosine < least:
            raise _unfit(
                spec, f"its vector of a known picture differs from the recorded one ({cosine:.4f})"
            )
    return _check_recognition(model, spec)


def _check_recognition(model: Encodes, spec: ModelSpec) -> str | None:
    """Whether captions find their pictures: required for our model, a warning for others."""
    pictures, captions = _known_pictures(spec.preprocess.size)
    cosines = model.encode_texts(tuple(captions)) @ model.encode_images(pictures).T
    right = int((cosines.argmax(axis=1) == np.arange(len(captions))).sum())
    if right >= len(captions) - MISSES_ALLOWED:
        return None
    doubt = f"it finds {right} of {len(captions)} known pictures by their captions"
    if spec.name == "starter":
        raise _unfit(spec, doubt)
    return f"the model {spec.name} may perform badly: {doubt}"


def _known_pictures(size: int) -> tuple[NDArray[np.uint8], list[str]]:
    """Four small pictures, (n, size, size, 3) uint8, and a caption for each."""
    with np.load(KNOWN_PICTURES, allow_pickle=False) as data:
        pictures, captions = data["pictures"], data["captions"]
    drawn = _resized(_resized(pictures.astype(np.float32), 1, size), 2, size)
    return np.rint(drawn).astype(np.uint8), [str(caption) for caption in captions]


def _resized(pictures: NDArray[np.float32], axis: int, size: int) -> NDArray[np.float32]:
    """One axis resized to ``size`` pixels, linearly between the old centres."""
    length = pictures.shape[axis]
    places = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
    below = places.astype(int)
    above = np.minimum(below + 1, length - 1)
    shape = [size if number == axis else 1 for number in range(pictures.ndim)]
    share = (places - below).astype(np.float32).reshape(shape)
    mixed: NDArray[np.float32] = pictures.take(below, axis) * (1 - share)
    mixed += pictures.take(above, axis) * share
    return mixed


def _unfit(spec: ModelSpec, cause: str) -> ModelError:
    return ModelError(
        f"the model {spec.name} failed its self-test: {cause}",
        remedy="photosd model use starter",
    )
